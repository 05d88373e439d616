package io.ipsentry.ban;

import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Escalation;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Works out how long a ban lasts, from a rule's terms and how often the address offended. */
final class BanLength {
  /** Doubling stops here, as in fail2ban. */
  private static final int MAX_DOUBLINGS = 20;

  /** Longer bans are for ever; some 290 years, so that adding one to a date cannot overflow. */
  private static final double MAX_MILLIS = 9.2e12;

  private BanLength() {}

  /**
   * The length of a ban.
   *
   * @param offence 1 for the first time within {@code forget}
   * @param random in [0, 1), for the jitter
   * @return null: for ever
   */
  static @Nullable Duration of(BanTerms terms, int offence, double random) {
    Duration first = terms.length();
    Escalation escalation = terms.escalation();
    if (first == null || escalation == null) {
      return first;
    }
    int earlier = Math.max(0, offence - 1);
    double millis = first.toMillis() * escalation.factor() * multiplier(escalation, earlier);
    millis += random * escalation.jitter().toMillis();
    Duration max = escalation.max();
    if (max != null) {
      millis = Math.min(millis, (double) max.toMillis());
    }
    return millis > MAX_MILLIS ? null : Duration.ofMillis(Math.max(1, (long) millis));
  }

  private static double multiplier(Escalation escalation, int earlier) {
    List<Double> multipliers = escalation.multipliers();
    return multipliers.isEmpty()
        ? 1L << Math.min(earlier, MAX_DOUBLINGS)
        : multipliers.get(Math.min(earlier, multipliers.size() - 1));
  }
}
