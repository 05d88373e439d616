package io.ipsentry.authz.verdict;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.util.Optional;

/**
 * What is kept of a request that a gateway asked about: enough to find it in the gateway's log, and
 * nothing of its query.
 *
 * @param at when it was judged
 * @param policy by which; empty: the default one
 * @param host as it was sent, cut at {@value #MAX_HOST_CHARS} characters
 * @param path {@link PathHash} of its target
 * @param client the address that it was judged by; empty: none was found
 */
public record CheckedRequest(
    Instant at, String policy, String host, long path, Optional<Client> client) {
  /** Longest host that is kept. */
  public static final int MAX_HOST_CHARS = 128;

  /**
   * An address and where it was taken from.
   *
   * @param seenAs {@code PEER} or {@code FORWARDED}
   */
  public record Client(IpPrefix address, SeenAs seenAs) {}

  public CheckedRequest {
    if (host.length() > MAX_HOST_CHARS) {
      host = host.substring(0, MAX_HOST_CHARS);
    }
  }
}
