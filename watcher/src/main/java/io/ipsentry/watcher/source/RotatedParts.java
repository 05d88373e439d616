package io.ipsentry.watcher.source;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the parts of a log again that rotation put beside it: after a restart, after several
 * rotations between two looks, after a truncation.
 *
 * <p>Directories are read while others rename in them, so what lies at a name is believed only
 * after it was opened. Confined to the polling thread.
 */
final class RotatedParts {
  /** A file that is renamed while directories are searched for it is searched for so many times. */
  private static final int MAX_SEARCHES = 4;

  private static final Logger logger = LoggerFactory.getLogger(RotatedParts.class);

  private final ReadContext context;
  private final FollowedPath owner;
  private final Path path;
  private final FileChain chain;
  private final KnownFiles known;
  private final FileOpener opener;
  private String loss = "";

  RotatedParts(
      ReadContext context,
      FollowedPath owner,
      FileChain chain,
      KnownFiles known,
      FileOpener opener) {
    this.context = context;
    this.owner = owner;
    this.path = owner.path();
    this.chain = chain;
    this.known = known;
    this.opener = opener;
  }

  /** What was lost since the start of the process, in words; empty if nothing was. */
  String loss() {
    return loss;
  }

  /** A closed file whose number another file has got is no more. */
  void drop(TailedFile file) {
    chain.close(file);
    chain.remove(file);
    known.addContent(file.saved());
    if (file.hasUnread()) {
      lost(file.saved());
    }
  }

  private void lost(SavedFile file) {
    context.countError();
    loss = "a file of this path went before it was read to its end";
    logger
        .atWarn()
        .addKeyValue("file", path)
        .addKeyValue("inode", file.id().inode())
        .addKeyValue("position", file.position())
        .log("File not found any more, what it held beyond the position is lost");
  }

  /**
   * Reads, oldest first, what was rotated away between {@code last} and the file at the path.
   *
   * @param copied the file at the path is the same as before: the parts are copies, and one of them
   *     may just be growing into a copy of what is read here
   * @param named a file after whose name those of compressed parts must come; empty if none is
   *     there
   */
  void addMissed(SavedFile last, Optional<SavedFile> named, boolean copied) throws IOException {
    RotatedFiles beside = RotatedFiles.steadilyBeside(owner.realPath());
    String lastName = named.map(beside::nameOf).orElse("");
    known.removeDeleted(beside);
    for (TailedFile file : chain.files()) {
      file.peek();
    }
    for (RotatedFiles.Entry entry : beside.newerThan(last, lastName)) {
      FileId id = entry.facts().id();
      if (owner.isTaken(entry.facts(), entry.path())) {
        continue;
      }
      TailedFile missed = new TailedFile(SavedFile.unread(entry.facts()), context.nanos());
      if (!opener.wherever(entry.path(), id, missed, owner.realPath())) {
        continue;
      }
      missed.peek();
      if (isCopyOfMine(missed.beginning()) || copied && isBecomingCopy(missed.beginning())) {
        chain.close(missed);
        continue;
      }
      chain.insertBeforeCurrent(missed);
      logger.atInfo().addKeyValue("file", entry.path()).log("Rotated file found, reading it first");
    }
  }

  private boolean isBecomingCopy(byte[] b) {
    return chain.files().stream().anyMatch(f -> f.mayBecome(b, b.length));
  }

  private boolean isCopyOfMine(byte[] b) {
    return known.hasCopyOf(b) || chain.files().stream().anyMatch(f -> f.beginsLike(b, b.length));
  }

  /** Whether a new file is, or may be becoming, a copy of what is read here: copytruncate's. */
  boolean hasCopy(Path candidate, FileFacts facts) {
    if (!Objects.equals(owner.realPath().getParent(), candidate.getParent())
        || !RotatedNames.isRotated(
            String.valueOf(owner.realPath().getFileName()),
            String.valueOf(candidate.getFileName()))) {
      return false;
    }
    byte[] b = RotatedFiles.beginning(candidate, Fingerprint.MAX_BYTES).orElse(new byte[0]);
    return isCopyOfMine(b)
        || facts.size() < Fingerprint.MAX_BYTES
            && chain.files().stream().anyMatch(f -> f.mayBecome(b, b.length));
  }

  /**
   * The file starts over; what its copy holds beyond the position is read first, if there is one.
   */
  void truncated(TailedFile file) throws IOException {
    SavedFile saved = file.savedAtPosition();
    logger
        .atInfo()
        .addKeyValue("file", path)
        .addKeyValue("position", saved.position())
        .log("File was truncated, reading it from its start");
    Optional<RotatedFiles.Entry> copied =
        saved.fingerprint().identifies()
            ? RotatedFiles.beside(owner.realPath()).find(saved)
            : Optional.empty();
    known.addContent(saved);
    file.startOver();
    if (copied.isPresent() && !owner.isTaken(copied.get().facts(), copied.get().path())) {
      RotatedFiles.Entry entry = copied.get();
      TailedFile rest = new TailedFile(at(entry.facts(), saved), context.nanos());
      if (opener.wherever(entry.path(), entry.facts().id(), rest, owner.realPath())) {
        chain.insertBefore(file, rest);
      }
    }
    // It may have been copied and truncated more than once since.
    addMissed(saved, Optional.of(saved), true);
  }

  /** Rotated files that were there before the first file was seen at the path are old. */
  void rememberRotated() throws IOException {
    for (RotatedFiles.Entry entry : RotatedFiles.beside(path.toRealPath()).rotated()) {
      if (!context.owners().containsKey(entry.facts().id())
          && known.toList().size() < KnownFiles.MAX_FILES) {
        byte[] b = RotatedFiles.beginning(entry.path(), Fingerprint.MAX_BYTES).orElse(new byte[0]);
        FileFacts facts = entry.facts();
        known.add(
            new SavedFile(
                facts.id(),
                facts.size(),
                false,
                Fingerprint.of(b, b.length),
                facts.modifiedMillis(),
                facts.size()));
      }
    }
  }

  /**
   * Goes on in the files of a checkpoint, and in what was rotated away since.
   *
   * @return whether the last of them is at the path
   */
  boolean resume(List<SavedFile> saved) throws IOException {
    RotatedFiles beside = RotatedFiles.beside(owner.realPath());
    boolean atPath = false;
    Optional<SavedFile> named = known.newest();
    for (SavedFile file : saved) {
      Optional<RotatedFiles.Entry> found = whereabouts(file, beside);
      atPath = found.isPresent() && found.get().path().equals(path);
      if (found.isPresent()) {
        // Of a file of which nothing was read only the number is known, and it may be another's.
        named = file.fingerprint().length() == 0 ? named : Optional.of(file);
        FileFacts facts = found.get().facts();
        boolean isShorter = atPath && facts.size() < file.position();
        resumeAt(found.get().path(), facts, isShorter ? file.at(facts.size()) : file);
        if (atPath) {
          chain.get(facts.id()).ifPresent(chain::current);
        }
      } else if (file.position() > 0) {
        named = Optional.empty();
        goneSince(file, saved.getLast());
      }
    }
    SavedFile last = saved.getLast();
    if (!atPath || last.fingerprint().length() == 0) {
      addMissed(last, named, atPath);
    }
    return atPath;
  }

  private void goneSince(SavedFile file, SavedFile last) {
    known.addContent(file);
    if (file.size() > file.position() || file.equals(last)) {
      lost(file);
    }
  }

  /** Where a file is that may be renamed while it is looked for. */
  private Optional<RotatedFiles.Entry> whereabouts(SavedFile file, RotatedFiles first)
      throws IOException {
    RotatedFiles beside = first;
    for (int i = 0; i < MAX_SEARCHES; i++) {
      FileFacts here = FileFacts.ofRegular(path);
      if (here != null
          && here.id().inode() == file.id().inode()
          && (KnownFiles.fits(file, here, path) || lostItsTail(file, here))) {
        return Optional.of(
            new RotatedFiles.Entry(path, String.valueOf(owner.realPath().getFileName()), here));
      }
      Optional<RotatedFiles.Entry> found = beside.find(file);
      if (found.isPresent()) {
        return found;
      }
      beside = RotatedFiles.beside(owner.realPath());
    }
    return Optional.empty();
  }

  /** The file at the path is the one, but shorter, as after a crash of the machine. */
  private boolean lostItsTail(SavedFile file, FileFacts here) {
    return here.id().inode() == file.id().inode()
        && here.size() < file.position()
        && file.fingerprint().identifies()
        && KnownFiles.fits(file.at(here.size()), here, path);
  }

  /**
   * Reads on in a file that has another number now: a compressed copy, or a device after a boot.
   */
  void resumeAt(Path at, FileFacts facts, SavedFile saved) throws IOException {
    if (owner.isTaken(facts, at)) {
      return;
    }
    TailedFile resumed = new TailedFile(at(facts, saved), context.nanos());
    if (opener.wherever(at, facts.id(), resumed, owner.realPath())) {
      chain.append(resumed);
    } else {
      lost(saved);
    }
  }

  private static SavedFile at(FileFacts facts, SavedFile saved) {
    return new SavedFile(
        facts.id(),
        saved.position(),
        saved.skipping(),
        saved.fingerprint(),
        Math.min(saved.modifiedMillis(), facts.modifiedMillis()),
        facts.size());
  }

  /** Finds rotated files again that were closed after a failure. */
  void reopen() throws IOException {
    for (TailedFile file : List.copyOf(chain.files())) {
      if (!file.isOpen() && !file.equals(chain.current())) {
        SavedFile saved = file.saved();
        Optional<RotatedFiles.Entry> now = RotatedFiles.beside(owner.realPath()).find(saved);
        if (now.isEmpty()
            || !opener.wherever(now.get().path(), now.get().facts().id(), file, owner.realPath())) {
          drop(file);
        }
      }
    }
  }
}
