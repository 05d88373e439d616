package io.ipsentry.authz.verdict;

import io.ipsentry.line.Slice;

/**
 * One request as a gateway describes it, as views of bytes that the transport owns.
 *
 * <p>Which of the addresses is the client is decided later, by the policy. Every field may be
 * absent. Mutable and reused: valid until the next request is read. Confined to one thread.
 */
public final class GatewayRequest {
  private final Slice peer = new Slice();
  private final Slice forwardedFor = new Slice();
  private final Slice clientHeader = new Slice();
  private final Slice method = new Slice();
  private final Slice host = new Slice();
  private final Slice target = new Slice();
  private final Slice userAgent = new Slice();
  private final Slice policy = new Slice();

  /** Forgets the request before. */
  public void clear() {
    peer.clear();
    forwardedFor.clear();
    clientHeader.clear();
    method.clear();
    host.clear();
    target.clear();
    userAgent.clear();
    policy.clear();
  }

  /**
   * Source of the client's packets as the gateway saw it (Envoy {@code source.address}), or the
   * address of the gateway itself where it does not say (HTTP forward-auth); may carry a port or
   * brackets.
   */
  public Slice peer() {
    return peer;
  }

  /**
   * {@code X-Forwarded-For}, leftmost first; several headers are joined with commas in their order,
   * and the hop that the gateway's own call added is taken off.
   */
  public Slice forwardedFor() {
    return forwardedFor;
  }

  /** Value of the header that the policy names as the client's address. */
  public Slice clientHeader() {
    return clientHeader;
  }

  public Slice method() {
    return method;
  }

  /** Host, with its port if it was sent. */
  public Slice host() {
    return host;
  }

  /** Request target with its query, not decoded (RFC 9112 section 3.2). */
  public Slice target() {
    return target;
  }

  public Slice userAgent() {
    return userAgent;
  }

  /** Name of the policy that the attachment asked for; absent: the default one. */
  public Slice policy() {
    return policy;
  }
}
