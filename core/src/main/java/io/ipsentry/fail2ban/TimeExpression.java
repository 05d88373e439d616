package io.ipsentry.fail2ban;

import java.util.Locale;
import java.util.Map;

/**
 * Lengths of time as fail2ban writes them: seconds, or {@code 1h 30m}, {@code 1d12h}, {@code
 * 1year-6mo}, {@code 2 * 10m}. A month is a twelfth of a year of 365.25 days.
 */
final class TimeExpression {
  private static final double DAY = 86_400;
  private static final double YEAR = 365.25 * DAY;

  private static final Map<String, Double> UNITS =
      Map.ofEntries(
          Map.entry("s", 1.0),
          Map.entry("ss", 1.0),
          Map.entry("sec", 1.0),
          Map.entry("m", 60.0),
          Map.entry("mm", 60.0),
          Map.entry("min", 60.0),
          Map.entry("h", 3_600.0),
          Map.entry("hh", 3_600.0),
          Map.entry("hou", 3_600.0),
          Map.entry("d", DAY),
          Map.entry("dd", DAY),
          Map.entry("da", DAY),
          Map.entry("w", 7 * DAY),
          Map.entry("ww", 7 * DAY),
          Map.entry("wee", 7 * DAY),
          Map.entry("mo", YEAR / 12),
          Map.entry("mon", YEAR / 12),
          Map.entry("y", YEAR),
          Map.entry("yy", YEAR),
          Map.entry("yea", YEAR),
          Map.entry("second", 1.0),
          Map.entry("minute", 60.0),
          Map.entry("hour", 3_600.0),
          Map.entry("day", DAY),
          Map.entry("week", 7 * DAY),
          Map.entry("month", YEAR / 12),
          Map.entry("year", YEAR));

  private final String text;
  private int at;

  private TimeExpression(String text) {
    this.text = text.toLowerCase(Locale.ROOT);
  }

  /**
   * The length in seconds; may be negative.
   *
   * @throws Fail2banException when it is written otherwise
   */
  static double seconds(String text) {
    TimeExpression expression = new TimeExpression(text);
    double seconds = expression.sum();
    if (expression.at < expression.text.length() || Double.isNaN(seconds)) {
      throw expression.wrong();
    }
    return seconds;
  }

  private double sum() {
    skipBlanks();
    double sum = sign() * product();
    while (true) {
      skipBlanks();
      if (at == text.length()) {
        return sum;
      }
      sum += sign() * product();
    }
  }

  private double product() {
    double value = term();
    while (true) {
      skipBlanks();
      if (take('*')) {
        skipBlanks();
        value *= term();
      } else if (take('/')) {
        skipBlanks();
        value /= term();
      } else {
        return value;
      }
    }
  }

  private double term() {
    int start = at;
    while (at < text.length() && (Character.isDigit(text.charAt(at)) || text.charAt(at) == '.')) {
      at++;
    }
    String number = text.substring(start, at);
    if (!number.matches("[0-9]{1,15}(\\.[0-9]{0,9})?|\\.[0-9]{1,9}")) {
      throw wrong();
    }
    int end = at;
    while (end < text.length() && text.charAt(end) == ' ') {
      end++;
    }
    int unit = end;
    while (end < text.length() && text.charAt(end) >= 'a' && text.charAt(end) <= 'z') {
      end++;
    }
    double factor = 1;
    if (end > unit) {
      factor = unit(text.substring(unit, end));
      at = end;
    }
    return Double.parseDouble(number) * factor;
  }

  private double unit(String word) {
    Double unit = UNITS.get(word);
    if (unit == null && word.endsWith("s") && word.length() > 3) {
      unit = UNITS.get(word.substring(0, word.length() - 1));
    }
    if (unit == null) {
      throw wrong();
    }
    return unit;
  }

  private int sign() {
    boolean minus = take('-');
    if (!minus) {
      take('+');
    }
    skipBlanks();
    return minus ? -1 : 1;
  }

  private boolean take(char c) {
    boolean there = at < text.length() && text.charAt(at) == c;
    at += there ? 1 : 0;
    return there;
  }

  private void skipBlanks() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }

  private Fail2banException wrong() {
    return new Fail2banException("'" + text + "' is not a length of time such as 600 or 1h 30m");
  }
}
