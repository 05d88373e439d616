package io.ipsentry.pattern;

import java.util.Arrays;

/**
 * Brings the target of a request into the form in which its path is judged, so that {@code
 * /%2e%65nv}, {@code //.env}, {@code /x/..;/.env} and {@code http://host/.env?a} are all {@code
 * /.env}.
 *
 * <p>In this order:
 *
 * <ol>
 *   <li>of {@code scheme://authority/path} the path remains, {@code /} if it has none;
 *   <li>query and fragment go, from the first {@code ?} or {@code #};
 *   <li>percent escapes are decoded until none is left, so {@code %252e} is a dot. These stay as
 *       they are: wrong ones, control characters and {@code %7f} (no line feed or NUL comes out of
 *       here), {@code %3f} and {@code %23} (they begin no query), and bytes that no UTF-8 text has
 *       ({@code %c0}, {@code %c1}, {@code %f5} and above: overlong forms);
 *   <li>a backslash is a slash, if so chosen;
 *   <li>{@code ;parameters} of a segment go, then empty segments and {@code .}, and {@code ..}
 *       takes the segment before it. A slash at the end stays.
 * </ol>
 *
 * What does not begin with a slash after decoding ({@code *}, {@code host:443}, junk) only loses
 * its query. {@code +} is a plus, case is kept. See RFC 3986 section 6.2.2 and RFC 9112 section
 * 3.2.
 *
 * <p>Takes time linear in the length of the target; what comes out is never longer, and normalising
 * it again changes nothing. Holds a buffer that grows to the longest target; confined to one
 * thread.
 */
public final class PathNormalizer {
  private static final byte PLAIN = 0;
  private static final byte SPECIAL = 1;
  private static final byte SLASH = 2;

  /** What a byte means to {@link #needsNormalizing}. */
  private static final byte[] KIND = new byte[256];

  /** Value of a hex digit, or -1. */
  private static final byte[] HEX = new byte[256];

  static {
    for (char c : "%\\;?#".toCharArray()) {
      KIND[c] = SPECIAL;
    }
    KIND['/'] = SLASH;
    for (int i = 0; i < 256; i++) {
      HEX[i] = (byte) (i < 128 ? Character.digit(i, 16) : -1);
    }
  }

  private final boolean backslashIsSlash;
  private byte[] buffer = new byte[256];
  private int length;
  private boolean lossy;

  /** For servers of any kind: a backslash is a slash. */
  public PathNormalizer() {
    this(true);
  }

  /**
   * A normaliser.
   *
   * @param backslashIsSlash whether {@code \} separates segments, as on Windows servers
   */
  public PathNormalizer(boolean backslashIsSlash) {
    this.backslashIsSlash = backslashIsSlash;
  }

  /**
   * Whether {@link #normalize} could change a target; false for ordinary paths, at little cost. A
   * target for which it is false comes out as it is.
   */
  public static boolean needsNormalizing(byte[] b, int from, int to) {
    if (from == to || b[from] != '/') {
      return from < to;
    }
    for (int i = from; i < to; i++) {
      byte kind = KIND[b[i] & 0xff];
      if (kind != PLAIN && (kind == SPECIAL || needsResolving(b, i + 1, to))) {
        return true;
      }
    }
    return false;
  }

  /** Whether a segment behind a slash is empty (and not the last), or could be dots. */
  private static boolean needsResolving(byte[] b, int segment, int to) {
    if (segment == to) {
      return false;
    }
    if (b[segment] == '/') {
      return true;
    }
    if (b[segment] != '.') {
      return false;
    }
    return segment + 1 == to || b[segment + 1] == '.' || KIND[b[segment + 1] & 0xff] != PLAIN;
  }

  /**
   * Normalises {@code b[from, to)} into {@link #bytes}.
   *
   * @return the length of what came out, from index 0
   */
  public int normalize(byte[] b, int from, int to) {
    if (buffer.length < to - from) {
      buffer = new byte[Math.max(to - from, 2 * buffer.length)];
    }
    int start = pathStart(b, from, to);
    int end = start;
    while (end < to && b[end] != '?' && b[end] != '#') {
      end++;
    }
    if (start == end && start > from) {
      buffer[0] = '/';
      length = 1;
      lossy = false;
      return length;
    }
    int decoded = decode(b, start, end, 0, true);
    if (decoded > 0 && buffer[0] == '/') {
      length = resolve(decoded);
    } else {
      System.arraycopy(b, start, buffer, 0, end - start);
      length = end - start;
      lossy = false;
    }
    return length;
  }

  /**
   * Puts the query, decoded, behind the path of the last {@link #normalize}, of the same bytes: a
   * question mark, then the query up to the end, with its escapes decoded as those of the path are,
   * those of {@code ?} and {@code #} too. The path and its {@link #length} stay as they are.
   *
   * @return the length of both; that of the path when there is no query, or when both together are
   *     what was sent
   */
  public int withQuery(byte[] b, int from, int to) {
    int query = queryStart(b, from, to);
    boolean pathAsSent = length == query - from && Arrays.equals(buffer, 0, length, b, from, query);
    if (query == to || pathAsSent && !hasEscape(b, query, to)) {
      return length;
    }
    int end = decode(b, query, to, length, false);
    boolean same =
        pathAsSent && end == to - from && Arrays.equals(buffer, length, end, b, query, to);
    return same ? length : end;
  }

  private static boolean hasEscape(byte[] b, int from, int to) {
    for (int i = from; i < to; i++) {
      if (b[i] == '%') {
        return true;
      }
    }
    return false;
  }

  /**
   * Whether the last {@link #normalize} took something away from the path that says more than where
   * it leads: {@code ..} or {@code ;parameters}.
   */
  public boolean isLossy() {
    return lossy;
  }

  /**
   * Decodes {@code b[from, to)}, path and query, into {@link #bytes}, and leaves the segments as
   * they are: where the path climbs, and its parameters, can be seen. What {@link #normalize} made
   * is gone.
   *
   * @return the length of what came out
   */
  public int decodeOnly(byte[] b, int from, int to) {
    int start = pathStart(b, from, to);
    int query = queryStart(b, start, to);
    int end = decode(b, start, query, 0, true);
    return decode(b, query, to, end, false);
  }

  private static int queryStart(byte[] b, int from, int to) {
    int i = from;
    while (i < to && b[i] != '?' && b[i] != '#') {
      i++;
    }
    return i < to && b[i] == '?' ? i : to;
  }

  /** What the last {@link #normalize} made, from index 0; overwritten by the next. */
  public byte[] bytes() {
    return buffer;
  }

  /** Length of what the last {@link #normalize} made. */
  public int length() {
    return length;
  }

  /** Where the path begins: behind {@code scheme://authority}, else at the start. */
  private static int pathStart(byte[] b, int from, int to) {
    if (from == to || !isLetter(b[from])) {
      return from;
    }
    int i = from + 1;
    while (i < to && isSchemeByte(b[i])) {
      i++;
    }
    if (i + 2 >= to || b[i] != ':' || b[i + 1] != '/' || b[i + 2] != '/') {
      return from;
    }
    i += 3;
    while (i < to && b[i] != '/' && b[i] != '?' && b[i] != '#') {
      i++;
    }
    return i;
  }

  private static boolean isLetter(byte b) {
    return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z';
  }

  private static boolean isSchemeByte(byte b) {
    return isLetter(b) || b >= '0' && b <= '9' || b == '+' || b == '-' || b == '.';
  }

  /**
   * Decodes into the buffer, from index {@code at}; returns where it ends. Each byte written may
   * complete an escape with the two before it; what it decodes to may complete another. So nested
   * escapes cost no further pass.
   */
  private int decode(byte[] b, int from, int to, int at, boolean path) {
    byte[] out = buffer;
    int size = at;
    int escapeAt = -3;
    for (int i = from; i < to; i++) {
      byte c = b[i];
      out[size++] = c;
      if (c == '%') {
        escapeAt = size - 1;
      }
      while (escapeAt >= 0 && size - 3 == escapeAt) {
        int value = escaped(out[size - 2], out[size - 1], path);
        if (value < 0) {
          break;
        }
        size -= 2;
        out[size - 1] = (byte) value;
        if (value != '%') {
          escapeAt = lastPercent(out, size, at);
        }
      }
    }
    if (backslashIsSlash && path) {
      for (int i = at; i < size; i++) {
        if (out[i] == '\\') {
          out[i] = '/';
        }
      }
    }
    return size;
  }

  /** A percent sign among the last three bytes, or -3; one further back completes nothing. */
  private static int lastPercent(byte[] out, int size, int at) {
    for (int i = size - 1; i >= at && i >= size - 3; i--) {
      if (out[i] == '%') {
        return i;
      }
    }
    return -3;
  }

  /** The byte that two hex digits stand for, or -1 if they stay. */
  private static int escaped(byte high, byte low, boolean path) {
    int value = HEX[high & 0xff] << 4 | HEX[low & 0xff];
    boolean stays =
        value < 0x20
            || value == 0x7f
            || path && (value == '?' || value == '#')
            || value == 0xc0
            || value == 0xc1
            || value >= 0xf5;
    return stays ? -1 : value;
  }

  /** Resolves the segments of the buffer in place; it begins with a slash. */
  private int resolve(int size) {
    byte[] path = buffer;
    int out = 0;
    int in = 0;
    boolean directory = false;
    lossy = false;
    while (in < size) {
      int segment = in + 1;
      int end = segment;
      while (end < size && path[end] != '/' && path[end] != ';') {
        end++;
      }
      int next = end;
      while (next < size && path[next] != '/') {
        next++;
      }
      int bytes = end - segment;
      boolean dot = bytes == 1 && path[segment] == '.';
      boolean dots = bytes == 2 && path[segment] == '.' && path[segment + 1] == '.';
      directory = bytes == 0 || dot || dots;
      lossy |= dots || next > end;
      if (dots) {
        do {
          out--;
        } while (out > 0 && path[out] != '/');
        out = Math.max(out, 0);
      } else if (!directory) {
        path[out++] = '/';
        System.arraycopy(path, segment, path, out, bytes);
        out += bytes;
      }
      in = next;
    }
    if (directory || out == 0) {
      path[out++] = '/';
    }
    return out;
  }
}
