package io.ipsentry.watcher.sink.cloudflare;

import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which prefixes an IP access rule can be of: addresses ({@code ip}, {@code ip6}), and ranges
 * ({@code ip_range}) of /16 and /24 in IPv4, of /32, /48 and /64 in IPv6
 * (developers.cloudflare.com/waf/tools/ip-access-rules/parameters). Stateless.
 */
final class RuleTarget {
  /** A prefix that takes more rules gets none. */
  static final int MAX_RULES = 256;

  private static final int V4_OFFSET = 96;

  /** From narrow to wide, as bits of 128. */
  private static final int[] V4 = {V4_OFFSET + 32, V4_OFFSET + 24, V4_OFFSET + 16};

  private static final int[] V6 = {128, 64, 48, 32};

  private RuleTarget() {}

  /** The prefixes that make up exactly this one; none: there would be too many. */
  static List<IpPrefix> express(IpPrefix ban) {
    for (int length : reversed(ban.isV4() ? V4 : V6)) {
      if (length >= ban.length()) {
        int bits = length - ban.length();
        return bits > 8 || (1 << bits) > MAX_RULES ? List.of() : split(ban, length);
      }
    }
    return List.of();
  }

  private static int[] reversed(int[] lengths) {
    int[] wideFirst = new int[lengths.length];
    for (int i = 0; i < lengths.length; i++) {
      wideFirst[i] = lengths[lengths.length - 1 - i];
    }
    return wideFirst;
  }

  private static List<IpPrefix> split(IpPrefix ban, int length) {
    int count = 1 << (length - ban.length());
    List<IpPrefix> parts = new ArrayList<>(count);
    for (long i = 0; i < count; i++) {
      long hi = ban.hi();
      long lo = ban.lo();
      if (length <= 64) {
        hi += i << (64 - length);
      } else {
        lo += i << (128 - length);
      }
      parts.add(IpPrefix.of(hi, lo, length));
    }
    return parts;
  }

  /** The API's {@code configuration.target}. */
  static String kind(IpPrefix target) {
    if (!target.isAddress()) {
      return "ip_range";
    }
    return target.isV4() ? "ip" : "ip6";
  }

  /** The prefix of a rule; empty: it is of something else, such as a country. */
  static Optional<IpPrefix> parse(String kind, String value) {
    if (!List.of("ip", "ip6", "ip_range").contains(kind)) {
      return Optional.empty();
    }
    try {
      return Optional.of(IpPrefix.parse(value));
    } catch (InvalidAddressException e) {
      return Optional.empty();
    }
  }
}
