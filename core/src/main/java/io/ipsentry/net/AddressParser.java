package io.ipsentry.net;

/**
 * Reads addresses from bytes, strictly, without allocating.
 *
 * <p>IPv4 is a dotted quad: four decimal numbers 0 to 255 without leading zeros (what looks octal
 * to one reader and decimal to another is refused). IPv6 is any text form of RFC 4291 section 2.2,
 * with an embedded dotted quad too. Names are never resolved. Stateless, safe for any thread.
 */
public final class AddressParser {
  private static final int MAX_PORT_DIGITS = 5;
  private static final int MAX_PORT = 65_535;
  private static final int GROUPS = 8;

  private AddressParser() {}

  /**
   * Reads {@code b[from, to)} as exactly one address.
   *
   * @param into receives the address; unspecified after a refusal
   * @return whether it is an address
   */
  public static boolean parse(byte[] b, int from, int to, Address into) {
    return read(b, from, to, into) == Rejection.NONE;
  }

  /**
   * Reads {@code b[from, to)} as an address the way servers and proxies write it: surrounded by
   * spaces or tabs, with a port ({@code 192.0.2.1:5678}, {@code [2001:db8::1]:443}, {@code
   * [2001:db8::1]}), or with a zone, which is dropped ({@code fe80::1%eth0}).
   *
   * @param into receives the address; unspecified after a refusal
   * @return whether it is an address
   */
  public static boolean parseHostPort(byte[] b, int from, int to, Address into) {
    return readHostPort(b, from, to, into) == Rejection.NONE;
  }

  static Rejection read(byte[] b, int from, int to, Address into) {
    if (from >= to) {
      return Rejection.EMPTY;
    }
    // The longest group has four characters, so a colon decides the family within the first five.
    int end = Math.min(to, from + 5);
    for (int i = from; i < end; i++) {
      if (b[i] == ':') {
        return readV6(b, from, to, into);
      }
      if (b[i] == '.') {
        break;
      }
    }
    return readV4(b, from, to, into);
  }

  static Rejection readHostPort(byte[] b, int from, int to, Address into) {
    int start = from;
    int end = to;
    while (start < end && isBlank(b[start])) {
      start++;
    }
    while (start < end && isBlank(b[end - 1])) {
      end--;
    }
    if (start == end) {
      return Rejection.EMPTY;
    }
    if (b[start] == '[') {
      return readBracketed(b, start + 1, end, into);
    }
    for (int i = start; i < end; i++) {
      if (b[i] == '.') {
        return readV4Port(b, start, end, into);
      }
      if (b[i] == ':') {
        return readZoned(b, start, end, into);
      }
    }
    return readV4(b, start, end, into);
  }

  private static Rejection readV4Port(byte[] b, int from, int to, Address into) {
    int colon = indexOf(b, from, to, ':');
    if (colon < 0) {
      return readV4(b, from, to, into);
    }
    Rejection host = readV4(b, from, colon, into);
    return host == Rejection.NONE ? checkPort(b, colon + 1, to) : host;
  }

  private static Rejection readBracketed(byte[] b, int from, int to, Address into) {
    int close = indexOf(b, from, to, ']');
    if (close < 0 || (close + 1 < to && b[close + 1] != ':')) {
      return Rejection.HOST_BRACKET;
    }
    Rejection host = readZoned(b, from, close, into);
    if (host != Rejection.NONE || close + 1 == to) {
      return host;
    }
    return checkPort(b, close + 2, to);
  }

  private static Rejection readZoned(byte[] b, int from, int to, Address into) {
    int percent = indexOf(b, from, to, '%');
    if (percent < 0) {
      return readV6(b, from, to, into);
    }
    return percent + 1 == to ? Rejection.V6_ZONE : readV6(b, from, percent, into);
  }

  private static Rejection checkPort(byte[] b, int from, int to) {
    if (from >= to || to - from > MAX_PORT_DIGITS) {
      return Rejection.HOST_PORT;
    }
    int port = 0;
    for (int i = from; i < to; i++) {
      int digit = b[i] - '0';
      if (digit < 0 || digit > 9) {
        return Rejection.HOST_PORT;
      }
      port = port * 10 + digit;
    }
    return port <= MAX_PORT ? Rejection.NONE : Rejection.HOST_PORT;
  }

  private static Rejection readV4(byte[] b, int from, int to, Address into) {
    int address = 0;
    int parts = 0;
    int i = from;
    while (true) {
      int start = i;
      int octet = 0;
      while (i < to && b[i] >= '0' && b[i] <= '9' && i - start < 4) {
        octet = octet * 10 + (b[i] - '0');
        i++;
      }
      Rejection part = checkOctet(b, start, i, to, octet);
      if (part != Rejection.NONE) {
        return part;
      }
      address = address << 8 | octet;
      parts++;
      if (i == to || parts == 4) {
        break;
      }
      i++;
    }
    if (parts != 4 || i != to) {
      return i < to && b[i] != '.' ? Rejection.V4_CHARACTER : Rejection.V4_PARTS;
    }
    into.set(0, IpPrefix.v4ToLo(address));
    return Rejection.NONE;
  }

  private static Rejection checkOctet(byte[] b, int start, int end, int to, int octet) {
    if (end < to && b[end] != '.' && !(b[end] >= '0' && b[end] <= '9')) {
      return Rejection.V4_CHARACTER;
    }
    if (end == start) {
      return Rejection.V4_PARTS;
    }
    if (octet > 255 || end - start > 3) {
      return Rejection.V4_OCTET;
    }
    return b[start] == '0' && end - start > 1 ? Rejection.V4_LEADING_ZERO : Rejection.NONE;
  }

  /**
   * One pass from the left. {@code hi:lo} is a 128-bit shift register of the groups read so far;
   * when {@code ::} was met after {@code gap} groups, the groups behind it are moved apart at the
   * end.
   */
  private static Rejection readV6(byte[] b, int from, int to, Address into) {
    long hi = 0;
    long lo = 0;
    int groups = 0;
    int gap = -1;
    int i = from;
    if (i < to && b[i] == ':') {
      if (i + 1 >= to || b[i + 1] != ':') {
        return Rejection.V6_COLON;
      }
      gap = 0;
      i += 2;
    }
    while (i < to) {
      int start = i;
      int group = 0;
      while (i < to && hexDigit(b[i]) >= 0) {
        group = group << 4 | hexDigit(b[i]);
        i++;
        if (i - start > 4) {
          return Rejection.V6_GROUP;
        }
      }
      if (i < to && b[i] == '.') {
        if (groups > GROUPS - 2) {
          return Rejection.V6_GROUPS;
        }
        Rejection quad = readV4(b, start, to, into);
        if (quad != Rejection.NONE) {
          return quad;
        }
        hi = hi << 32 | lo >>> 32;
        lo = lo << 32 | (into.lo() & 0xffff_ffffL);
        groups += 2;
        i = to;
        break;
      }
      if (i == start) {
        return b[i] == ':' ? Rejection.V6_DOUBLE_GAP : invalid(b[i]);
      }
      if (groups == GROUPS) {
        return Rejection.V6_GROUPS;
      }
      hi = hi << 16 | lo >>> 48;
      lo = lo << 16 | group;
      groups++;
      if (i == to) {
        break;
      }
      if (b[i] != ':') {
        return invalid(b[i]);
      }
      i++;
      if (i == to) {
        return Rejection.V6_COLON;
      }
      if (b[i] == ':') {
        if (gap >= 0) {
          return Rejection.V6_DOUBLE_GAP;
        }
        gap = groups;
        i++;
      }
    }
    return place(hi, lo, groups, gap, into);
  }

  /** Moves the groups behind {@code ::} to the right end and those before it to the left. */
  private static Rejection place(long hi, long lo, int groups, int gap, Address into) {
    if (gap < 0) {
      into.set(hi, lo);
      return groups == GROUPS ? Rejection.NONE : Rejection.V6_GROUPS;
    }
    if (groups >= GROUPS) {
      return Rejection.V6_GROUPS;
    }
    int tailBits = (groups - gap) * 16;
    int tail = IpPrefix.MAX_LENGTH - tailBits;
    // The head sits directly left of the tail; shift it by the width of the gap.
    long headHi = hi & IpPrefix.maskHi(tail);
    long headLo = lo & IpPrefix.maskLo(tail);
    int shift = (GROUPS - groups) * 16;
    long movedHi =
        shift >= 64
            ? headLo << (shift - 64)
            : shift == 0 ? headHi : headHi << shift | headLo >>> (64 - shift);
    long movedLo = shift >= 64 ? 0 : headLo << shift;
    into.set(movedHi | (hi & ~IpPrefix.maskHi(tail)), movedLo | (lo & ~IpPrefix.maskLo(tail)));
    return Rejection.NONE;
  }

  private static Rejection invalid(byte b) {
    return b == '%' ? Rejection.V6_ZONE : Rejection.V6_CHARACTER;
  }

  private static int hexDigit(byte b) {
    if (b >= '0' && b <= '9') {
      return b - '0';
    }
    int lower = b | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  }

  private static boolean isBlank(byte b) {
    return b == ' ' || b == '\t';
  }

  private static int indexOf(byte[] b, int from, int to, char c) {
    for (int i = from; i < to; i++) {
      if (b[i] == c) {
        return i;
      }
    }
    return -1;
  }
}
