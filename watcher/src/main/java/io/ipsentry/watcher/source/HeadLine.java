package io.ipsentry.watcher.source;

import java.nio.charset.StandardCharsets;

/**
 * The line of a container's log that is next: where it lies, its stamp, and how it is handed on, as
 * a CRI runtime writes it. Confined to the polling thread.
 */
final class HeadLine {
  /** What the runtime writes between stamp and content of a whole line. */
  private static final byte[] WHOLE = "stdout F ".getBytes(StandardCharsets.US_ASCII);

  private final byte[] wrapped = new byte[LineSource.MAX_LINE_BYTES + WHOLE.length];
  private boolean there;
  private byte[] bytes = {};
  private int from;
  private int to;
  private int content;
  private long micros;
  private long second;
  private long hash;

  /** It is this one, of which the stamp was read just now. */
  void set(byte[] b, int begin, int end, RuntimeStamp stamp, long lineHash) {
    there = true;
    bytes = b;
    from = begin;
    to = end;
    content = stamp.end();
    micros = stamp.micros();
    second = stamp.second();
    hash = lineHash;
  }

  /** Whether there is one that was not delivered. */
  boolean isThere() {
    return there;
  }

  /** Stamp, in microseconds since the epoch. */
  long micros() {
    return micros;
  }

  /** Stamp, in seconds since the epoch. */
  long second() {
    return second;
  }

  /** Of stamp and content. */
  long hash() {
    return hash;
  }

  /** Its bytes as they came, with the end of the line. */
  int length() {
    return to - from + 1;
  }

  /** Hands it on; what it was can still be asked for. */
  boolean deliver(LineHandler handler, long observedAtMillis) {
    int stampLength = content - from;
    int contentLength = to - content;
    System.arraycopy(bytes, from, wrapped, 0, stampLength);
    System.arraycopy(WHOLE, 0, wrapped, stampLength, WHOLE.length);
    int begin = stampLength + WHOLE.length;
    System.arraycopy(bytes, content, wrapped, begin, contentLength);
    there = false;
    return handler.line(wrapped, 0, begin + contentLength, observedAtMillis);
  }
}
