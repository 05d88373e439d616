package io.ipsentry.watcher.source;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Cuts bytes into lines and hands them on, without copying and without allocating.
 *
 * <p>What is delivered does not depend on where the bytes were divided among calls: a line ends at
 * {@code \n}, one {@code \r} before it belongs to the end, and a line of more than {@link
 * LineSource#MAX_LINE_BYTES} is delivered once, cut there. NUL bytes at the start of a line are
 * skipped: a writer that does not append leaves a hole of them when its file is truncated, and so
 * does a file system after a crash.
 *
 * <p>Newlines are found eight bytes at a time: with every byte XOR {@code \n}, a byte is zero
 * exactly where {@code (x - 0x01…01) & ~x & 0x80…80} has its lowest set bit (Warren, Hacker's
 * Delight, 6-1).
 */
final class LineSplitter {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long NEWLINES = 0x0a0a0a0a0a0a0a0aL;
  private static final long ONES = 0x0101010101010101L;
  private static final long HIGHS = 0x8080808080808080L;

  /** Lane {@code 7 - k} holds {@code k}: multiplied by the bit 8 k, the highest lane does. */
  private static final long LANES = 0x0001020304050607L;

  private static final int MAX = LineSource.MAX_LINE_BYTES;

  /** Most lines are longer: so many bytes are looked at before the first branch. */
  private static final int STRIDE = 4 * Long.BYTES;

  private int end;
  private boolean skipping;
  private boolean clean = true;
  private int brokenAt;
  private long lines;

  /**
   * Sets the state to go on from.
   *
   * @param skipping the bytes that follow are the rest of a line that was cut
   * @param clean the last call of the handler returned true, or there was none
   */
  void resume(boolean skipping, boolean clean) {
    this.skipping = skipping;
    this.clean = clean;
    brokenAt = -1;
  }

  /** Index after the last byte that was dealt with; right even after the handler threw. */
  int end() {
    return end;
  }

  /** Whether the bytes at {@link #end()} are the rest of a line that was cut. */
  boolean skipping() {
    return skipping;
  }

  /** Whether the handler is between two records. */
  boolean clean() {
    return clean;
  }

  /**
   * Where the record began that is open since the last {@link #resume}; negative when none was
   * opened since.
   */
  int brokenAt() {
    return brokenAt;
  }

  /** Lines delivered in all. */
  long lines() {
    return lines;
  }

  /**
   * Delivers the lines that end in {@code [from, to)} of {@code b}, and a line without an end once
   * it is too long.
   *
   * @return {@link #end()}
   */
  int split(byte[] b, int from, int to, LineHandler handler, long observedAtMillis) {
    end = from;
    boolean more = true;
    // A method that is called for each line is compiled long before a loop over many.
    while (more && end < to) {
      more = next(b, to, handler, observedAtMillis);
    }
    return end;
  }

  /** Deals with the line that begins at {@link #end}, or tells that it has no end yet. */
  private boolean next(byte[] b, int to, LineHandler handler, long observedAtMillis) {
    int start = end;
    if (b[start] == 0 && !skipping) {
      end = start + 1;
      return true;
    }
    int newline = indexOfNewline(b, start, to);
    if (newline < 0) {
      if (!skipping && to - start >= MAX + 2) {
        deliver(b, start, start + MAX, handler, observedAtMillis);
        skipping = true;
      }
      end = skipping ? to : start;
      return false;
    }
    if (skipping) {
      skipping = false;
    } else {
      int stop = newline > start && b[newline - 1] == '\r' ? newline - 1 : newline;
      deliver(b, start, Math.min(stop, start + MAX), handler, observedAtMillis);
    }
    end = newline + 1;
    return true;
  }

  /** Delivers one line at most; otherwise as {@link #split}. */
  int splitOne(byte[] b, int from, int to, LineHandler handler, long observedAtMillis) {
    long before = lines;
    int start = from;
    end = from;
    while (start < to && lines == before) {
      int newline = indexOfNewline(b, start, to);
      split(b, start, newline < 0 ? to : newline + 1, handler, observedAtMillis);
      if (newline < 0) {
        break;
      }
      start = newline + 1;
    }
    return end;
  }

  /** Delivers {@code [from, to)} as the last line, which has no end, unless it is empty. */
  void last(byte[] b, int from, int to, LineHandler handler, long observedAtMillis) {
    end = from;
    if (!skipping && to > from) {
      deliver(b, from, Math.min(to, from + MAX), handler, observedAtMillis);
    }
    skipping = false;
    end = to;
  }

  private void deliver(byte[] b, int from, int to, LineHandler handler, long observedAtMillis) {
    boolean whole = handler.line(b, from, to, observedAtMillis);
    lines++;
    if (!whole && clean) {
      brokenAt = from;
    }
    clean = whole;
  }

  /** Index of the first {@code \n} in {@code [from, to)}, or -1. */
  static int indexOfNewline(byte[] b, int from, int to) {
    int i = from;
    for (int last = to - STRIDE; i <= last; i += STRIDE) {
      // A borrow out of a zero byte, or a byte above 0x7f: only then a closer look.
      long high =
          (word(b, i) - ONES)
              | (word(b, i + 8) - ONES)
              | (word(b, i + 16) - ONES)
              | (word(b, i + 24) - ONES);
      if ((high & HIGHS) != 0
          && (newlines(b, i) | newlines(b, i + 8) | newlines(b, i + 16) | newlines(b, i + 24))
              != 0) {
        break;
      }
    }
    for (int last = to - Long.BYTES; i <= last; i += Long.BYTES) {
      long found = newlines(b, i);
      if (found != 0) {
        return i + (int) (((found & -found) >>> 7) * LANES >>> 56);
      }
    }
    for (; i < to; i++) {
      if (b[i] == '\n') {
        return i;
      }
    }
    return -1;
  }

  /** The highest bit of a byte is set where one of eight bytes is a newline, and none below it. */
  private static long newlines(byte[] b, int at) {
    long x = word(b, at);
    return (x - ONES) & ~x & HIGHS;
  }

  /** Eight bytes, each XOR {@code \n}. */
  private static long word(byte[] b, int at) {
    return (long) LONG.get(b, at) ^ NEWLINES;
  }
}
