package io.ipsentry.config;

import io.ipsentry.config.ConfigProblem.Severity;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Collects what is wrong while a configuration is read, so that every mistake is shown at once.
 * Confined to one thread.
 */
final class Problems {
  /** More errors, or more warnings, than this are counted but not shown one by one. */
  static final int MAX_SHOWN = 200;

  /** More characters of a text are not repeated in a message. */
  static final int MAX_TEXT = 120;

  private final List<ConfigProblem> errors = new ArrayList<>();
  private final List<ConfigProblem> warnings = new ArrayList<>();
  private int errorCount;
  private int warningCount;

  void error(Place place, String what, String mend) {
    if (errorCount++ < MAX_SHOWN) {
      errors.add(problem(Severity.ERROR, place, what, mend));
    }
  }

  void warn(Place place, String what, String mend) {
    if (warningCount++ < MAX_SHOWN) {
      warnings.add(problem(Severity.WARNING, place, what, mend));
    }
  }

  /** Errors so far, to see whether a part was read without one. */
  int errorCount() {
    return errorCount;
  }

  /** The errors, file by file in the order of their lines. */
  List<ConfigProblem> errors() {
    return sorted(errors, errorCount, "errors");
  }

  /** The warnings, file by file in the order of their lines. */
  List<ConfigProblem> warnings() {
    return sorted(warnings, warningCount, "warnings");
  }

  private static ConfigProblem problem(Severity severity, Place place, String what, String mend) {
    return new ConfigProblem(
        severity,
        place.file(),
        place.at().line(),
        place.at().column(),
        oneLine(place.path()),
        oneLine(what),
        oneLine(mend));
  }

  private static List<ConfigProblem> sorted(List<ConfigProblem> shown, int count, String word) {
    Map<String, Integer> files = new LinkedHashMap<>();
    for (ConfigProblem problem : shown) {
      files.putIfAbsent(problem.file(), files.size());
    }
    List<ConfigProblem> sorted = new ArrayList<>(shown);
    sorted.sort(
        Comparator.comparingInt((ConfigProblem problem) -> files.getOrDefault(problem.file(), 0))
            .thenComparingInt(ConfigProblem::line)
            .thenComparingInt(ConfigProblem::column));
    if (count > shown.size()) {
      ConfigProblem first = shown.get(0);
      sorted.add(
          new ConfigProblem(
              first.severity(),
              first.file(),
              0,
              0,
              "",
              (count - shown.size()) + " more " + word + " are not shown",
              "mend these first"));
    }
    return sorted;
  }

  /** A text made fit for one line of a message: no control characters, not too long. */
  static String oneLine(String text) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      line.append(Character.isISOControl(c) || c == '\u2028' || c == '\u2029' ? '?' : c);
    }
    return line.toString();
  }

  /** A text from the document between quotes, shortened, for use in a message. */
  static String quoted(String text) {
    int end = Math.min(text.length(), MAX_TEXT);
    if (end < text.length() && Character.isHighSurrogate(text.charAt(end - 1))) {
      end--;
    }
    return "'" + oneLine(text.substring(0, end)) + (end < text.length() ? "…'" : "'");
  }
}
