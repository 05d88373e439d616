package io.ipsentry.feed;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.util.Locale;
import java.util.Optional;

/**
 * When a list is too wide to be protected: whoever writes it must not be able to keep a part of the
 * world from being banned. The largest networks that publish such lists are far below the limits.
 * Stateless.
 */
public final class ProtectionGuard {
  /** Shortest prefix of IPv4; the widest of Cloudflare's is a /12. */
  static final int WIDEST_V4_BITS = 10;

  /** Shortest prefix of IPv6; the widest of Cloudflare's is a /29. */
  static final int WIDEST_V6_BITS = 20;

  /** Most of all IPv4 addresses, as the length of one prefix that holds as many. */
  static final int MOST_V4_BITS = 5;

  /** Most of all IPv6 addresses, likewise. */
  static final int MOST_V6_BITS = 16;

  private ProtectionGuard() {}

  /** Why a list may not be protected; empty: it may. */
  public static Optional<String> refusal(PrefixSet list) {
    double v4 = 0;
    double v6 = 0;
    for (IpPrefix prefix : list.prefixes()) {
      int bits = prefix.bits();
      int widest = prefix.isV4() ? WIDEST_V4_BITS : WIDEST_V6_BITS;
      if (bits < widest) {
        return Optional.of(prefix + " is wider than /" + widest + ", which no list may protect");
      }
      if (prefix.isV4()) {
        v4 += share(bits);
      } else {
        v6 += share(bits);
      }
    }
    if (v4 > share(MOST_V4_BITS)) {
      return Optional.of(tooMuch(v4, "IPv4", MOST_V4_BITS));
    }
    return v6 > share(MOST_V6_BITS)
        ? Optional.of(tooMuch(v6, "IPv6", MOST_V6_BITS))
        : Optional.empty();
  }

  /** The share of all addresses that a prefix holds: 0 to 1. */
  private static double share(int bits) {
    return Math.scalb(1.0, -bits);
  }

  private static String tooMuch(double share, String family, int most) {
    return String.format(
        Locale.ROOT,
        "it holds %.2g %% of all %s addresses, more than the one /%d that a list may protect",
        100 * share,
        family,
        most);
  }
}
