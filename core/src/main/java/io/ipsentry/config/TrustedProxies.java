package io.ipsentry.config;

import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.ReservedPrefixes;

/**
 * The proxies whose forwarding headers are believed.
 *
 * <p>A proxy is never banned. The one exception is the name {@code private}, which is the default:
 * it says whom to believe, while {@code protectPrivate} alone says whether private addresses may be
 * banned. Otherwise that switch would do nothing.
 *
 * @param prefixes all of them
 * @param neverBanned those that are never banned because they are trusted: all but {@code private}
 */
public record TrustedProxies(PrefixSet prefixes, PrefixSet neverBanned) {
  /** Used when the configuration says nothing: proxies in the same host or private network. */
  public static final TrustedProxies DEFAULT =
      new TrustedProxies(ReservedPrefixes.PRIVATE_PROXIES, PrefixSet.empty());
}
