package io.ipsentry.rule;

import io.ipsentry.net.SeenAs;

/**
 * A line or request that a rule counts against an address.
 *
 * @param rule number of the rule in its {@link RuleSet}
 * @param hi upper half of the client's address, in the space of {@code IpPrefix}
 * @param lo lower half
 * @param seenAs where the address was taken from
 * @param eventTimeMillis when it happened, epoch milliseconds
 * @param pattern what matched, as people read it: an expression, or {@code status 404}
 * @param patternIdentity tells patterns apart for {@code distinct}; the same over restarts
 */
public record Hit(
    int rule,
    long hi,
    long lo,
    SeenAs seenAs,
    long eventTimeMillis,
    String pattern,
    int patternIdentity) {}
