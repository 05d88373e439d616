/**
 * Requests to judgements, whatever protocol they came by: the client, the policy, the bans that
 * hold, the inline rules, and what a refusal looks like. No transport, no I/O.
 */
@NullMarked
package io.ipsentry.authz.verdict;

import org.jspecify.annotations.NullMarked;
