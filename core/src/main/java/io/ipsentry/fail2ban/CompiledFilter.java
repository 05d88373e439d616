package io.ipsentry.fail2ban;

import io.ipsentry.net.PrefixSet;
import io.ipsentry.pattern.InvalidPatternException;
import io.ipsentry.pattern.PatternSet;
import io.ipsentry.pattern.PatternSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A filter whose expressions are compiled. Immutable; safe for any thread. */
public final class CompiledFilter {
  final Optional<FilterExpression> prefix;
  final List<FilterExpression> failures;
  final List<FilterExpression> ignored;
  final PatternSet failureSet;
  final PatternSet ignoredSet;
  final List<DatePattern> dates;
  final int maxlines;
  final PrefixSet ignoreip;

  private CompiledFilter(Filter filter) {
    boolean names = filter.names();
    boolean manyLines = filter.maxlines() > 1;
    maxlines = filter.maxlines();
    ignoreip = filter.ignoreip();
    prefix = filter.prefregex().map(r -> FilterExpression.compile("prefregex", r, names, false));
    failures =
        filter.failregex().stream()
            .map(r -> FilterExpression.compile("failregex", r, names, manyLines))
            .toList();
    ignored =
        filter.ignoreregex().stream()
            .map(r -> FilterExpression.compile("ignoreregex", r, names, false))
            .toList();
    boolean prefixIdentifies = prefix.map(FilterExpression::identifies).orElse(false);
    for (FilterExpression failure : failures) {
      if (!prefixIdentifies && !failure.identifies()) {
        throw new Fail2banException(
            "failregex has no <HOST>, <ADDR>, <F-ID> or <F-MLFID>: " + failure.written());
      }
    }
    failureSet = set(failures);
    ignoredSet = set(ignored);
    dates = DateFinder.patterns(filter.datepattern());
  }

  /**
   * Compiles a filter.
   *
   * @throws Fail2banException for an expression that cannot be used
   */
  public static CompiledFilter compile(Filter filter) {
    return new CompiledFilter(filter);
  }

  private static PatternSet set(List<FilterExpression> expressions) {
    List<PatternSource> sources = new ArrayList<>();
    for (FilterExpression expression : expressions) {
      sources.add(expression.pattern().source());
    }
    try {
      return PatternSet.compile(sources);
    } catch (InvalidPatternException e) {
      throw new Fail2banException("the expressions cannot be used together: " + e.getMessage(), e);
    }
  }

  /**
   * The expressions that need more than an automaton and so run with a budget of steps, each with
   * what it has that an automaton cannot express.
   */
  public Map<String, String> bounded() {
    Map<String, String> bounded = new LinkedHashMap<>();
    List<FilterExpression> all = new ArrayList<>();
    prefix.ifPresent(all::add);
    all.addAll(failures);
    all.addAll(ignored);
    for (FilterExpression expression : all) {
      expression
          .pattern()
          .beyondAutomaton()
          .ifPresent(construct -> bounded.put(expression.written(), construct));
    }
    return bounded;
  }

  /** Number of expressions, those for dates not counted. */
  public int size() {
    return failures.size() + ignored.size() + (prefix.isPresent() ? 1 : 0);
  }
}
