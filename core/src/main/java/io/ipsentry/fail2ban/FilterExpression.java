package io.ipsentry.fail2ban;

import io.ipsentry.pattern.CaptureMatcher;
import io.ipsentry.pattern.CapturingPattern;
import io.ipsentry.pattern.InvalidPatternException;
import io.ipsentry.pattern.PatternSource;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One expression of a filter, compiled. Immutable; safe for any thread.
 *
 * <p>A group {@code alt_x} gives {@code x} its value where that is empty, a group {@code tuple_x}
 * is appended to it; numbers behind them tell several apart.
 */
final class FilterExpression {
  private static final Pattern COMBINED = Pattern.compile("(alt_|tuple_)(.*?)(?:_[0-9]+)?");

  private final String written;
  private final CapturingPattern pattern;
  private final Map<String, Integer> plain = new HashMap<>();
  private final List<Part> parts = new ArrayList<>();

  private record Part(int group, String of, boolean tuple) {}

  private FilterExpression(String written, CapturingPattern pattern) {
    this.written = written;
    this.pattern = pattern;
    Map<String, Integer> sorted = new TreeMap<>(pattern.groupNames());
    sorted.forEach((name, number) -> {
      Matcher combined = COMBINED.matcher(name);
      if (combined.matches() && !combined.group(2).isEmpty()) {
        String of = RegexTranslation.groupName(combined.group(2));
        parts.add(new Part(number, of, combined.group(1).equals("tuple_")));
      } else {
        plain.put(name, number);
      }
    });
  }

  /**
   * Compiles an expression.
   *
   * @param kind such as {@code failregex}, for the message
   * @throws Fail2banException when our engine does not know what it says
   */
  static FilterExpression compile(String kind, String regex, boolean names, boolean manyLines) {
    String translated = RegexTranslation.translate(regex, names, manyLines);
    try {
      return new FilterExpression(regex, CapturingPattern.compile(PatternSource.of(translated)));
    } catch (InvalidPatternException e) {
      throw new Fail2banException(
          kind + " cannot be used: " + e.reason() + " in '" + regex + "'", e);
    }
  }

  /** As the filter has it. */
  String written() {
    return written;
  }

  CapturingPattern pattern() {
    return pattern;
  }

  /** Whether a match says whom it is about. */
  boolean identifies() {
    return pattern.groupNames().keySet().stream().anyMatch(RegexTranslation.IDENTITIES::contains)
        || parts.stream().anyMatch(part -> RegexTranslation.IDENTITIES.contains(part.of()));
  }

  /** Adds the values of the groups of a match that took part, by name. */
  void groups(CaptureMatcher match, byte[] text, Map<String, String> into) {
    plain.forEach((name, group) -> {
      if (match.start(group) >= 0) {
        into.put(name, value(match, text, group));
      }
    });
    for (Part part : parts) {
      if (match.start(part.group()) < 0) {
        continue;
      }
      String value = value(match, text, part.group());
      String before = into.getOrDefault(part.of(), "");
      if (part.tuple() && !before.isEmpty()) {
        into.put(part.of(), before + "," + value);
      } else if (before.isEmpty()) {
        into.put(part.of(), value);
      }
    }
  }

  private static String value(CaptureMatcher match, byte[] text, int group) {
    int start = match.start(group);
    return new String(text, start, match.end(group) - start, StandardCharsets.UTF_8);
  }
}
