package io.ipsentry.fail2ban;

import io.ipsentry.rule.Escalation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The options {@code bantime.*}: how bans grow.
 *
 * <p>A formula is Python there. Two are known: the one that holds when none is written (doubling),
 * and the exponential one of the documentation; of any other, bans double and a note says so.
 */
final class BanIncrement {
  private static final Pattern DOUBLING =
      Pattern.compile("ban\\.Time\\*\\(1<<\\(ban\\.Countifban\\.Count<20else20\\)\\)\\*banFactor");

  private static final Pattern EXPONENTIAL =
      Pattern.compile(
          "ban\\.Time\\*math\\.exp\\(float\\(ban\\.Count\\+1\\)\\*banFactor\\)"
              + "/math\\.exp\\(1\\*banFactor\\)");

  /** Earlier bans for which an exponential length is worked out. */
  private static final int EXPONENTIAL_STEPS = 30;

  private static final double LARGEST_MULTIPLIER = 1e9;

  private final Map<String, String> options;
  private final double purgeSeconds;
  private final BiConsumer<String, String> notes;

  /**
   * @param purgeSeconds after which a ban that is over is forgotten
   * @param notes told an option and what of it differs
   */
  BanIncrement(Map<String, String> options, double purgeSeconds, BiConsumer<String, String> notes) {
    this.options = options;
    this.purgeSeconds = purgeSeconds;
    this.notes = notes;
  }

  Escalation escalation(Duration bantime) {
    double factor = number(options.getOrDefault("bantime.factor", "1"));
    List<Double> multipliers = multipliers();
    if (multipliers.isEmpty()) {
      String formula = options.getOrDefault("bantime.formula", "").replaceAll("\\s", "");
      Matcher exponential = EXPONENTIAL.matcher(formula);
      if (exponential.matches()) {
        multipliers = powers(Math.exp(factor));
        factor = 1;
      } else if (!formula.isEmpty() && !DOUBLING.matcher(formula).matches()) {
        notes.accept("bantime.formula", "bantime.formula is not run; each ban is twice as long");
      }
    }
    if (!JailTree.truth(options.getOrDefault("bantime.overalljails", "false"))) {
      notes.accept(
          "bantime.increment", "earlier bans count whichever jail made them (overalljails)");
    }
    Duration max = optional("bantime.maxtime");
    Duration jitter = optional("bantime.rndtime");
    return new Escalation(
        factor,
        multipliers,
        max,
        jitter == null ? Duration.ZERO : jitter,
        forget(bantime, max, factor, multipliers));
  }

  /** There, the age of a ban is counted from its end; here from its beginning. */
  private Duration forget(
      Duration bantime, @Nullable Duration max, double factor, List<Double> multipliers) {
    Duration longest = max;
    if (longest == null) {
      double largest = multipliers.stream().mapToDouble(m -> m).max().orElse(0) * factor;
      longest =
          largest > 0
              ? Duration.ofMillis((long) Math.min(largest * bantime.toMillis(), 3e12))
              : Escalation.DEFAULT_FORGET;
    }
    return longest.plus(Duration.ofMillis((long) Math.clamp(purgeSeconds * 1_000, 1_000, 3e12)));
  }

  private List<Double> multipliers() {
    List<Double> multipliers = new ArrayList<>();
    for (String word : JailReader.words(options.getOrDefault("bantime.multipliers", ""))) {
      multipliers.add(number(word));
    }
    return multipliers;
  }

  private static List<Double> powers(double base) {
    List<Double> powers = new ArrayList<>();
    double power = 1;
    for (int i = 0; i <= EXPONENTIAL_STEPS && power < LARGEST_MULTIPLIER; i++) {
      powers.add(power);
      power *= base;
    }
    return powers;
  }

  private @Nullable Duration optional(String option) {
    String text = options.getOrDefault(option, "").strip();
    if (text.isEmpty()) {
      return null;
    }
    double seconds = TimeExpression.seconds(text);
    return seconds <= 0 ? null : Duration.ofMillis((long) Math.min(seconds * 1_000, 3e12));
  }

  private static double number(String text) {
    double seconds = TimeExpression.seconds(text);
    if (!(seconds > 0 && seconds < 1e12)) {
      throw new Fail2banException("'" + text + "' is not a number above 0");
    }
    return seconds;
  }
}
