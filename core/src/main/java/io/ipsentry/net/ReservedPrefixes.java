package io.ipsentry.net;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
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

  /** The address ranges of Cloudflare's edge, of the list's date ({@code packs/networks}). */
  public static final PrefixSet CLOUDFLARE = shipped("cloudflare.txt");

  /** Proxies in the same host or private network: {@link #PRIVATE} and loopback. */
  public static final PrefixSet PRIVATE_PROXIES =
      PRIVATE.union(PrefixSet.parse("127.0.0.0/8", "::1"));

  private ReservedPrefixes() {}

  /** A shipped list: a prefix a line; {@code #} begins a comment. */
  private static PrefixSet shipped(String name) {
    try (InputStream in =
        ReservedPrefixes.class.getResourceAsStream("/io/ipsentry/packs/networks/" + name)) {
      if (in == null) {
        throw new IllegalStateException("the list of networks " + name + " is not there");
      }
      return PrefixSet.parse(
          new String(in.readAllBytes(), StandardCharsets.US_ASCII)
              .lines()
              .map(line -> line.replaceFirst("#.*", "").strip())
              .filter(line -> !line.isEmpty())
              .toArray(String[]::new));
    } catch (IOException e) {
      throw new UncheckedIOException("the list of networks " + name + " cannot be read", e);
    }
  }

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
