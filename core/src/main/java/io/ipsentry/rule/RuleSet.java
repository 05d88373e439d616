package io.ipsentry.rule;

import io.ipsentry.pattern.PatternSet;
import io.ipsentry.pattern.PatternSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The rules of a configuration, compiled: the expressions of all rules for one field run as one
 * automaton, so that most lines are decided in one pass.
 *
 * <p>A rule's number is its place in the list. Immutable; safe for any thread. The matching state
 * is in the {@link RuleMatcher}s it makes.
 */
public final class RuleSet {
  private final List<Rule> rules;
  private final Map<RuleId, Integer> numbers;
  final List<CompiledRule> compiled;
  final PatternSet paths;
  final PatternSet ignoredPaths;
  final PatternSet hosts;
  final PatternSet userAgents;
  final PatternSet messages;

  /** Sources with a filter of their own: only rules that name them hear them. */
  private final Set<String> filtered;

  /** Where the expressions of a rule lie in the set of all: {@code [from, to)}. */
  record Range(int from, int to) {
    boolean isEmpty() {
      return to == from;
    }
  }

  /** A rule with its places in the combined sets. */
  record CompiledRule(
      int number,
      Rule rule,
      Range paths,
      boolean needsPath,
      Range ignoredPaths,
      Range hosts,
      Range ignoredHosts,
      Range userAgents,
      Range ignoredUserAgents,
      Range messages,
      Range ignoredMessages,
      List<Integer> pathIdentity) {}

  private RuleSet(List<Rule> rules) {
    this.rules = List.copyOf(rules);
    this.filtered =
        rules.stream()
            .map(Rule::match)
            .filter(Match::failures)
            .flatMap(match -> match.sources().stream())
            .collect(Collectors.toUnmodifiableSet());
    Collector pathSources = new Collector();
    Collector ignoredPathSources = new Collector();
    Collector hostSources = new Collector();
    Collector userAgentSources = new Collector();
    Collector messageSources = new Collector();
    List<CompiledRule> all = new ArrayList<>();
    Map<RuleId, Integer> numbersByName = new HashMap<>();
    for (Rule rule : rules) {
      if (numbersByName.putIfAbsent(rule.id(), all.size()) != null) {
        throw new IllegalArgumentException("two rules have the name " + rule.id());
      }
      Match match = rule.match();
      Ignore ignore = rule.ignore();
      boolean fold = match.ignoreCase();
      List<String> paths = match.paths().stream().map(PathPattern::regex).toList();
      all.add(
          new CompiledRule(
              all.size(),
              rule,
              pathSources.add(paths, fold),
              needsPath(match),
              ignoredPathSources.add(ignore.paths(), fold),
              hostSources.add(match.hosts(), true),
              hostSources.add(ignore.hosts(), true),
              userAgentSources.add(match.userAgents(), fold),
              userAgentSources.add(ignore.userAgents(), fold),
              messageSources.add(match.messages(), fold),
              messageSources.add(ignore.messages(), fold),
              paths.stream().map(RuleSet::identity).toList()));
    }
    this.compiled = List.copyOf(all);
    this.numbers = Map.copyOf(numbersByName);
    this.paths = pathSources.compile();
    this.ignoredPaths = ignoredPathSources.compile();
    this.hosts = hostSources.compile();
    this.userAgents = userAgentSources.compile();
    this.messages = messageSources.compile();
  }

  /**
   * Compiles rules.
   *
   * @throws io.ipsentry.pattern.InvalidPatternException when an expression is wrong
   * @throws IllegalArgumentException when two rules have one name
   */
  public static RuleSet compile(List<Rule> rules) {
    return new RuleSet(rules);
  }

  /** The rules in their order. */
  public List<Rule> rules() {
    return rules;
  }

  /** Their names, in their order. */
  List<RuleId> names() {
    return rules.stream().map(Rule::id).toList();
  }

  /** Number of the rule with this name, or -1. */
  public int number(RuleId id) {
    return numbers.getOrDefault(id, -1);
  }

  /**
   * A matcher for the lines or requests of one source, for use by one thread.
   *
   * @param on which rules take part
   * @param source name of the source, for rules that listen to some only; null: rules that name
   *     sources take no part
   */
  public RuleMatcher matcher(Rule.On on, @Nullable String source) {
    return matcher(on, source, Set.of());
  }

  /**
   * As {@link #matcher(Rule.On, String)}, for lines that other sources read too.
   *
   * @param others sources that come first: a rule that listens to one of them gets the lines there
   */
  public RuleMatcher matcher(Rule.On on, @Nullable String source, Set<String> others) {
    List<CompiledRule> taking =
        compiled.stream()
            .filter(c -> c.rule().on() == on)
            .filter(c -> hears(c.rule(), source))
            .filter(c -> others.stream().noneMatch(other -> hears(c.rule(), other)))
            .toList();
    return new RuleMatcher(this, taking);
  }

  /** Names of the log rules that listen to a source and to one of the others, in order. */
  public List<String> shared(String source, Set<String> others) {
    return rules.stream()
        .filter(rule -> rule.on() == Rule.On.LOG && hears(rule, source))
        .filter(rule -> others.stream().anyMatch(other -> hears(rule, other)))
        .map(rule -> rule.id().name())
        .toList();
  }

  private boolean hears(Rule rule, @Nullable String source) {
    Set<String> sources = rule.match().sources();
    return sources.isEmpty()
        ? source == null || !filtered.contains(source) || rule.match().failures()
        : source != null && sources.contains(source);
  }

  /** Terms of the windows, by rule number. */
  HitWindows.Terms[] terms() {
    return rules.stream().map(HitWindows.Terms::of).toArray(HitWindows.Terms[]::new);
  }

  /** Tells patterns of a rule apart, the same over restarts and reloads. */
  static int identity(String pattern) {
    return pattern.hashCode();
  }

  /**
   * A rule needs one of its paths when it has paths that count, or nothing but paths. Paths that
   * only block or allow are additions to its other conditions.
   */
  private static boolean needsPath(Match match) {
    boolean counts = match.paths().stream().anyMatch(p -> p.mode() == PathPattern.Mode.COUNT);
    boolean otherConditions =
        match.status() != null
            || match.originStatus() != null
            || !match.methods().isEmpty()
            || !match.hosts().isEmpty()
            || !match.userAgents().isEmpty()
            || !match.messages().isEmpty()
            || match.authFailures()
            || match.failures();
    return counts || !match.paths().isEmpty() && !otherConditions;
  }

  private static final class Collector {
    private final List<PatternSource> sources = new ArrayList<>();

    Range add(List<String> regexes, boolean ignoreCase) {
      int from = sources.size();
      for (String regex : regexes) {
        sources.add(new PatternSource(regex, ignoreCase));
      }
      return new Range(from, sources.size());
    }

    PatternSet compile() {
      return PatternSet.compile(sources);
    }
  }
}
