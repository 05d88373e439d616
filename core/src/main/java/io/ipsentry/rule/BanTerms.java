package io.ipsentry.rule;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How long a rule bans.
 *
 * @param length of a first ban; null: for ever
 * @param escalation how later bans grow; null: every ban is as long as the first
 */
public record BanTerms(@Nullable Duration length, @Nullable Escalation escalation) {
  /** Length of a ban when the configuration gives none. */
  public static final BanTerms DEFAULT = new BanTerms(Duration.ofHours(24), null);

  public BanTerms {
    if (length != null && (length.isNegative() || length.isZero())) {
      throw new IllegalArgumentException("a ban must last longer than nothing, but is: " + length);
    }
  }
}
