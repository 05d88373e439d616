package io.ipsentry.line;

/**
 * Room for the fields of one line that had to be unescaped; reused for every line.
 *
 * <p>Grows to the length of the longest line with an escape and no further, because unescaping
 * never makes a text longer. Confined to one thread.
 */
final class Scratch {
  private static final int INITIAL_BYTES = 1024;

  private byte[] buffer = new byte[INITIAL_BYTES];
  private int used;

  /** Forgets the line before. */
  void reset() {
    used = 0;
  }

  /**
   * Sets {@code into} to the JSON string in {@code [from, to)} without its escapes (RFC 8259
   * section 7).
   *
   * <p>A surrogate without its partner becomes U+FFFD. {@code \xHH}, which nginx writes when its
   * format forgot {@code escape=json}, is that byte. Any other unknown escape stays as it stands.
   */
  void unescapeJson(byte[] b, int from, int to, Slice into) {
    int start = reserve(to - from);
    int at = start;
    int i = from;
    while (i < to) {
      byte c = b[i];
      if (c != '\\' || i + 1 >= to) {
        buffer[at++] = c;
        i++;
        continue;
      }
      int unit = b[i + 1] == 'u' ? hex(b, i + 2, 4, to) : -1;
      if (unit >= 0) {
        i += 6;
        if (Character.isHighSurrogate((char) unit)
            && i + 1 < to
            && b[i] == '\\'
            && b[i + 1] == 'u') {
          int low = hex(b, i + 2, 4, to);
          if (low >= 0 && Character.isLowSurrogate((char) low)) {
            unit = Character.toCodePoint((char) unit, (char) low);
            i += 6;
          }
        }
        at = utf8(unit, at);
      } else {
        i = simpleEscape(b, i, to, at++);
      }
    }
    used = at;
    into.set(buffer, start, at);
  }

  /**
   * Sets {@code into} to a quoted field of an access log without its escapes: nginx {@code \xHH},
   * Apache {@code \xhh}, {@code \"}, {@code \\}, {@code \n}, {@code \t} and so on.
   */
  void unescapeLog(byte[] b, int from, int to, Slice into) {
    int start = reserve(to - from);
    int at = start;
    int i = from;
    while (i < to) {
      if (b[i] == '\\' && i + 1 < to) {
        i = simpleEscape(b, i, to, at++);
      } else {
        buffer[at++] = b[i++];
      }
    }
    used = at;
    into.set(buffer, start, at);
  }

  /**
   * Writes what the escape at {@code i} stands for to {@code at}, and gives the position behind it.
   */
  private int simpleEscape(byte[] b, int i, int to, int at) {
    byte c = b[i + 1];
    if (c == 'x') {
      int value = hex(b, i + 2, 2, to);
      buffer[at] = value >= 0 ? (byte) value : (byte) '\\';
      return value >= 0 ? i + 4 : i + 1;
    }
    byte plain =
        switch (c) {
          case 'n' -> '\n';
          case 't' -> '\t';
          case 'r' -> '\r';
          case 'b' -> '\b';
          case 'f' -> '\f';
          case 'v' -> 0x0b;
          case '"', '\\', '/' -> c;
          default -> 0;
        };
    buffer[at] = plain == 0 ? (byte) '\\' : plain;
    return plain == 0 ? i + 1 : i + 2;
  }

  private int utf8(int codePoint, int start) {
    int c = codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint;
    int at = start;
    if (c < 0x80) {
      buffer[at++] = (byte) c;
      return at;
    }
    if (c < 0x800) {
      buffer[at++] = (byte) (0xc0 | c >> 6);
    } else {
      if (c < 0x1_0000) {
        buffer[at++] = (byte) (0xe0 | c >> 12);
      } else {
        buffer[at++] = (byte) (0xf0 | c >> 18);
        buffer[at++] = (byte) (0x80 | c >> 12 & 0x3f);
      }
      buffer[at++] = (byte) (0x80 | c >> 6 & 0x3f);
    }
    buffer[at++] = (byte) (0x80 | c & 0x3f);
    return at;
  }

  private static int hex(byte[] b, int at, int digits, int to) {
    if (to - at < digits) {
      return -1;
    }
    int value = 0;
    for (int i = at; i < at + digits; i++) {
      int digit = Character.digit(b[i], 16);
      if (digit < 0) {
        return -1;
      }
      value = value << 4 | digit;
    }
    return value;
  }

  private int reserve(int bytes) {
    if (buffer.length - used < bytes) {
      // Slices of this line keep the old array.
      buffer = new byte[Math.max(bytes, 2 * buffer.length)];
      used = 0;
    }
    return used;
  }
}
