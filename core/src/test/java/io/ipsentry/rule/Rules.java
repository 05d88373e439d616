package io.ipsentry.rule;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Builds rules for tests; starts as: paths given, 3 hits or 2 patterns in 2 minutes, 24 hours. */
final class Rules {
  private final String name;
  private Rule.On on = Rule.On.LOG;
  private final List<PathPattern> paths = new ArrayList<>();
  private @Nullable StatusSet status;
  private @Nullable StatusSet originStatus;
  private Set<String> methods = Set.of();
  private List<String> hosts = List.of();
  private List<String> userAgents = List.of();
  private List<String> messages = List.of();
  private boolean authFailures;
  private Set<String> sources = Set.of();
  private boolean ignoreCase;
  private Ignore ignore = Ignore.NOTHING;
  private int threshold = 3;
  private int distinct = 2;

  private Rules(String name) {
    this.name = name;
  }

  static Rules named(String name) {
    return new Rules(name);
  }

  Rules paths(String... regexes) {
    for (String regex : regexes) {
      paths.add(PathPattern.counting(regex));
    }
    return this;
  }

  Rules path(String regex, PathPattern.Mode mode) {
    paths.add(new PathPattern(regex, mode, null));
    return this;
  }

  Rules served(String regex) {
    paths.add(new PathPattern(regex, PathPattern.Mode.COUNT, StatusSet.CLIENT_ERRORS));
    return this;
  }

  Rules status(String list) {
    status = StatusSet.parse(list);
    return this;
  }

  Rules originStatus(String list) {
    originStatus = StatusSet.parse(list);
    return this;
  }

  Rules methods(String... words) {
    methods = Set.of(words);
    return this;
  }

  Rules hosts(String... regexes) {
    hosts = List.of(regexes);
    return this;
  }

  Rules userAgents(String... regexes) {
    userAgents = List.of(regexes);
    return this;
  }

  Rules messages(String... regexes) {
    messages = List.of(regexes);
    return this;
  }

  Rules authFailures() {
    authFailures = true;
    return this;
  }

  Rules sources(String... names) {
    sources = Set.of(names);
    return this;
  }

  Rules ignoreCase() {
    ignoreCase = true;
    return this;
  }

  Rules ignorePaths(String... regexes) {
    ignore = new Ignore(List.of(regexes), null, Set.of(), List.of(), List.of(), List.of());
    return this;
  }

  Rules ignoreStatus(String list) {
    ignore =
        new Ignore(
            ignore.paths(), StatusSet.parse(list), Set.of(), List.of(), List.of(), List.of());
    return this;
  }

  Rules on(Rule.On what) {
    on = what;
    return this;
  }

  Rules reachedBy(int hits, int patterns) {
    threshold = hits;
    distinct = patterns;
    return this;
  }

  Rule build() {
    Match match =
        new Match(
            paths,
            status,
            originStatus,
            methods,
            hosts,
            userAgents,
            messages,
            authFailures,
            sources,
            ignoreCase);
    return new Rule(
        new RuleId(name),
        on,
        Rule.Mode.ENFORCE,
        match,
        ignore,
        threshold,
        distinct,
        Duration.ofMinutes(2),
        BanTerms.DEFAULT);
  }
}
