package io.ipsentry.watcher.source;

/**
 * How far a file was read, so that it can be found again under any name.
 *
 * @param id which file
 * @param position bytes dealt with
 * @param delivered bytes delivered, which is more inside a record of several lines: what lies
 *     between is delivered again, to complete the record, but counts no more
 * @param skipping the position is inside a line whose rest is not wanted
 * @param fingerprint of the bytes before the position
 * @param modifiedMillis its last write when it was looked at last, epoch milliseconds
 * @param size bytes it had when it was looked at last
 */
record SavedFile(
    FileId id,
    long position,
    long delivered,
    boolean skipping,
    Fingerprint fingerprint,
    long modifiedMillis,
    long size) {
  /** A file of which nothing was read. */
  static SavedFile unread(FileFacts facts) {
    return new SavedFile(
        facts.id(), 0, 0, false, Fingerprint.NONE, facts.modifiedMillis(), facts.size());
  }

  /** The same at another position. */
  SavedFile at(long newPosition) {
    return new SavedFile(id, newPosition, newPosition, false, fingerprint, modifiedMillis, size);
  }

  /** The same, but what is left of the line at the position is not wanted. */
  SavedFile insideALine() {
    return new SavedFile(id, position, delivered, true, fingerprint, modifiedMillis, size);
  }
}
