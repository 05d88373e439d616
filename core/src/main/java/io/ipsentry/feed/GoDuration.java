package io.ipsentry.feed;

import java.time.Duration;
import java.util.Optional;

/** A duration as Go prints it: {@code 3h59m12.5s}, {@code -1h}, {@code 250ms}. Stateless. */
final class GoDuration {
  private static final int MAX_CHARS = 32;

  /** About a hundred years: more is meant to be for ever. */
  private static final double MAX_SECONDS = 3.2e9;

  private GoDuration() {}

  static Optional<Duration> parse(String text) {
    if (text.isEmpty() || text.length() > MAX_CHARS) {
      return Optional.empty();
    }
    int at = text.charAt(0) == '-' ? 1 : 0;
    boolean negative = at == 1;
    double seconds = 0;
    boolean any = false;
    while (at < text.length()) {
      int from = at;
      while (at < text.length() && (isDigit(text.charAt(at)) || text.charAt(at) == '.')) {
        at++;
      }
      Optional<Double> number = number(text.substring(from, at));
      int unitFrom = at;
      while (at < text.length() && !isDigit(text.charAt(at)) && text.charAt(at) != '.') {
        at++;
      }
      double unit = unit(text.substring(unitFrom, at));
      if (number.isEmpty() || unit == 0) {
        return Optional.empty();
      }
      seconds += number.get() * unit;
      any = true;
    }
    if (!any || seconds > MAX_SECONDS) {
      return Optional.empty();
    }
    Duration duration = Duration.ofMillis(Math.round(seconds * 1_000));
    return Optional.of(negative ? duration.negated() : duration);
  }

  private static Optional<Double> number(String digits) {
    int point = digits.indexOf('.');
    boolean valid = !digits.isEmpty() && point == digits.lastIndexOf('.') && !digits.equals(".");
    return valid ? Optional.of(Double.parseDouble(digits)) : Optional.empty();
  }

  /** Seconds of a unit; 0: it is none. */
  private static double unit(String unit) {
    return switch (unit) {
      case "d" -> 86_400;
      case "h" -> 3_600;
      case "m" -> 60;
      case "s" -> 1;
      case "ms" -> 1e-3;
      case "us", "µs", "μs" -> 1e-6;
      case "ns" -> 1e-9;
      default -> 0;
    };
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }
}
