package io.ipsentry.config;

import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.ReservedPrefixes;
import java.util.Map;
import java.util.Set;

/**
 * The proxies whose forwarding headers are believed.
 *
 * <p>A proxy is never banned. The one exception is the name {@code private}, which is the default:
 * it says whom to believe, while {@code protectPrivate} alone says whether private addresses may be
 * banned. Otherwise that switch would do nothing.
 *
 * @param prefixes all of them
 * @param neverBanned those that are never banned because they are trusted: all but {@code private}
 * @param names of networks that were written, such as {@code cloudflare}, whose prefixes of the
 *     list's date are among them
 */
public record TrustedProxies(PrefixSet prefixes, PrefixSet neverBanned, Set<String> names) {
  /** Used when the configuration says nothing: proxies in the same host or private network. */
  public static final TrustedProxies DEFAULT =
      new TrustedProxies(ReservedPrefixes.PRIVATE_PROXIES, PrefixSet.empty());

  public TrustedProxies {
    names = Set.copyOf(names);
  }

  /** Proxies that are all written as addresses. */
  public TrustedProxies(PrefixSet prefixes, PrefixSet neverBanned) {
    this(prefixes, neverBanned, Set.of());
  }

  /**
   * The same, with what is known of the named networks since the list's date. It is trusted; that
   * it is never banned, and why, whoever knows it says by itself.
   *
   * @param networks further prefixes by the name of a network
   */
  TrustedProxies with(Map<String, PrefixSet> networks) {
    PrefixSet more = PrefixSet.empty();
    for (Map.Entry<String, PrefixSet> network : networks.entrySet()) {
      if (names.contains(network.getKey())) {
        more = more.union(network.getValue());
      }
    }
    return more.isEmpty() ? this : new TrustedProxies(prefixes.union(more), neverBanned, names);
  }
}
