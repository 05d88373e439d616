package io.ipsentry.feed;

import java.io.IOException;
import java.io.InputStream;

/** The lines of a stream, in a buffer that is used again. Confined to one thread. */
final class LineScanner {
  /** A longer line is cut here, and is told to be. */
  static final int MAX_LINE = 16 << 10;

  private final InputStream in;
  private final byte[] buffer = new byte[1 << 16];
  private int next;
  private int filled;
  private int start;
  private int end;
  private long number;
  private boolean cut;

  LineScanner(InputStream in) {
    this.in = in;
  }

  /** Goes to the next line; false: there is none. */
  boolean next() throws IOException {
    int from = next;
    int at = next;
    cut = false;
    while (true) {
      while (at < filled && buffer[at] != '\n') {
        at++;
      }
      if (at < filled) {
        next = at + 1;
        break;
      }
      if (at - from > MAX_LINE) {
        // The rest of it is not wanted.
        cut = true;
        at = from + MAX_LINE + 1;
        filled = at;
      }
      if (from > 0) {
        System.arraycopy(buffer, from, buffer, 0, filled - from);
        at -= from;
        filled -= from;
        from = 0;
      }
      int read = in.read(buffer, filled, buffer.length - filled);
      if (read < 0) {
        next = at;
        if (at == from) {
          return false;
        }
        break;
      }
      filled += read;
    }
    start = from;
    end = at > from && buffer[at - 1] == '\r' ? at - 1 : at;
    if (end - start > MAX_LINE) {
      cut = true;
      end = start + MAX_LINE;
    }
    number++;
    return true;
  }

  byte[] buffer() {
    return buffer;
  }

  int start() {
    return start;
  }

  /** Behind the last byte, without the line's end. */
  int end() {
    return end;
  }

  /** From 1. */
  long number() {
    return number;
  }

  /** Whether the line is longer than what is shown of it. */
  boolean isCut() {
    return cut;
  }
}
