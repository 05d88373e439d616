package io.ipsentry.config;

import io.ipsentry.rule.Match;
import io.ipsentry.rule.PathPattern;
import io.ipsentry.rule.Rule;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Finds rules that can never fire, alone or with the sources they listen to. */
final class RuleChecks {
  private final List<SourceConfig> sources;
  private final boolean served;

  /**
   * Checks for a configuration.
   *
   * @param served whether it serves gateways, whose requests inline rules judge
   */
  RuleChecks(List<SourceConfig> sources, boolean served) {
    this.sources = sources;
    this.served = served;
  }

  void check(List<RuleReader.Placed> rules) {
    Map<Match, String> seen = new HashMap<>();
    for (RuleReader.Placed placed : rules) {
      switch (placed.rule().on()) {
        case LOG -> {
          checkFacts(placed);
          checkPathModes(placed);
        }
        case REQUEST -> checkInline(placed);
      }
      checkDistinct(placed);
      checkAllows(placed);
      String twin = seen.putIfAbsent(placed.rule().match(), placed.rule().id().name());
      if (twin != null) {
        match(placed)
            .warn(
                "looks for the same as the rule " + twin + ", so each hit counts for both",
                "remove one, unless they ban for different lengths");
      }
    }
  }

  private void checkFacts(RuleReader.Placed placed) {
    Rule rule = placed.rule();
    Match match = rule.match();
    require(placed, match.status() != null, FormatFacts.STATUS);
    require(placed, match.originStatus() != null, FormatFacts.ORIGIN_STATUS);
    require(placed, !match.methods().isEmpty(), FormatFacts.METHOD);
    require(placed, !match.hosts().isEmpty(), FormatFacts.HOST);
    require(placed, !match.userAgents().isEmpty(), FormatFacts.USER_AGENT);
    require(placed, needsPath(match), FormatFacts.PATH);
    require(placed, match.authFailures(), FormatFacts.AUTH_FAILURE);
    require(placed, match.failures(), FormatFacts.FAILURE);
    List<SourceConfig> blind = without(placed, FormatFacts.STATUS);
    long served = match.paths().stream().filter(path -> path.status() != null).count();
    if (served > 0 && match.status() == null && !blind.isEmpty()) {
      match(placed)
          .warn(
              "has "
                  + served
                  + " of "
                  + match.paths().size()
                  + " path patterns that count only with some statuses, but the lines of the source"
                  + " "
                  + blind.get(0).name()
                  + " have no status",
              "give it a format with a status, or write anyStatus: true");
    }
  }

  private void require(RuleReader.Placed placed, boolean wanted, FormatFacts fact) {
    List<SourceConfig> blind = wanted ? without(placed, fact) : List.of();
    if (!blind.isEmpty()) {
      SourceConfig first = blind.get(0);
      match(placed)
          .warn(
              "waits for "
                  + fact.words()
                  + ", but the lines of the source "
                  + first.name()
                  + " (format "
                  + first.format().name()
                  + ") have none",
              "choose another format, or other sources");
    }
  }

  /**
   * The sources whose lines lack a fact: among those that the rule names; of a rule for all
   * sources, only if none of them has it.
   */
  private List<SourceConfig> without(RuleReader.Placed placed, FormatFacts fact) {
    Set<String> named = placed.rule().match().sources();
    List<SourceConfig> heard =
        sources.stream()
            .filter(source ->
                named.isEmpty()
                    ? (source.format().filter() != null) == placed.rule().match().failures()
                    : named.contains(source.name()))
            .toList();
    List<SourceConfig> blind =
        heard.stream().filter(source -> !FormatFacts.of(source.format()).contains(fact)).toList();
    return named.isEmpty() && blind.size() < heard.size() ? List.of() : blind;
  }

  /** In a log nothing can be refused any more, nor let pass. */
  private static void checkPathModes(RuleReader.Placed placed) {
    List<PathPattern> paths = placed.rule().match().paths();
    if (paths.stream().anyMatch(path -> path.mode() == PathPattern.Mode.BLOCK)) {
      match(placed)
          .warn(
              "has a path of mode block, which only counts, because the request in a log is"
                  + " answered already",
              "write on: request to refuse it, or leave the mode out");
    }
    if (paths.stream().anyMatch(path -> path.mode() == PathPattern.Mode.ALLOW)) {
      match(placed)
          .warn(
              "has a path of mode allow, which only makes this rule pass the line over",
              "write on: request to let such a request pass every check, or write the path in"
                  + " ignore");
    }
  }

  private void checkInline(RuleReader.Placed placed) {
    Match match = placed.rule().match();
    Value value = match(placed);
    Value on = placed.section().get("on").orElse(placed.section().whole());
    if (!served) {
      on.warn(
          "judges requests, but no gateway is served, so it judges only what other processes"
              + " report",
          "add authz: { http: \":9002\" } or listen, or write on: log");
    }
    if (match.status() != null || match.originStatus() != null) {
      value.error("waits for a status, but a request has none yet", "write on: log");
    }
    if (!match.messages().isEmpty()
        || match.authFailures()
        || match.failures()
        || !match.sources().isEmpty()) {
      value.error(
          "has messages, authFailures, failures or sources, but a request is no line of a log",
          "write on: log");
    }
    long served = match.paths().stream().filter(path -> path.status() != null).count();
    if (served > 0) {
      value.warn(
          "has "
              + served
              + " path patterns that count only with some statuses, but a request has none yet",
          "write anyStatus: true or no onlyClientErrors or status, or on: log");
    }
  }

  private static void checkDistinct(RuleReader.Placed placed) {
    Rule rule = placed.rule();
    int patterns = patterns(rule.match());
    if (rule.distinct() <= patterns) {
      return;
    }
    Value distinct = placed.section().get("distinct").orElseThrow();
    String counted = patterns == 1 ? "one pattern" : patterns + " patterns";
    String what = rule.distinct() + " is more than the " + counted + " of the rule";
    if (rule.threshold() == 0) {
      distinct.error(what + ", so it never bans", "write a smaller number, or a threshold");
    } else {
      distinct.warn(what + ", so only the threshold bans", "write a smaller number, or remove it");
    }
  }

  /** How many different patterns a rule can hit; a rule without expressions is one. */
  private static int patterns(Match match) {
    int paths = (int) match.paths().stream().filter(RuleChecks::counts).count();
    int others = match.messages().isEmpty() ? match.userAgents().size() : match.messages().size();
    return needsPath(match) ? paths : paths + Math.max(1, others);
  }

  private static boolean counts(PathPattern pattern) {
    return pattern.mode() != PathPattern.Mode.ALLOW;
  }

  /** Whether only a path makes a hit, as {@link io.ipsentry.rule.RuleSet} has it. */
  private static boolean needsPath(Match match) {
    return match.paths().stream().anyMatch(path -> path.mode() == PathPattern.Mode.COUNT)
        || (!match.paths().isEmpty() && !hasOtherConditions(match));
  }

  private static boolean hasOtherConditions(Match match) {
    return match.status() != null
        || match.originStatus() != null
        || !match.methods().isEmpty()
        || !match.hosts().isEmpty()
        || !match.userAgents().isEmpty()
        || !match.messages().isEmpty()
        || match.authFailures()
        || match.failures();
  }

  private static void checkAllows(RuleReader.Placed placed) {
    Match match = placed.rule().match();
    if (needsPath(match) && match.paths().stream().noneMatch(RuleChecks::counts)) {
      match(placed).error("allows paths, but counts none, so it never bans", "add what is a hit");
    }
  }

  private static Value match(RuleReader.Placed placed) {
    return placed.section().get("match").orElseThrow();
  }
}
