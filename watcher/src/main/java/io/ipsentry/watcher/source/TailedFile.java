package io.ipsentry.watcher.source;

import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One file that is read on as it grows, with the position reached in it.
 *
 * <p>It keeps no bytes of an unfinished line: they are read again when the line has grown. Before
 * bytes are delivered, the beginning of the file is compared with what it was, so bytes written
 * after a truncation are never taken for a continuation. Confined to the polling thread.
 */
final class TailedFile {
  private static final long NEVER = -1;

  private final FileId id;
  private @Nullable FileContent content;

  /** The first bytes of the file as they were when they were read; empty until it was opened. */
  private byte[] beginning = new byte[0];

  private Fingerprint fingerprint;
  private long position;
  private boolean skipping;
  private long committedPosition;
  private boolean committedSkipping;

  /** What lies before it was delivered before a restart, also beyond the position. */
  private long deliveredTo;

  /** Bytes the file had when it was looked at last. */
  private long size;

  /** The size up to which it was read to its end; {@link #NEVER} when it must be read again. */
  private long readUpTo = NEVER;

  private long modifiedMillis;
  private long grewAtNanos;
  private long lines;
  private long lastLineAtMillis = NEVER;

  TailedFile(SavedFile from, long nowNanos) {
    id = from.id();
    fingerprint = from.fingerprint();
    position = from.position();
    skipping = from.skipping();
    committedPosition = position;
    committedSkipping = skipping;
    deliveredTo = from.delivered();
    size = position;
    modifiedMillis = from.modifiedMillis();
    grewAtNanos = nowNanos;
  }

  /** {@link #fill}: nothing more is there now. */
  static final int AT_END = 0;

  /** {@link #fill}: the content is not the one the position was reached in. */
  static final int REPLACED = -1;

  /**
   * Takes over an open file and closes it with this one.
   *
   * @return false when the file does not begin as the one the position belongs to; nothing is taken
   *     then, and the caller closes it
   */
  boolean open(FileContent opened) throws IOException {
    int known = beginning.length > 0 ? beginning.length : fingerprint.length();
    byte[] now = new byte[(int) Math.min(Math.max(known, position), Fingerprint.MAX_BYTES)];
    int have = FileContent.beginning(opened, now);
    boolean same =
        beginning.length > 0
            ? have >= known && Arrays.equals(beginning, 0, known, now, 0, known)
            : fingerprint.matches(now, have);
    if (!same) {
      return false;
    }
    learn(now, have);
    if (opened.grows()) {
      // It may have lost its tail, as after a crash.
      deliveredTo = Math.min(deliveredTo, opened.size());
    }
    content = opened;
    readUpTo = NEVER;
    return true;
  }

  private void learn(byte[] bytes, int length) {
    int kept = Math.min(length, Fingerprint.MAX_BYTES);
    if (kept > beginning.length) {
      beginning = Arrays.copyOf(bytes, kept);
    }
  }

  /**
   * Looks at the size of the open file.
   *
   * @return true when a read may find something
   */
  boolean grown(long nowNanos) throws IOException {
    if (content == null) {
      return false;
    }
    if (content.grows()) {
      sized(content.size(), nowNanos);
    }
    return size != readUpTo;
  }

  private void sized(long now, long nowNanos) {
    if (now != size) {
      size = now;
      grewAtNanos = nowNanos;
    }
  }

  /**
   * Reads what is there from the position on, at most what fits into the buffer; the file is open.
   *
   * @return how many bytes, or {@link #AT_END}, or {@link #REPLACED}
   */
  int fill(ReadContext context) throws IOException {
    FileContent open = opened();
    if (!grown(context.nanos())) {
      return AT_END;
    }
    if (size < position && open.grows()) {
      return shrunk(context);
    }
    readUpTo = NEVER;
    byte[] buffer = context.buffer();
    int n = open.read(buffer, 0, buffer.length, position);
    if (!stillTheSame(context, Math.max(n, 0))) {
      return REPLACED;
    }
    if (n <= 0) {
      ended(position);
      return AT_END;
    }
    if (n < buffer.length) {
      ended(position + n);
    }
    return n;
  }

  /** Whether the last {@link #fill} came to the end of the file. */
  boolean wasAtEnd() {
    return readUpTo != NEVER;
  }

  private void ended(long at) {
    readUpTo = at;
    if (!opened().grows()) {
      size = at;
    }
  }

  /** Notes what became of the bytes that {@link #fill} gave. */
  void advance(int bytes, boolean insideCutLine, long delivered, long nowMillis) {
    position += bytes;
    skipping = insideCutLine;
    lines += delivered;
    if (delivered > 0) {
      lastLineAtMillis = nowMillis;
    }
  }

  /**
   * After reading {@code n} bytes at the position, so that a truncation before that is seen:
   * compares the beginning of the file, and keeps more of it if it was short.
   */
  private boolean stillTheSame(ReadContext context, int n) throws IOException {
    FileContent open = opened();
    if (position == 0) {
      beginning = new byte[0];
      learn(context.buffer(), n);
      return true;
    }
    if (!open.grows()) {
      return true;
    }
    byte[] probe = context.probe();
    int wanted = (int) Math.min(position + n, probe.length);
    int have = Math.max(open.read(probe, 0, wanted, 0), 0);
    int known = beginning.length;
    if (have < known || !Arrays.equals(beginning, 0, known, probe, 0, known)) {
      return false;
    }
    learn(probe, have);
    return true;
  }

  /** A file that lost its tail, as after a crash, is the same one; else it was truncated. */
  private int shrunk(ReadContext context) throws IOException {
    byte[] probe = context.probe();
    int known = beginning.length;
    int have = Math.max(opened().read(probe, 0, probe.length, 0), 0);
    if (known == 0 || have < known || !Arrays.equals(beginning, 0, known, probe, 0, known)) {
      return REPLACED;
    }
    position = size;
    committedPosition = Math.min(committedPosition, position);
    deliveredTo = Math.min(deliveredTo, position);
    readUpTo = size;
    return AT_END;
  }

  /** Goes on at the start of the open file, which was truncated. */
  void startOver() {
    position = 0;
    deliveredTo = 0;
    skipping = false;
    beginning = new byte[0];
    fingerprint = Fingerprint.NONE;
    readUpTo = NEVER;
    commit();
  }

  /** Reads what lies behind the last line end of the open file, which is at its end. */
  int fillRest(ReadContext context) throws IOException {
    byte[] buffer = context.buffer();
    return Math.max(opened().read(buffer, 0, buffer.length, position), 0);
  }

  /** A restart may begin at the position. */
  void commit() {
    committedPosition = position;
    committedSkipping = skipping;
  }

  /** A restart may begin {@code bytes} after the position, at the start of a line. */
  void commitAhead(int bytes) {
    committedPosition = position + bytes;
    committedSkipping = false;
  }

  boolean isCommitted() {
    return committedPosition == position;
  }

  /** What to store: as of the last commit. */
  SavedFile saved() {
    return new SavedFile(
        id,
        committedPosition,
        Math.max(position, deliveredTo),
        committedSkipping,
        fingerprint(),
        modifiedMillis,
        size);
  }

  /** As {@link #saved()}, but as of the position itself. */
  SavedFile savedAtPosition() {
    return new SavedFile(id, position, position, skipping, fingerprint(), modifiedMillis, size);
  }

  /** How many bytes from the position on were delivered before a restart. */
  long toRepeat() {
    return Math.max(0, deliveredTo - position);
  }

  private Fingerprint fingerprint() {
    if (fingerprint.length() < beginning.length) {
      fingerprint = Fingerprint.of(beginning, beginning.length);
    }
    return fingerprint;
  }

  /** The first bytes, as far as they are known. */
  byte[] beginning() {
    return beginning.clone();
  }

  /** Learns the beginning of an open file of which nothing was read yet. */
  void peek() throws IOException {
    FileContent open = content;
    if (open != null && position == 0) {
      byte[] now = new byte[Fingerprint.MAX_BYTES];
      learn(now, FileContent.beginning(open, now));
    }
  }

  /** Whether a file with these first bytes is this one, or a copy, or was. */
  boolean beginsLike(byte[] bytes, int length) {
    Fingerprint mine = fingerprint();
    return mine.identifies() && mine.matches(bytes, length);
  }

  /** Whether a file with only these bytes so far may turn out a copy of this one. */
  boolean mayBecome(byte[] bytes, int length) {
    return length < beginning.length && Arrays.equals(beginning, 0, length, bytes, 0, length);
  }

  /** Makes the position skip to the next line unless a line starts there; the file is open. */
  void skipToLineStart(byte[] scratch) throws IOException {
    if (position > 0 && opened().read(scratch, 0, 1, position - 1) == 1 && scratch[0] != '\n') {
      skipping = true;
      committedSkipping = true;
    }
  }

  /** Starts the time anew for which it must not grow before it is let go. */
  void touch(long nowNanos) {
    grewAtNanos = nowNanos;
  }

  /** Notes what stat(2) said. */
  void seen(FileFacts facts, long nowNanos) {
    if (content == null) {
      sized(facts.size(), nowNanos);
    } else if (facts.modifiedMillis() != modifiedMillis) {
      // Perhaps it was truncated and has grown to the same size again.
      readUpTo = NEVER;
    }
    modifiedMillis = facts.modifiedMillis();
  }

  FileId id() {
    return id;
  }

  boolean isOpen() {
    return content != null;
  }

  /** False for what is compressed, which nobody writes to any more. */
  boolean grows() {
    return opened().grows();
  }

  long position() {
    return position;
  }

  /** The position is inside a line that was cut, or whose start is not wanted. */
  boolean skipping() {
    return skipping;
  }

  long size() {
    return size;
  }

  /** Bytes to deliver; a line that is not finished counts. */
  long lag() {
    return Math.max(0, (size == Long.MAX_VALUE ? position : size) - position);
  }

  boolean hasUnread() {
    return size != position;
  }

  long modifiedMillis() {
    return modifiedMillis;
  }

  long grewAtNanos() {
    return grewAtNanos;
  }

  long lines() {
    return lines;
  }

  long lastLineAtMillis() {
    return lastLineAtMillis;
  }

  /** Closes the file and keeps the position. */
  void close() throws IOException {
    FileContent open = content;
    content = null;
    readUpTo = NEVER;
    if (open != null) {
      fingerprint();
      open.close();
    }
  }

  private FileContent opened() {
    FileContent open = content;
    if (open == null) {
      throw new IllegalStateException("file is not open");
    }
    return open;
  }
}
