package io.ipsentry.cli;

import io.ipsentry.config.ForeignYaml;
import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the original ip-sentry has: the values of its chart, as a configuration, and its blocklist,
 * as bans. The chart of ours takes the same values as they are; this is for other places.
 */
final class OriginalImport {
  /** A permanent ban ends then, as the blocklist is written here. */
  private static final Instant FOR_EVER = Instant.parse("9999-12-31T23:59:59Z");

  private static final String DEFAULT_LOG_REGEX =
      "^(\\S+) \\S+ \\S+ \\[.+?\\] \"(?:[A-Z]+) (\\S+) \\S+\" \\d+";
  private static final Set<String> TAKEN =
      Set.of(
          "logRegex",
          "patterns",
          "threshold",
          "uniquePatternThreshold",
          "windowSeconds",
          "banDurationSeconds");

  /**
   * An entry of a blocklist.
   *
   * @param length from now on; null: for ever
   */
  record Ban(IpPrefix ip, @Nullable Duration length, String reason) {}

  private OriginalImport() {}

  /** The blocklist in a document: itself, or that of a ConfigMap; empty when there is none. */
  static Optional<ForeignYaml> blocklist(ForeignYaml document) {
    Optional<ForeignYaml> data = document.get("data", "blocklist.json");
    if (data.isPresent()) {
      String json = data.get().text().orElse("{}");
      return ForeignYaml.parse(document.file(), json).stream().findFirst();
    }
    boolean list =
        document.isMapping()
            && document.members().values().stream()
                .anyMatch(entry -> entry.get("expires_at").isPresent());
    return list ? Optional.of(document) : Optional.empty();
  }

  /**
   * The bans of a blocklist that have not ended.
   *
   * @param config takes the notes about entries that are left out
   */
  static List<Ban> bans(ForeignYaml blocklist, Instant now, ImportedConfig config) {
    List<Ban> bans = new ArrayList<>();
    for (Map.Entry<String, ForeignYaml> entry : blocklist.members().entrySet()) {
      ForeignYaml value = entry.getValue();
      if (entry.getKey().startsWith("_") || !value.isMapping()) {
        continue;
      }
      try {
        Instant end = Instant.parse(value.get("expires_at").flatMap(ForeignYaml::text).orElse(""));
        if (end.isAfter(now)) {
          bans.add(
              new Ban(
                  IpPrefix.parse(entry.getKey()),
                  end.equals(FOR_EVER) ? null : Duration.between(now, end),
                  value.get("reason").flatMap(ForeignYaml::text).orElse("")));
        }
      } catch (DateTimeException | InvalidAddressException e) {
        config.note(value, entry.getKey() + " is left out: " + e.getMessage());
      }
    }
    return bans;
  }

  /** The values of the original's chart as a configuration. */
  static ImportedConfig config(ForeignYaml values) {
    if (values.get("watcher").isEmpty()
        && values.get("enforcer").isEmpty()
        && values.get("ngf").isEmpty()) {
      throw CommandException.no(
          values.file()
              + " is neither a blocklist nor the values of the original's chart: it has no watcher,"
              + " no enforcer and no ngf");
    }
    ImportedConfig config = new ImportedConfig();
    config.line("# Written by ip-sentry import original.");
    config.line("store: { kubernetes: {} }");
    source(values, config);
    rule(values, config);
    config.line("enforcer:");
    config.line("  hook: filter");
    config.line("  interval: " + number(values, 30, "enforcer", "intervalSeconds") + "s");
    for (Map.Entry<String, ForeignYaml> member : values.members().entrySet()) {
      unknown(member.getKey(), member.getValue(), config);
    }
    return config;
  }

  private static void unknown(String section, ForeignYaml value, ImportedConfig config) {
    Set<String> taken =
        switch (section) {
          case "watcher" -> TAKEN;
          case "enforcer" -> Set.of("intervalSeconds");
          case "ngf" -> Set.of("namespace", "labelSelector", "container");
          default -> Set.of();
        };
    if (taken.isEmpty()) {
      config.note(value, section + " is for the chart, which takes it as it is");
    }
    value
        .members()
        .forEach((key, member) -> {
          if (!taken.isEmpty() && !taken.contains(key)) {
            config.note(member, section + "." + key + " is for the chart, which takes it as it is");
          }
        });
  }

  private static void source(ForeignYaml values, ImportedConfig config) {
    config.line("sources:");
    config.line("  - name: ngf");
    config.line("    pods:");
    config.line("      namespace: " + text(values, "nginx-gateway-fabric", "ngf", "namespace"));
    config.line(
        "      selector: "
            + text(
                values,
                "gateway.networking.k8s.io/gateway-name=nginx-public",
                "ngf",
                "labelSelector"));
    config.line("      container: " + text(values, "nginx", "ngf", "container"));
    Optional<ForeignYaml> regex = values.get("watcher", "logRegex");
    Optional<String> own =
        regex.flatMap(ForeignYaml::text).filter(text -> !text.equals(DEFAULT_LOG_REGEX));
    if (own.isPresent() && config.isUsable(regex.orElseThrow(), own.get())) {
      config.line("    logRegex: " + ImportedConfig.quoted(own.get()));
    } else {
      config.line("    format: combined");
    }
  }

  private static void rule(ForeignYaml values, ImportedConfig config) {
    config.line("rules:");
    config.line("  - name: probing");
    Optional<ForeignYaml> patterns = values.get("watcher", "patterns");
    if (patterns.isEmpty()) {
      config.line("    match: { packs: [default], anyStatus: true }");
    } else {
      config.line("    match:");
      config.line("      paths:");
      for (ForeignYaml pattern : patterns.get().items()) {
        pattern
            .text()
            .filter(regex -> config.isUsable(pattern, regex))
            .ifPresent(regex -> config.line("        - " + ImportedConfig.quoted(regex)));
      }
    }
    config.line("    threshold: " + number(values, 3, "watcher", "threshold"));
    int distinct = number(values, 2, "watcher", "uniquePatternThreshold");
    if (distinct > 0) {
      config.line("    distinct: " + distinct);
    }
    config.line("    window: " + number(values, 120, "watcher", "windowSeconds") + "s");
    config.line("    ban: " + number(values, 86_400, "watcher", "banDurationSeconds") + "s");
  }

  private static String text(ForeignYaml values, String absent, String... path) {
    return ImportedConfig.quoted(values.get(path).flatMap(ForeignYaml::text).orElse(absent));
  }

  private static int number(ForeignYaml values, int absent, String... path) {
    Optional<ForeignYaml> value = values.get(path);
    Optional<String> text = value.flatMap(ForeignYaml::text);
    if (text.isEmpty()) {
      return absent;
    }
    try {
      return Integer.parseInt(text.get());
    } catch (NumberFormatException e) {
      throw CommandException.no(
          value.get().place() + ": " + String.join(".", path) + " is no number: " + text.get());
    }
  }
}
