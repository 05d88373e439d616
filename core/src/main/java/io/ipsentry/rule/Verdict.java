package io.ipsentry.rule;

/** What the engine says of a hit. */
public sealed interface Verdict {
  /** It counts, and the rule is not reached. */
  record Counted() implements Verdict {}

  /** It does not count: the address was banned then, or the hit lies at or before its floor. */
  record BelowFloor() implements Verdict {}

  /**
   * It counts, and reached the rule. The engine says so again at each further hit, until the hits
   * are {@linkplain RuleEngine#forget forgotten}.
   *
   * @param rule the rule
   * @param ruleNumber its number in the {@link RuleSet}
   * @param hi upper half of the counted address: of an IPv6 client its network
   * @param lo lower half
   * @param hit the last hit
   * @param hits hits in the window
   * @param evidenceAtMillis event time of the hit that decided, epoch milliseconds
   */
  record Reached(
      Rule rule, int ruleNumber, long hi, long lo, Hit hit, int hits, long evidenceAtMillis)
      implements Verdict {}

  /** The one {@link Counted}. */
  Verdict COUNTED = new Counted();

  /** The one {@link BelowFloor}. */
  Verdict BELOW_FLOOR = new BelowFloor();
}
