package io.ipsentry.rule;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * When hits become a ban.
 *
 * @param id its name
 * @param on what it judges, so that one request is one hit
 * @param mode whether its verdicts are carried out
 * @param match what is a hit
 * @param ignore what is not, although it matched
 * @param threshold hits within the window that ban; the hit that reaches it decides; 0: do not
 *     count
 * @param distinct different patterns within the window that ban; 0: do not count
 * @param window a hit at {@code a} counts at {@code now} while {@code now − a < window}
 * @param ban how long
 * @param scope policy that its bans hold for, and whose requests alone it counts; null: everywhere
 */
public record Rule(
    RuleId id,
    On on,
    Mode mode,
    Match match,
    Ignore ignore,
    int threshold,
    int distinct,
    Duration window,
    BanTerms ban,
    @Nullable String scope) {
  /** Highest threshold, in hits: it bounds what one address may cost in memory. */
  public static final int MAX_THRESHOLD = 10_000;

  /** Longest window. */
  public static final Duration MAX_WINDOW = Duration.ofDays(31);

  /** What a rule judges. */
  public enum On {
    /** Lines of access logs. */
    LOG,
    /** Requests, before they are answered. */
    REQUEST
  }

  /** Whether a rule's verdicts are carried out. */
  public enum Mode {
    /** Bans are appended to the log and enforced. */
    ENFORCE,
    /** Bans are counted and shown, but nobody is refused. */
    SHADOW
  }

  public Rule {
    if (threshold < 0 || threshold > MAX_THRESHOLD || distinct < 0 || distinct > MAX_THRESHOLD) {
      throw new IllegalArgumentException("threshold and distinct must be 0 to " + MAX_THRESHOLD);
    }
    if (threshold == 0 && distinct == 0) {
      throw new IllegalArgumentException("threshold or distinct must be above 0");
    }
    if (window.isNegative() || window.isZero() || window.compareTo(MAX_WINDOW) > 0) {
      throw new IllegalArgumentException("window must be above 0 and at most 31 days");
    }
  }

  /** A rule whose bans hold everywhere. */
  public Rule(
      RuleId id,
      On on,
      Mode mode,
      Match match,
      Ignore ignore,
      int threshold,
      int distinct,
      Duration window,
      BanTerms ban) {
    this(id, on, mode, match, ignore, threshold, distinct, window, ban, null);
  }

  /** This rule for the requests of one policy alone, with a name and windows of its own. */
  public Rule in(String policy) {
    return new Rule(
        id.in(policy), on, mode, match, ignore, threshold, distinct, window, ban, policy);
  }

  /** This rule in shadow mode. */
  public Rule shadowed() {
    return new Rule(id, on, Mode.SHADOW, match, ignore, threshold, distinct, window, ban, scope);
  }
}
