package io.ipsentry.detection;

import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleId;
import io.ipsentry.rule.RuleSet;
import org.jspecify.annotations.Nullable;

/**
 * A hit that another process found: a {@link Hit} whose rule is named.
 *
 * @param rule its name, {@code RULE@POLICY} for a rule of one policy
 * @param hi upper half of the client's address, in the space of {@code IpPrefix}
 * @param lo lower half
 * @param seenAs where the address was taken from
 * @param eventTimeMillis when it happened, epoch milliseconds
 * @param pattern what matched, as people read it
 * @param patternIdentity tells patterns apart
 */
public record ReportedHit(
    RuleId rule,
    long hi,
    long lo,
    SeenAs seenAs,
    long eventTimeMillis,
    String pattern,
    int patternIdentity) {
  /** The hit as it is reported. */
  public static ReportedHit of(RuleSet rules, Hit hit) {
    return new ReportedHit(
        rules.rules().get(hit.rule()).id(),
        hit.hi(),
        hit.lo(),
        hit.seenAs(),
        hit.eventTimeMillis(),
        hit.pattern(),
        hit.patternIdentity());
  }

  /** The hit by the rules of this process; null: it has no such rule. */
  public @Nullable Hit in(RuleSet rules) {
    int number = rules.number(rule);
    return number < 0
        ? null
        : new Hit(number, hi, lo, seenAs, eventTimeMillis, pattern, patternIdentity);
  }
}
