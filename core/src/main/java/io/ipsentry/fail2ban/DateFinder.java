package io.ipsentry.fail2ban;

import io.ipsentry.line.LocalZone;
import io.ipsentry.pattern.CaptureMatcher;
import io.ipsentry.pattern.PatternMatcher;
import io.ipsentry.pattern.PatternSet;
import io.ipsentry.pattern.PatternSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Finds the time stamp of a line.
 *
 * <p>The pattern that served the line before is tried first, and taken if it is bound to a place or
 * matches where it did before. Else the first that matches and is bound to a place, or else the one
 * that matches farthest to the left. Confined to one thread.
 */
final class DateFinder {
  private final List<DatePattern> patterns;
  private final CaptureMatcher[] matchers;
  private final PatternMatcher all;
  private final long[] hits;
  private final DateFields fields;

  // The line at hand.
  private int found = -1;
  private int cutFrom;
  private int cutTo;

  // The line before.
  private int lastPattern = -1;
  private int lastStart;
  private int lastEnd;

  private DateFinder(List<DatePattern> patterns, DateFields fields) {
    this.patterns = patterns;
    this.fields = fields;
    matchers = new CaptureMatcher[patterns.size()];
    List<PatternSource> sources = new ArrayList<>();
    for (int i = 0; i < patterns.size(); i++) {
      matchers[i] = patterns.get(i).pattern().matcher();
      sources.add(patterns.get(i).pattern().source());
    }
    all = PatternSet.compile(sources).matcher();
    hits = new long[patterns.size()];
  }

  /**
   * Patterns as a filter has them.
   *
   * @param written one or more; empty: the usual forms
   * @throws Fail2banException when one cannot be used
   */
  static List<DatePattern> patterns(List<String> written) {
    Set<String> expanded = new LinkedHashSet<>();
    for (String pattern : written) {
      String key = pattern.indexOf('%') < 0 ? pattern.toUpperCase(Locale.ROOT) : pattern;
      if (key.equals("{DEFAULT}")) {
        expanded.addAll(UsualDates.all());
      } else if (key.equals("{^LN-BEG}")) {
        expanded.addAll(UsualDates.atLineBegin());
        expanded.add("{^LN-BEG}%H:%M:%S");
        expanded.add("^<%m/%d/%Exy@%H:%M:%S>");
        expanded.add("^%b-%d-%Exy %k:%M:%S");
      } else if (key.contains("{DATE}")) {
        expanded.addAll(UsualDates.within(pattern));
      } else {
        expanded.add(pattern);
      }
    }
    if (written.isEmpty()) {
      expanded.addAll(UsualDates.all());
    }
    return expanded.stream().map(DatePattern::compile).toList();
  }

  static DateFinder of(List<DatePattern> patterns, LocalZone zone) {
    return new DateFinder(patterns, new DateFields(zone));
  }

  /**
   * Looks for a stamp in {@code b[from, to)}.
   *
   * @return whether there is one; its place is {@link #cutFrom} to {@link #cutTo}, which may be
   *     empty
   */
  boolean find(byte[] b, int from, int to) {
    found = -1;
    if (lastPattern >= 0 && matchers[lastPattern].find(b, from, to)) {
      boolean samePlace =
          matchers[lastPattern].start(0) - from == lastStart
              && matchers[lastPattern].end(0) - from == lastEnd;
      if (samePlace || patterns.size() == 1 || patterns.get(lastPattern).anchored()) {
        take(lastPattern, from);
        return true;
      }
    }
    if (patterns.size() == 1) {
      if (lastPattern < 0 && matchers[0].find(b, from, to)) {
        take(0, from);
        return true;
      }
      return false;
    }
    int best = -1;
    for (int candidate : all.matched(all.match(b, from, to))) {
      if (matchers[candidate].find(b, from, to)) {
        if (patterns.get(candidate).anchored()) {
          best = best < 0 || matchers[best].start(0) > from ? candidate : best;
          break;
        }
        if (best < 0 || matchers[candidate].start(0) < matchers[best].start(0)) {
          best = candidate;
        }
      }
    }
    if (best < 0) {
      return false;
    }
    take(best, from);
    return true;
  }

  private void take(int pattern, int from) {
    found = pattern;
    hits[pattern]++;
    CaptureMatcher match = matchers[pattern];
    lastPattern = pattern;
    lastStart = match.start(0) - from;
    lastEnd = match.end(0) - from;
    cutFrom = match.start(1) < 0 ? match.end(0) : match.start(1);
    cutTo = match.start(1) < 0 ? match.end(0) : match.end(1);
  }

  int cutFrom() {
    return cutFrom;
  }

  int cutTo() {
    return cutTo;
  }

  /**
   * The time of the stamp that was found last, in epoch milliseconds.
   *
   * @return {@code NO_TIME} of the facts of a line when nothing was found, or no time
   */
  long millis(byte[] b) {
    return found < 0 ? DateFields.NO_TIME : fields.millis(patterns.get(found), matchers[found], b);
  }

  /** Instructions that all lines took so far. */
  long steps() {
    long steps = all.steps();
    for (CaptureMatcher matcher : matchers) {
      steps += matcher.steps();
    }
    return steps;
  }

  /** How many lines each pattern served, those that served none left out. */
  Map<String, Long> hits() {
    Map<String, Long> served = new LinkedHashMap<>();
    for (int i = 0; i < hits.length; i++) {
      if (hits[i] > 0) {
        served.put(patterns.get(i).written(), hits[i]);
      }
    }
    return served;
  }
}
