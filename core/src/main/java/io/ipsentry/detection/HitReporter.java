package io.ipsentry.detection;

import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;

/** Passes hits on to the process that owns the windows. Never waits. Safe for any thread. */
@FunctionalInterface
public interface HitReporter {
  /**
   * Takes a hit to be reported.
   *
   * @param rules what {@link Hit#rule} is a number in
   * @return its number, 1 for the first; 0: there was no room, the hit is lost and counted as lost
   */
  long report(RuleSet rules, Hit hit);
}
