package io.ipsentry.rule;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the bans of an address that comes back grow, with the meaning of fail2ban's {@code bantime.*}
 * settings, but with {@code max} applied after the jitter.
 *
 * <p>With {@code n} earlier bans within {@code forget}, a ban lasts {@code length × factor ×
 * multipliers[min(n, last)]} where multipliers are given, else {@code length × factor × 2^min(n,
 * 20)} (a first ban lasts {@code length × factor} either way); then up to {@code jitter} is added
 * at random; then {@code max} caps it.
 *
 * @param factor above 0
 * @param multipliers by number of earlier bans; empty: doubling
 * @param max longest ban; null: no limit
 * @param jitter most that is added at random; zero: nothing
 * @param forget an earlier ban that began longer ago than this does not count
 */
public record Escalation(
    double factor,
    List<Double> multipliers,
    @Nullable Duration max,
    Duration jitter,
    Duration forget) {
  /** Used when the configuration does not say when earlier bans are forgotten. */
  public static final Duration DEFAULT_FORGET = Duration.ofDays(30);

  public Escalation {
    multipliers = List.copyOf(multipliers);
    if (!(factor > 0) || Double.isInfinite(factor)) {
      throw new IllegalArgumentException("factor must be above 0, but is: " + factor);
    }
    for (double multiplier : multipliers) {
      if (!(multiplier > 0) || Double.isInfinite(multiplier)) {
        throw new IllegalArgumentException("a multiplier must be above 0, but is: " + multiplier);
      }
    }
    if (jitter.isNegative()) {
      throw new IllegalArgumentException("jitter must not be negative, but is: " + jitter);
    }
  }
}
