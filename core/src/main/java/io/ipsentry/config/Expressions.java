package io.ipsentry.config;

import io.ipsentry.pattern.CapturingPattern;
import io.ipsentry.pattern.InvalidPatternException;
import io.ipsentry.pattern.PatternMatcher;
import io.ipsentry.pattern.PatternSet;
import io.ipsentry.pattern.PatternSource;
import java.util.List;
import java.util.Optional;

/** Reads regular expressions and checks that they can be used. */
final class Expressions {
  /** Longest expression, in characters. */
  static final int MAX_LENGTH = 4_096;

  /** A text that nobody means, so that what matches it, and the empty text, matches everything. */
  private static final byte[] UNMEANT = {1};

  private Expressions() {}

  /** An expression to search for; empty when it cannot be used, which is then reported. */
  static Optional<String> read(Value value) {
    Optional<String> regex = value.text().filter(text -> isShortEnough(value, text));
    if (regex.isEmpty()) {
      return Optional.empty();
    }
    PatternSet set;
    try {
      set = PatternSet.compile(List.of(PatternSource.of(regex.get())));
    } catch (InvalidPatternException e) {
      report(value, e);
      return Optional.empty();
    }
    if (!set.backtracking().isEmpty()) {
      value.warn(
          Problems.quoted(regex.get())
              + " needs backtracking, which is slow and gives up after "
              + PatternMatcher.STEP_BUDGET
              + " steps",
          "write it without look-around, back-references and atomic groups");
    }
    PatternMatcher matcher = set.matcher();
    if (matcher.match(UNMEANT, 0, 1) != 0 && matcher.match(UNMEANT, 0, 0) != 0) {
      value.warn(
          Problems.quoted(regex.get()) + " matches every text",
          "anchor it with ^ and $, or replace * with +");
    }
    return regex;
  }

  /** A list of expressions; those that cannot be used are reported and left out. */
  static List<String> list(Value value) {
    return value.items().stream().map(Expressions::read).flatMap(Optional::stream).toList();
  }

  /** An expression whose groups are wanted; empty when it cannot be used. */
  static Optional<CapturingPattern> capturing(Value value) {
    Optional<String> regex = value.text().filter(text -> isShortEnough(value, text));
    try {
      return regex.map(PatternSource::of).map(CapturingPattern::compile);
    } catch (InvalidPatternException e) {
      report(value, e);
      return Optional.empty();
    }
  }

  private static boolean isShortEnough(Value value, String regex) {
    if (regex.length() > MAX_LENGTH) {
      value.error(
          "is an expression of more than " + MAX_LENGTH + " characters", "split it into several");
    }
    return regex.length() <= MAX_LENGTH;
  }

  private static void report(Value value, InvalidPatternException e) {
    value.error(
        Problems.quoted(e.pattern())
            + " is not a regular expression: "
            + e.reason()
            + " at character "
            + (e.position() + 1),
        e.remedy());
  }
}
