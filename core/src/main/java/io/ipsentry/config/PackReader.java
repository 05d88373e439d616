package io.ipsentry.config;

import io.ipsentry.config.Pack.Kind;
import io.ipsentry.config.Pack.Pattern;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads the YAML of a pack. */
final class PackReader {
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
    if (section.isEmpty()) {
      return Optional.empty();
    }
    String name =
        section
            .get()
            .require("name", "write name: and the name that rules use")
            .flatMap(Names::read)
            .orElse("");
    String description = section.get().get("description").flatMap(Value::text).orElse("");
    Optional<Value> patterns = section.get().get("patterns");
    Optional<Value> userAgents = section.get().get("userAgents");
    if (patterns.isPresent() == userAgents.isPresent()) {
      section
          .get()
          .whole()
          .error(
              patterns.isPresent() ? "has patterns and userAgents" : "has nothing to look for",
              "write either patterns or userAgents; make two packs for both");
      return Optional.empty();
    }
    Kind kind = patterns.isPresent() ? Kind.PATHS : Kind.USER_AGENTS;
    List<Pattern> read = patterns(patterns.or(() -> userAgents).orElseThrow(), kind);
    return problems.errorCount() == before
        ? Optional.of(new Pack(name, description, kind, read))
        : Optional.empty();
  }

  private List<Pattern> patterns(Value list, Kind kind) {
    List<Value> items = list.items();
    if (items.isEmpty() || items.size() > Pack.MAX_PATTERNS) {
      list.error(
          "has " + items.size() + " patterns", "write 1 to " + Pack.MAX_PATTERNS + " of them");
      return List.of();
    }
    List<Pattern> patterns = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (Value item : items) {
      Optional<Pattern> pattern = item.isMapping() ? mapping(item, kind) : plain(item);
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

  private static Optional<Pattern> plain(Value item) {
    return Expressions.read(item).map(regex -> new Pattern(regex, false, ""));
  }

  private static Optional<Pattern> mapping(Value item, Kind kind) {
    Keys keys = kind == Kind.PATHS ? Keys.PACK_PATTERN : Keys.PACK_USER_AGENT;
    return item.section(keys)
        .flatMap(section -> {
          boolean served =
              kind == Kind.PATHS
                  && section.get("servedBySoftware").flatMap(Value::truth).orElse(false);
          String note = section.get("note").flatMap(Value::text).orElse("");
          return section
              .require("regex", "write regex: and the expression")
              .flatMap(Expressions::read)
              .map(regex -> new Pattern(regex, served, note));
        });
  }
}
