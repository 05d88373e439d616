package io.ipsentry.authz.verdict;

import io.ipsentry.line.RequestFacts;
import io.ipsentry.line.Slice;

/**
 * One request as a gateway describes it, as views of bytes that the transport owns.
 *
 * <p>Which of the addresses is the client is decided later, by the policy. Every field may be
 * absent. Mutable and reused: valid until the next request is read. Confined to one thread.
 */
public final class GatewayRequest {
  private final RequestFacts facts = new RequestFacts();
  private final Slice clientHeader = new Slice();
  private final Slice policy = new Slice();

  /** The fields of it that rules and the choice of the client read. */
  RequestFacts facts() {
    return facts;
  }

  /** Forgets the request before. */
  public void clear() {
    facts.clear();
    clientHeader.clear();
    policy.clear();
  }

  /**
   * Source of the client's packets as the gateway saw it (Envoy {@code source.address}), or the
   * address of the gateway itself where it does not say (HTTP forward-auth); may carry a port or
   * brackets.
   */
  public Slice peer() {
    return facts.peer();
  }

  /**
   * {@code X-Forwarded-For}, leftmost first; several headers are joined with commas in their order,
   * and the hop that the gateway's own call added is taken off.
   */
  public Slice forwardedFor() {
    return facts.forwardedFor();
  }

  /** Value of the header that the policy names as the client's address. */
  public Slice clientHeader() {
    return clientHeader;
  }

  public Slice method() {
    return facts.method();
  }

  /** Host, with its port if it was sent. */
  public Slice host() {
    return facts.host();
  }

  /** Request target with its query, not decoded (RFC 9112 section 3.2). */
  public Slice target() {
    return facts.target();
  }

  public Slice userAgent() {
    return facts.userAgent();
  }

  /** Name of the policy that the attachment asked for; absent: the default one. */
  public Slice policy() {
    return policy;
  }
}
