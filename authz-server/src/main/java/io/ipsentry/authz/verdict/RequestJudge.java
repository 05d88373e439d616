package io.ipsentry.authz.verdict;

import java.util.Set;

/**
 * Judges requests from memory alone; never waits for anything but, for the time of one hit, another
 * thread's hit. Each transport thread has its own; confined to it.
 *
 * <p>Precedence: allowed address, blocked path, allowed path, ban, count. The hit that reaches a
 * rule is itself refused.
 */
public interface RequestJudge {
  /**
   * Judges one request.
   *
   * @param request read before this returns, not kept
   * @param caller who asks: only a trusted caller's requests become hits
   */
  Judgement judge(GatewayRequest request, Caller caller);

  /**
   * Lower-case name of the header that the policy takes the client's address from.
   *
   * @param request its {@link GatewayRequest#policy} is set
   * @return empty: none
   */
  String clientHeader(GatewayRequest request);

  /** Every header that some policy takes the client's address from, in lower case. */
  Set<String> clientHeaders();

  /** Who calls. */
  enum Caller {
    /** Named in {@code authz.callers}: its requests become hits. */
    TRUSTED,
    /** Gets judgements only, and is counted. */
    UNKNOWN
  }
}
