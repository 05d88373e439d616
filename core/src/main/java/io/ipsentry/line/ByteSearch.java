package io.ipsentry.line;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Searches in byte arrays, eight bytes at a time.
 *
 * <p>A word is compared with the byte in all lanes; {@code (x - 0x01…) & ~x & 0x80…} has a bit set
 * in each lane that is zero. A borrow can set a wrong bit only in a lane above a true one, and the
 * lowest is the first byte in little-endian order, so the first match is exact (H. S. Warren,
 * Hacker's Delight, section 6-1). A word may reach behind {@code to}, never behind the array; such
 * a match is ignored.
 *
 * <p>The lane is found by a multiplication, because {@code Long.numberOfTrailingZeros} is an
 * instruction only to the optimising compiler; a replay of less than a gigabyte runs without it,
 * and there the call took as long as the search.
 */
final class ByteSearch {
  private static final VarHandle WORDS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long ONES = 0x0101_0101_0101_0101L;
  private static final long HIGHS = 0x8080_8080_8080_8080L;
  private static final long QUOTES = '"' * ONES;
  private static final long BACKSLASHES = '\\' * ONES;
  private static final int WORD = Long.BYTES;

  /** Lane {@code 7 - k} holds {@code k}: shifted up by k lanes, the highest does. */
  private static final long LANES = 0x0001_0203_0405_0607L;

  private ByteSearch() {}

  /** The first lane, 0 to 7, of those whose highest bit is set and no other; there is one. */
  private static int firstLane(long found) {
    return (int) (((found & -found) >>> 7) * LANES >>> 56);
  }

  /** The eight bytes at {@code at}, the first in the lowest bits. */
  static long word(byte[] b, int at) {
    return (long) WORDS.get(b, at);
  }

  /** Position of the first {@code c} in {@code [from, to)}, or {@code to}. */
  static int indexOf(byte[] b, int from, int to, char c) {
    long pattern = c * ONES;
    int last = b.length - WORD;
    int i = from;
    while (i < to) {
      if (i > last) {
        return indexOfSlowly(b, i, to, c);
      }
      long x = word(b, i) ^ pattern;
      long found = (x - ONES) & ~x & HIGHS;
      if (found != 0) {
        return Math.min(to, i + firstLane(found));
      }
      i += WORD;
    }
    return to;
  }

  private static int indexOfSlowly(byte[] b, int from, int to, char c) {
    for (int i = from; i < to; i++) {
      if (b[i] == c) {
        return i;
      }
    }
    return to;
  }

  /** Position of the first quotation mark or backslash in {@code [from, to)}, or {@code to}. */
  static int quoteOrBackslash(byte[] b, int from, int to) {
    int last = b.length - WORD;
    int i = from;
    while (i < to) {
      if (i > last) {
        return quoteOrBackslashSlowly(b, i, to);
      }
      long w = word(b, i);
      long x = w ^ QUOTES;
      long y = w ^ BACKSLASHES;
      long found = ((x - ONES) & ~x | (y - ONES) & ~y) & HIGHS;
      if (found != 0) {
        return Math.min(to, i + firstLane(found));
      }
      i += WORD;
    }
    return to;
  }

  private static int quoteOrBackslashSlowly(byte[] b, int from, int to) {
    for (int i = from; i < to; i++) {
      if (b[i] == '"' || b[i] == '\\') {
        return i;
      }
    }
    return to;
  }

  /**
   * Position of the quotation mark that ends a quoted text in which a backslash takes the next byte
   * with it, or {@code to}.
   *
   * @param from behind the opening quotation mark
   */
  static int endOfQuoted(byte[] b, int from, int to) {
    int i = quoteOrBackslash(b, from, to);
    while (i < to && b[i] == '\\') {
      i = quoteOrBackslash(b, Math.min(to, i + 2), to);
    }
    return i;
  }

  /** Position of the first byte in {@code [from, to)} that is no decimal digit, or {@code to}. */
  static int endOfDigits(byte[] b, int from, int to) {
    int last = b.length - WORD;
    int i = from;
    while (i < to && i <= last) {
      // A digit less '0' is 0 to 9; adding 0x76 carries into the top bit from 10 on.
      long x = word(b, i) ^ '0' * ONES;
      long other = ((x & ~HIGHS) + 0x76 * ONES | x) & HIGHS;
      if (other != 0) {
        return Math.min(to, i + firstLane(other));
      }
      i += WORD;
    }
    while (i < to && b[i] >= '0' && b[i] <= '9') {
      i++;
    }
    return Math.min(i, to);
  }

  /** Position of the last {@code c} in {@code [from, to)}, or −1. */
  static int lastIndexOf(byte[] b, int from, int to, char c) {
    for (int i = to - 1; i >= from; i--) {
      if (b[i] == c) {
        return i;
      }
    }
    return -1;
  }

  /** Whether the bytes at {@code at} are those of {@code ascii} and end before {@code to}. */
  static boolean startsWith(byte[] b, int at, int to, byte[] ascii) {
    if (at < 0 || to - at < ascii.length) {
      return false;
    }
    for (int i = 0; i < ascii.length; i++) {
      if (b[at + i] != ascii[i]) {
        return false;
      }
    }
    return true;
  }

  /** Position of the last {@code ascii} that lies in {@code [from, to)}, or −1. */
  static int lastIndexOf(byte[] b, int from, int to, byte[] ascii) {
    for (int i = to - ascii.length; i >= from; i--) {
      if (b[i] == ascii[0] && startsWith(b, i, to, ascii)) {
        return i;
      }
    }
    return -1;
  }

  /** Position of the first {@code ascii} that lies in {@code [from, to)}, or −1. */
  static int indexOf(byte[] b, int from, int to, byte[] ascii) {
    int i = indexOf(b, from, to, (char) ascii[0]);
    while (i < to) {
      if (startsWith(b, i, to, ascii)) {
        return i;
      }
      i = indexOf(b, i + 1, to, (char) ascii[0]);
    }
    return -1;
  }
}
