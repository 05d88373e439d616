package io.ipsentry.net;

import java.nio.charset.StandardCharsets;

/** The text form of addresses and prefixes: strict in, canonical out (RFC 5952). */
final class PrefixText {
  private static final int GROUPS = 8;

  private PrefixText() {}

  static IpPrefix parse(String text) {
    // A character outside Latin-1 becomes '?', which no address has.
    byte[] b = text.getBytes(StandardCharsets.ISO_8859_1);
    int slash = text.indexOf('/');
    Address address = new Address();
    Rejection rejection = AddressParser.read(b, 0, slash < 0 ? b.length : slash, address);
    if (rejection != Rejection.NONE) {
      throw refuse(text, rejection);
    }
    if (slash < 0) {
      return address.toPrefix();
    }
    // The length counts in the family the address is written in: ::ffff:192.0.2.0/120 is
    // 192.0.2.0/24.
    boolean written4 = text.indexOf(':') < 0;
    int bits = parseLength(text, slash + 1);
    if (bits > (written4 ? 32 : IpPrefix.MAX_LENGTH)) {
      throw refuse(text, Rejection.LENGTH_RANGE);
    }
    return IpPrefix.of(address.hi(), address.lo(), written4 ? bits + IpPrefix.V4_OFFSET : bits);
  }

  private static int parseLength(String text, int from) {
    int digits = text.length() - from;
    if (digits < 1 || (digits > 1 && text.charAt(from) == '0')) {
      throw refuse(text, Rejection.LENGTH);
    }
    int bits = 0;
    for (int i = from; i < text.length(); i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        throw refuse(text, Rejection.LENGTH);
      }
      bits = Math.min(bits * 10 + digit, 1_000);
    }
    return bits;
  }

  private static InvalidAddressException refuse(String text, Rejection rejection) {
    return new InvalidAddressException(text, rejection.reason, rejection.mend);
  }

  static String format(IpPrefix prefix) {
    StringBuilder out = new StringBuilder(43);
    if (prefix.isV4()) {
      int v4 = (int) prefix.lo();
      out.append(v4 >>> 24).append('.').append(v4 >>> 16 & 0xff).append('.');
      out.append(v4 >>> 8 & 0xff).append('.').append(v4 & 0xff);
    } else {
      appendV6(prefix.hi(), prefix.lo(), out);
    }
    if (!prefix.isAddress()) {
      out.append('/').append(prefix.bits());
    }
    return out.toString();
  }

  /** The longest run of two or more zero groups becomes {@code ::}, the first one of equals. */
  private static void appendV6(long hi, long lo, StringBuilder out) {
    int gapStart = -1;
    int gapLength = 1;
    int run = 0;
    for (int i = 0; i < GROUPS; i++) {
      run = group(hi, lo, i) == 0 ? run + 1 : 0;
      if (run > gapLength) {
        gapLength = run;
        gapStart = i - run + 1;
      }
    }
    int i = 0;
    while (i < GROUPS) {
      if (i == gapStart) {
        out.append("::");
        i += gapLength;
        continue;
      }
      if (i > 0 && i != gapStart + gapLength) {
        out.append(':');
      }
      out.append(Integer.toHexString(group(hi, lo, i)));
      i++;
    }
  }

  private static int group(long hi, long lo, int index) {
    long half = index < 4 ? hi : lo;
    return (int) (half >>> (48 - (index & 3) * 16)) & 0xffff;
  }
}
