package io.ipsentry.config;

import io.ipsentry.config.Pack.About;
import io.ipsentry.config.Pack.Defaults;
import io.ipsentry.config.Pack.Kind;
import io.ipsentry.config.Pack.Level;
import io.ipsentry.config.Pack.Pattern;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.StatusSet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the YAML of a pack. */
final class PackReader {
  private static final Map<String, Level> LEVELS =
      Map.of("low", Level.LOW, "medium", Level.MEDIUM, "high", Level.HIGH);

  private final Problems problems;

  PackReader(Problems problems) {
    this.problems = problems;
  }

  /** Reads a pack; empty when there was an error, which is then in the problems. */
  Optional<Pack> read(String file, byte[] yaml) {
    int before = problems.errorCount();
    Optional<Section> section =
        YamlReader.read(file, yaml, problems)
            .flatMap(node ->
                new Value(new Place(file, node.at(), ""), node, problems).section(Keys.PACK));
    return section.flatMap(this::pack).filter(_ -> problems.errorCount() == before);
  }

  private Optional<Pack> pack(Section section) {
    String name =
        section
            .require("name", "write name: and the name that rules use")
            .flatMap(Names::read)
            .orElse("");
    Optional<Value> patterns = section.get("patterns");
    Optional<Value> userAgents = section.get("userAgents");
    if (patterns.isPresent() == userAgents.isPresent()) {
      section
          .whole()
          .error(
              patterns.isPresent() ? "has patterns and userAgents" : "has nothing to look for",
              "write either patterns or userAgents; make two packs for both");
      return Optional.empty();
    }
    Kind kind = patterns.isPresent() ? Kind.PATHS : Kind.USER_AGENTS;
    boolean ignoreCase = section.get("ignoreCase").flatMap(Value::truth).orElse(false);
    StatusSet status = section.get("status").flatMap(MatchReader::status).orElse(null);
    if (kind == Kind.USER_AGENTS && status != null) {
      section.get("status").orElseThrow().error("is for patterns", "write it in the rule");
    }
    return Optional.of(
        new Pack(
            name,
            text(section, "description"),
            kind,
            level(section, "severity"),
            defaults(section),
            section.get("methods").map(MatchReader::methods).orElse(Set.of()),
            new Entries(kind, ignoreCase, status)
                .read(patterns.or(() -> userAgents).orElseThrow())));
  }

  private static Defaults defaults(Section section) {
    Duration window =
        section
            .get("window")
            .flatMap(value -> value.duration(Duration.ofSeconds(1), Rule.MAX_WINDOW))
            .orElse(null);
    return new Defaults(
        RuleReader.count(section, "threshold"), RuleReader.count(section, "distinct"), window);
  }

  private static String text(Section section, String key) {
    return section.get(key).flatMap(Value::text).orElse("");
  }

  private static @Nullable Level level(Section section, String key) {
    return section.get(key).flatMap(value -> value.choice(LEVELS)).orElse(null);
  }

  /**
   * Reads the things to look for.
   *
   * @param status of those that do not say it themselves
   */
  private record Entries(Kind kind, boolean ignoreCase, @Nullable StatusSet status) {
    List<Pattern> read(Value list) {
      List<Value> items = list.items();
      if (items.isEmpty() || items.size() > Pack.MAX_PATTERNS) {
        list.error(
            "has " + items.size() + " patterns", "write 1 to " + Pack.MAX_PATTERNS + " of them");
        return List.of();
      }
      List<Pattern> patterns = new ArrayList<>();
      Set<String> seen = new HashSet<>();
      for (Value item : items) {
        Optional<Pattern> pattern = item.isMapping() ? mapping(item) : plain(item);
        if (pattern.isPresent()) {
          if (seen.add(pattern.get().regex())) {
            patterns.add(pattern.get());
          } else {
            item.warn("is there twice; the second is left out", "remove it");
          }
        }
      }
      return patterns;
    }

    private String folded(String regex) {
      return ignoreCase ? "(?i)" + regex : regex;
    }

    private Optional<Pattern> plain(Value item) {
      return Expressions.read(item).map(regex -> new Pattern(folded(regex), status, About.NOTHING));
    }

    private Optional<Pattern> mapping(Value item) {
      Keys keys = kind == Kind.PATHS ? Keys.PACK_PATTERN : Keys.PACK_USER_AGENT;
      return item.section(keys)
          .flatMap(section -> {
            StatusSet counting = kind == Kind.PATHS ? status(section) : null;
            About about =
                new About(
                    text(section, "note"),
                    text(section, "source"),
                    text(section, "since"),
                    level(section, "falsePositives"),
                    text(section, "example"));
            return section
                .require("regex", "write regex: and the expression")
                .flatMap(Expressions::read)
                .map(regex -> new Pattern(folded(regex), counting, about));
          });
    }

    private @Nullable StatusSet status(Section section) {
      boolean served = section.get("servedBySoftware").flatMap(Value::truth).orElse(false);
      Optional<Value> own = section.get("status");
      if (served && own.isPresent()) {
        own.get().error("says what servedBySoftware says too", "write one of the two");
      }
      if (served) {
        return StatusSet.CLIENT_ERRORS;
      }
      return own.flatMap(MatchReader::status).orElse(status);
    }
  }
}
