package io.ipsentry.watcher.source;

import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The files of one stream that are not read any more, so that none of them is taken for news:
 * finished ones, rotated ones that were there before, and what a file held before it was truncated.
 *
 * <p>At most {@value #MAX_FILES}; the oldest are forgotten first, and those that were deleted.
 */
final class KnownFiles {
  static final int MAX_FILES = 256;

  /** So many are kept although they were deleted. */
  private static final int KEPT = 16;

  /** Stands for the content that a file had before it was truncated. */
  private static final FileId NO_FILE = new FileId(0, 0);

  private final FollowedPath owner;
  private final Map<FileId, FollowedPath> owners;
  private final Deque<SavedFile> files = new ArrayDeque<>();

  KnownFiles(FollowedPath owner, Map<FileId, FollowedPath> owners) {
    this.owner = owner;
    this.owners = owners;
  }

  /** Stands for a file before the first one that is wanted: what was written later is. */
  static SavedFile nothingAt(long modifiedMillis) {
    return new SavedFile(NO_FILE, 0, 0, false, Fingerprint.NONE, modifiedMillis, 0);
  }

  static boolean isNothing(SavedFile file) {
    return file.id().equals(NO_FILE) && file.fingerprint().length() == 0;
  }

  /** Remembers a file, unless it was empty: its number alone would be taken for another's. */
  void add(SavedFile file) {
    if (file.fingerprint().length() == 0) {
      return;
    }
    if (files.size() >= MAX_FILES) {
      owners.remove(files.removeFirst().id(), owner);
    }
    files.addLast(file);
    if (!file.id().equals(NO_FILE)) {
      owners.put(file.id(), owner);
    }
  }

  /** Keeps what a file held before it was truncated. */
  void addContent(SavedFile before) {
    if (before.fingerprint().identifies()) {
      long position = before.position();
      add(new SavedFile(NO_FILE, position, position, false, before.fingerprint(), 0, 0));
    }
  }

  Optional<SavedFile> get(FileId id) {
    return files.stream().filter(f -> f.id().equals(id)).findFirst();
  }

  /** Forgets a file and returns what was known of it. */
  Optional<SavedFile> remove(FileId id) {
    for (Iterator<SavedFile> i = files.iterator(); i.hasNext(); ) {
      SavedFile file = i.next();
      if (file.id().equals(id)) {
        i.remove();
        owners.remove(id, owner);
        return Optional.of(file);
      }
    }
    return Optional.empty();
  }

  /** Forgets what was deleted, save the newest: a deleted file may be there compressed. */
  void removeDeleted(RotatedFiles beside) {
    List<SavedFile> all = List.copyOf(files);
    for (SavedFile file : all.subList(0, Math.max(0, all.size() - KEPT))) {
      if (file.id().equals(NO_FILE)) {
        files.remove(file);
      } else if (beside.byId(file.id()).isEmpty()) {
        remove(file.id());
      }
    }
  }

  void clear() {
    files.forEach(f -> owners.remove(f.id(), owner));
    files.clear();
  }

  /** Whether one of these files begins as {@code beginning} does. */
  boolean hasCopyOf(byte[] beginning) {
    return files.stream()
        .map(SavedFile::fingerprint)
        .anyMatch(f -> f.identifies() && f.matches(beginning, beginning.length));
  }

  List<SavedFile> toList() {
    return List.copyOf(files);
  }

  /** The one that was written last. */
  Optional<SavedFile> newest() {
    return files.stream()
        .filter(f -> !f.id().equals(NO_FILE))
        .max(Comparator.comparingLong(SavedFile::modifiedMillis));
  }

  /**
   * Whether the file at {@code path} may be the one that {@code saved} describes.
   *
   * @throws NoSuchFileException if it is not there any more
   */
  static boolean fits(SavedFile saved, FileFacts facts, Path path) throws NoSuchFileException {
    int length = saved.fingerprint().length();
    return (facts.size() >= saved.position() || RotatedNames.isGzip(path))
        && (length == 0
            || RotatedFiles.beginning(path, facts.id(), length)
                .map(b -> saved.fingerprint().matches(b, b.length))
                .orElse(true));
  }
}
