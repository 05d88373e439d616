package io.ipsentry.config;

import io.ipsentry.config.Pack.Defaults;
import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Escalation;
import io.ipsentry.rule.Ignore;
import io.ipsentry.rule.Match;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.Rule.Mode;
import io.ipsentry.rule.Rule.On;
import io.ipsentry.rule.RuleId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads rules. */
final class RuleReader {
  /** Most rules of a configuration. */
  static final int MAX_RULES = 1_000;

  /** Window of a rule that does not say. */
  static final Duration DEFAULT_WINDOW = Duration.ofMinutes(2);

  /** The words for {@code mode}. */
  static final Map<String, Mode> MODES = Map.of("enforce", Mode.ENFORCE, "shadow", Mode.SHADOW);

  private static final Map<String, On> ON = Map.of("log", On.LOG, "request", On.REQUEST);
  private static final Set<String> FOR_EVER = Set.of("permanent", "-1");
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final MatchReader matches;
  private final Problems problems;
  private final Mode defaultMode;
  private final Map<String, Integer> lines = new HashMap<>();

  RuleReader(MatchReader matches, Problems problems, Mode defaultMode) {
    this.matches = matches;
    this.problems = problems;
    this.defaultMode = defaultMode;
  }

  /**
   * The names of all rules that are written, those that could not be read too.
   *
   * @param names all of them
   * @param logNames of the rules that judge lines
   */
  record Written(Set<String> names, Set<String> logNames) {
    static Written of(Set<String> names, List<Rule> rules) {
      Set<String> logNames = new HashSet<>();
      rules.stream()
          .filter(rule -> rule.on() == On.LOG)
          .forEach(rule -> logNames.add(rule.id().name()));
      return new Written(names, logNames);
    }

    /** Whether the rule of this name judges lines. */
    boolean onLog(String name) {
      return logNames.contains(name);
    }
  }

  /** A rule with its place, for complaints that concern other parts of the configuration too. */
  record Placed(Rule rule, Section section) {}

  /** The rules of the list that could be read. */
  List<Placed> rules(Value list) {
    List<Value> items = list.items();
    if (items.size() > MAX_RULES) {
      list.error(
          "has more than " + MAX_RULES + " rules", "join rules that differ in patterns only");
      return List.of();
    }
    List<Placed> rules = new ArrayList<>();
    for (Value item : items) {
      int before = problems.errorCount();
      item.section(Keys.RULE).flatMap(section -> rule(section, before)).ifPresent(rules::add);
    }
    return rules;
  }

  /** Names of all rules, those that could not be read too. */
  Set<String> names() {
    return Set.copyOf(lines.keySet());
  }

  private Optional<Placed> rule(Section section, int before) {
    Optional<String> name =
        section.require("name", "write name: and a short name").flatMap(Names::read);
    name.ifPresent(known -> reportDouble(section, known));
    MatchReader.Read wanted = match(section);
    Match match = wanted.match();
    Defaults defaults = wanted.defaults();
    Ignore ignore = section.get("ignore").flatMap(matches::ignore).orElse(Ignore.NOTHING);
    int beforeCounts = problems.errorCount();
    int threshold = count(section, "threshold");
    int distinct = count(section, "distinct");
    boolean misspelt = section.isMisspelt("threshold") || section.isMisspelt("distinct");
    if (!section.has("threshold") && !section.has("distinct") && !misspelt) {
      threshold = defaults.threshold();
      distinct = defaults.distinct();
    }
    if (threshold == 0 && distinct == 0 && !misspelt && problems.errorCount() == beforeCounts) {
      section
          .whole()
          .error("has neither threshold nor distinct", "write threshold: and a number of hits");
    }
    Duration window =
        window(section).or(() -> Optional.ofNullable(defaults.window())).orElse(DEFAULT_WINDOW);
    BanTerms ban = section.get("ban").flatMap(RuleReader::ban).orElse(BanTerms.DEFAULT);
    On on = section.get("on").flatMap(value -> value.choice(ON)).orElse(On.LOG);
    Mode mode = section.get("mode").flatMap(value -> value.choice(MODES)).orElse(defaultMode);
    if (problems.errorCount() > before) {
      return Optional.empty();
    }
    RuleId id = new RuleId(name.orElseThrow());
    Rule effective = new Rule(id, on, worse(mode), match, ignore, threshold, distinct, window, ban);
    return Optional.of(new Placed(effective, section));
  }

  private MatchReader.Read match(Section section) {
    int before = problems.errorCount();
    Optional<Value> value =
        section.require("match", "write match: and what is a hit, such as { packs: [default] }");
    MatchReader.Read match = value.flatMap(matches::match).orElse(MatchReader.Read.NOTHING);
    if (value.isPresent() && match.match().isEmpty() && problems.errorCount() == before) {
      value
          .get()
          .error(
              "has no condition, so every line would be a hit",
              "write what is a hit, such as packs: [default]");
    }
    return match;
  }

  /** The whole configuration in shadow mode leaves no rule enforced. */
  private Mode worse(Mode mode) {
    return defaultMode == Mode.SHADOW ? Mode.SHADOW : mode;
  }

  private void reportDouble(Section section, String name) {
    Value value = section.get("name").orElseThrow();
    Integer first = lines.putIfAbsent(name, value.place().at().line());
    if (first != null) {
      value.error(
          "there are two rules of the name " + name + ", the first in line " + first,
          "give one of them another name");
    }
  }

  /** A number of hits; 0 when it is not written. */
  static int count(Section section, String key) {
    Optional<Value> value = section.get(key);
    return value.isEmpty() ? 0 : value.get().integer(0, Rule.MAX_THRESHOLD).orElse(0);
  }

  static Optional<Duration> window(Section section) {
    return section.get("window").flatMap(value -> value.duration(SECOND, Rule.MAX_WINDOW));
  }

  static Optional<BanTerms> ban(Value value) {
    if (!value.isMapping()) {
      return fixed(value);
    }
    return value
        .section(Keys.BAN)
        .map(section -> {
          BanTerms terms = section.get("for").flatMap(RuleReader::fixed).orElse(BanTerms.DEFAULT);
          Optional<Value> escalate = section.get("escalate");
          Optional<Escalation> escalation = escalate.flatMap(RuleReader::escalation);
          if (terms.length() == null && escalate.isPresent()) {
            escalate.get().warn("does nothing, because the ban is permanent", "remove it");
          }
          return new BanTerms(terms.length(), escalation.orElse(null));
        });
  }

  /** A duration or {@code permanent}. */
  private static Optional<BanTerms> fixed(Value value) {
    Optional<String> text = value.text();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    return FOR_EVER.contains(text.get())
        ? Optional.of(new BanTerms(null, null))
        : value.duration(SECOND, Durations.MAX).map(length -> new BanTerms(length, null));
  }

  private static Optional<Escalation> escalation(Value value) {
    return value
        .section(Keys.ESCALATE)
        .map(section ->
            new Escalation(
                section.get("factor").flatMap(Value::positiveNumber).orElse(1.0),
                section.get("multipliers").map(RuleReader::multipliers).orElse(List.of()),
                section.get("max").flatMap(max -> max.duration(SECOND, Durations.MAX)).orElse(null),
                section
                    .get("jitter")
                    .flatMap(jitter -> jitter.duration(Duration.ZERO, Durations.MAX))
                    .orElse(Duration.ZERO),
                section
                    .get("forget")
                    .flatMap(forget -> forget.duration(SECOND, Durations.MAX))
                    .orElse(Escalation.DEFAULT_FORGET)));
  }

  private static List<Double> multipliers(Value value) {
    List<Value> items = value.items();
    if (items.size() > 100) {
      value.error("has more than 100 multipliers", "the last one holds for all that follow");
      return List.of();
    }
    return items.stream().map(Value::positiveNumber).flatMap(Optional::stream).toList();
  }
}
