package io.ipsentry.watcher.source;

/**
 * Bytes of a stream that were not delivered yet: the start of a line that waits for its end, and
 * what was read behind it. Confined to one thread.
 */
final class LineBuffer {
  private final LineSplitter splitter = new LineSplitter();
  private final byte[] bytes;
  private int from;
  private int to;

  /**
   * @param capacity more than twice {@link LineSource#MAX_LINE_BYTES}
   */
  LineBuffer(int capacity) {
    if (capacity < 2 * LineSource.MAX_LINE_BYTES) {
      throw new IllegalArgumentException("too small to hold a line: " + capacity);
    }
    bytes = new byte[capacity];
    splitter.resume(false, true);
  }

  byte[] bytes() {
    return bytes;
  }

  /** Where to put new bytes; call {@link #room} before and {@link #added} after. */
  int end() {
    return to;
  }

  /** Moves what is left to the start, and tells how many bytes fit. */
  int room() {
    if (from > 0) {
      System.arraycopy(bytes, from, bytes, 0, to - from);
      to -= from;
      from = 0;
    }
    return bytes.length - to;
  }

  void added(int count) {
    to += count;
  }

  int pending() {
    return to - from;
  }

  /**
   * Delivers every line that has an end; at least {@value LineSource#MAX_LINE_BYTES} bytes fit
   * then.
   */
  void deliver(LineHandler handler, long observedAtMillis) {
    try {
      splitter.split(bytes, from, to, handler, observedAtMillis);
    } finally {
      from = splitter.end();
    }
  }

  /** Delivers the next line that has an end; false if there is none. */
  boolean deliverOne(LineHandler handler, long observedAtMillis) {
    long before = splitter.lines();
    try {
      splitter.splitOne(bytes, from, to, handler, observedAtMillis);
    } finally {
      from = splitter.end();
    }
    return splitter.lines() > before;
  }

  /** Drops what is left: the next bytes begin a line. */
  void clear() {
    from = 0;
    to = 0;
    splitter.resume(false, true);
  }

  /** Delivers what is left as the last line. */
  void deliverLast(LineHandler handler, long observedAtMillis) {
    splitter.last(bytes, from, to, handler, observedAtMillis);
    from = to;
  }

  long lines() {
    return splitter.lines();
  }
}
