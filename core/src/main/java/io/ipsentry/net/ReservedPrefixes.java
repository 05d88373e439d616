package io.ipsentry.net;

import java.util.List;
import java.util.Optional;

/**
 * Prefixes with a fixed meaning: those that must never be banned, and named lists of proxies.
 *
 * <p>Documentation and benchmark ranges (192.0.2.0/24, 198.18.0.0/15, …) are not in any of them:
 * tests and examples ban them.
 */
public final class ReservedPrefixes {
  /**
   * Never a client that can be banned, whatever is configured: this host, loopback, link-local,
   * multicast, reserved (RFC 6890, RFC 4291).
   */
  public static final PrefixSet LOCAL =
      PrefixSet.parse(
          "0.0.0.0/8",
          "127.0.0.0/8",
          "169.254.0.0/16",
          "224.0.0.0/4",
          "240.0.0.0/4",
          "::/128",
          "::1/128",
          "fe80::/10",
          "ff00::/8");

  /** Private networks (RFC 1918, RFC 6598, RFC 4193): protected unless switched off. */
  public static final PrefixSet PRIVATE =
      PrefixSet.parse("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7");

  /** Everything that is protected by default. */
  public static final PrefixSet ALL = LOCAL.union(PRIVATE);

  /**
   * The address ranges of Cloudflare's edge, as published under https://www.cloudflare.com/ips/
   * (the list changes rarely; last change 2023).
   */
  public static final PrefixSet CLOUDFLARE =
      PrefixSet.parse(
          "173.245.48.0/20",
          "103.21.244.0/22",
          "103.22.200.0/22",
          "103.31.4.0/22",
          "141.101.64.0/18",
          "108.162.192.0/18",
          "190.93.240.0/20",
          "188.114.96.0/20",
          "197.234.240.0/22",
          "198.41.128.0/17",
          "162.158.0.0/15",
          "104.16.0.0/13",
          "104.24.0.0/14",
          "172.64.0.0/13",
          "131.0.72.0/22",
          "2400:cb00::/32",
          "2606:4700::/32",
          "2803:f800::/32",
          "2405:b500::/32",
          "2405:8100::/32",
          "2a06:98c0::/29",
          "2c0f:f248::/32");

  /** Proxies in the same host or private network: {@link #PRIVATE} and loopback. */
  public static final PrefixSet PRIVATE_PROXIES =
      PRIVATE.union(PrefixSet.parse("127.0.0.0/8", "::1"));

  private ReservedPrefixes() {}

  /** The never-ban prefixes that hold everywhere. */
  public static PrefixSet protectedPrefixes(boolean includePrivate) {
    return includePrivate ? ALL : LOCAL;
  }

  /** A named list for trusted proxies; {@link #names} are known, in lower case. */
  public static Optional<PrefixSet> named(String name) {
    return switch (name) {
      case "cloudflare" -> Optional.of(CLOUDFLARE);
      case "private" -> Optional.of(PRIVATE_PROXIES);
      default -> Optional.empty();
    };
  }

  /** The names that {@link #named} knows. */
  public static List<String> names() {
    return List.of("cloudflare", "private");
  }
}
