package io.ipsentry.watcher.source;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.ZipException;

/**
 * Opens files that somebody may rename at any moment, and makes sure which one was opened. Confined
 * to the polling thread.
 */
final class FileOpener {
  /** A file that is renamed again and again while it is opened is given up after so many tries. */
  private static final int MAX_RENAMES = 10;

  private final ReadContext context;

  FileOpener(ReadContext context) {
    this.context = context;
  }

  enum Opened {
    /** The file is open. */
    YES,
    /** Another file was at the path when it was opened. */
    MOVED,
    /** It is the file, by its number, but not its content. */
    DIFFERENT
  }

  /** Opens the file at a path, provided that it is the expected one. */
  Opened at(Path at, FileId expected, TailedFile file) throws IOException {
    FileContent content;
    try {
      content = FileContent.open(at);
    } catch (NoSuchFileException e) {
      return Opened.MOVED;
    } catch (EOFException | ZipException e) {
      // A compressed file that is being written, or none at all.
      return Opened.DIFFERENT;
    }
    boolean taken = false;
    try {
      boolean same = isStill(at, expected);
      taken = same && file.open(content);
      if (taken) {
        context.opened();
      }
      return taken ? Opened.YES : same ? Opened.DIFFERENT : Opened.MOVED;
    } finally {
      if (!taken) {
        content.close();
      }
    }
  }

  /**
   * Opens a file that may be renamed meanwhile, from {@code at} to another name beside the log.
   *
   * @return {@link Opened#MOVED} when it is not there any more, or was renamed too often
   */
  Opened wherever(Path at, FileId id, TailedFile file, Path log) throws IOException {
    Path where = at;
    for (int i = 0; i < MAX_RENAMES; i++) {
      Opened opened = at(where, id, file);
      if (opened != Opened.MOVED) {
        return opened;
      }
      Optional<RotatedFiles.Entry> now = RotatedFiles.steadilyBeside(log).rotatedById(id);
      if (now.isEmpty()) {
        break;
      }
      where = now.get().path();
    }
    return Opened.MOVED;
  }

  private static boolean isStill(Path at, FileId expected) throws IOException {
    try {
      return FileFacts.of(at).id().equals(expected);
    } catch (NoSuchFileException e) {
      return false;
    }
  }
}
