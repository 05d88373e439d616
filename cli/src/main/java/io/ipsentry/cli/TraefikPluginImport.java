package io.ipsentry.cli;

import io.ipsentry.config.Durations;
import io.ipsentry.config.ForeignYaml;
import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.ReservedPrefixes;
import io.ipsentry.rule.RuleId;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Middlewares of the fail2ban plugin of Traefik as policies and rules.
 *
 * <p>A middleware becomes a policy of its name that is scoped, because the plugin knows of a client
 * what came through this middleware alone. Without {@code statuscode} every request counts, before
 * it is answered; with it those that the access log shows with such a status. What a regexp of the
 * mode block matches is refused, and bans at once, as in the plugin.
 *
 * <p>Forms: Kubernetes objects of the kind Middleware, Traefik's dynamic configuration, the
 * plugin's own {@code testData}, and its configuration alone.
 */
final class TraefikPluginImport {
  private static final Duration DEFAULT_BAN = Duration.ofMinutes(5);
  private static final Duration DEFAULT_WINDOW = Duration.ofMinutes(2);
  private static final Pattern GO_PART = Pattern.compile("([0-9]+(?:\\.[0-9]+)?)(h|ms|m|s|us|ns)");
  private static final Set<String> RULE_KEYS =
      Set.of(
          "bantime",
          "findtime",
          "maxretry",
          "enabled",
          "statuscode",
          "urlregexps",
          "urlregexpban",
          "urlregexpallow");

  /** What a middleware has, in our terms. */
  private record Middleware(
      String name,
      Duration ban,
      Duration window,
      int maxRetry,
      String status,
      List<String> block,
      List<String> allow,
      List<String> spared) {
    boolean byStatus() {
      return !status.isEmpty();
    }
  }

  private final ImportedConfig config = new ImportedConfig();
  private final Path directory;
  private final Set<String> alwaysBan = new LinkedHashSet<>();

  private TraefikPluginImport(Path directory) {
    this.directory = directory;
  }

  /**
   * Converts what is in these documents.
   *
   * @param directory that lists in files are relative to
   */
  static ImportedConfig of(List<ForeignYaml> documents, Path directory) {
    Map<String, ForeignYaml> found = new LinkedHashMap<>();
    documents.forEach(document -> find(document, found));
    if (found.isEmpty()) {
      throw CommandException.no(
          "no middleware of the fail2ban plugin is in it: neither spec.plugin of a Middleware, nor"
              + " http.middlewares, nor testData, nor rules");
    }
    return new TraefikPluginImport(directory).convert(found);
  }

  private static void find(ForeignYaml document, Map<String, ForeignYaml> found) {
    document.get("items").ifPresent(list -> list.items().forEach(item -> find(item, found)));
    String name = document.get("metadata", "name").flatMap(ForeignYaml::text).orElse("fail2ban");
    document.get("spec", "plugin").ifPresent(plugin -> plugins(plugin, name, found));
    document
        .get("http", "middlewares")
        .ifPresent(middlewares ->
            middlewares
                .members()
                .forEach((key, middleware) ->
                    middleware.get("plugin").ifPresent(plugin -> plugins(plugin, key, found))));
    document
        .get("testData")
        .filter(TraefikPluginImport::isPlugin)
        .ifPresent(plugin -> found.put("fail2ban", plugin));
    if (isPlugin(document)) {
      found.put("fail2ban", document);
    }
  }

  private static void plugins(ForeignYaml plugin, String name, Map<String, ForeignYaml> found) {
    plugin.members().values().stream()
        .filter(TraefikPluginImport::isPlugin)
        .forEach(value -> found.put(name, value));
  }

  private static boolean isPlugin(ForeignYaml value) {
    return value.get("rules").filter(ForeignYaml::isMapping).isPresent()
        || value.get("allowlist").isPresent()
        || value.get("denylist").isPresent();
  }

  private ImportedConfig convert(Map<String, ForeignYaml> found) {
    List<Middleware> middlewares = new ArrayList<>();
    found.forEach((name, plugin) -> middleware(name, plugin).ifPresent(middlewares::add));
    config.line("# Written by ip-sentry import traefik-plugin.");
    if (middlewares.isEmpty()) {
      return config;
    }
    boolean byStatus = middlewares.stream().anyMatch(Middleware::byStatus);
    if (byStatus) {
      config.line("sources:");
      config.line("  # Where Traefik writes its access log (accessLog.filePath, format json).");
      config.line("  - { name: traefik, file: /var/log/traefik/access.log, format: traefik-json }");
    }
    config.line("rules:");
    middlewares.forEach(this::rules);
    Set<String> spared = new LinkedHashSet<>();
    middlewares.stream().filter(Middleware::byStatus).forEach(m -> spared.addAll(m.spared()));
    list("allow", spared);
    list("alwaysBan", alwaysBan);
    config.line("authz:");
    config.line("  http: \"127.0.0.1:9002\"");
    config.line("  # The addresses that Traefik asks from.");
    config.line("  callers: [127.0.0.1]");
    config.line("  rules: []");
    config.line("  policies:");
    middlewares.forEach(this::policy);
    return config;
  }

  private void list(String key, Set<String> entries) {
    if (!entries.isEmpty()) {
      config.line(key + ": " + flow(List.copyOf(entries)));
    }
  }

  private static String flow(List<String> texts) {
    return texts.stream().map(ImportedConfig::quoted).collect(Collectors.joining(", ", "[", "]"));
  }

  private Optional<Middleware> middleware(String name, ForeignYaml plugin) {
    plugin.get("logLevel").ifPresent(level -> config.note(level, "logLevel has no equivalent"));
    Optional<ForeignYaml> rules = plugin.get("rules");
    Optional<ForeignYaml> enabled = rules.flatMap(of -> of.get("enabled"));
    if (enabled.flatMap(ForeignYaml::text).filter(text -> text.equals("false")).isPresent()) {
      config.note(enabled.get(), "the middleware " + name + " is not enabled and is left out");
      return Optional.empty();
    }
    rules.ifPresent(of ->
        of.members()
            .forEach((key, value) -> {
              if (RULE_KEYS.stream().noneMatch(key::equalsIgnoreCase)) {
                config.note(value, key + " has no equivalent");
              }
            }));
    List<String> block = new ArrayList<>();
    List<String> allow = new ArrayList<>();
    rules.ifPresent(of -> expressions(of, block, allow));
    denylist(plugin);
    String status = rules.flatMap(of -> text(of, "statuscode")).orElse("");
    if (!status.isEmpty()) {
      config.note(
          rules.get().get("statuscode").orElseThrow(),
          "statuses are counted from the access log, so these bans hold for all of Traefik, and not"
              + " for the middleware "
              + name
              + " alone");
    }
    return Optional.of(
        new Middleware(
            ruleName(name),
            duration(rules, "bantime", DEFAULT_BAN),
            duration(rules, "findtime", DEFAULT_WINDOW),
            maxRetry(rules, plugin),
            status.replace(" ", ""),
            block,
            allow,
            addresses(plugin, "allowlist")));
  }

  private static Optional<String> text(ForeignYaml mapping, String key) {
    return mapping.get(key).flatMap(ForeignYaml::text);
  }

  private int maxRetry(Optional<ForeignYaml> rules, ForeignYaml plugin) {
    Optional<ForeignYaml> written = rules.flatMap(of -> of.get("maxretry"));
    Optional<String> text = written.flatMap(ForeignYaml::text);
    if (text.isEmpty()) {
      config.note(plugin, "has no maxretry; the plugin bans at the second request then");
      return 0;
    }
    try {
      return Integer.parseInt(text.get());
    } catch (NumberFormatException e) {
      throw CommandException.no(written.get().place() + ": maxretry is no number: " + text.get());
    }
  }

  private void expressions(ForeignYaml rules, List<String> block, List<String> allow) {
    rules
        .get("urlregexps")
        .ifPresent(list -> {
          for (ForeignYaml item : list.items()) {
            String mode = text(item, "mode").orElse("");
            switch (mode) {
              case "block" -> item.get("regexp").ifPresent(regex -> add(regex, block));
              case "allow" -> item.get("regexp").ifPresent(regex -> add(regex, allow));
              default ->
                  config.note(
                      item, "left out, as in the plugin: the mode '" + mode + "' is unknown");
            }
          }
        });
    rules.get("urlregexpban").ifPresent(list -> list.items().forEach(regex -> add(regex, block)));
    rules.get("urlregexpallow").ifPresent(list -> list.items().forEach(regex -> add(regex, allow)));
  }

  private void add(ForeignYaml value, List<String> to) {
    value.text().filter(regex -> config.isUsable(value, regex)).ifPresent(to::add);
  }

  private Duration duration(Optional<ForeignYaml> rules, String key, Duration absent) {
    Optional<ForeignYaml> written = rules.flatMap(of -> of.get(key));
    Optional<String> text = written.flatMap(ForeignYaml::text);
    if (text.isEmpty()) {
      return absent;
    }
    Matcher parts = GO_PART.matcher(text.get());
    double millis = 0;
    int end = 0;
    while (end < text.get().length() && parts.find(end) && parts.start() == end) {
      double number = Double.parseDouble(parts.group(1));
      millis +=
          switch (parts.group(2)) {
            case "h" -> number * 3_600_000;
            case "m" -> number * 60_000;
            case "s" -> number * 1_000;
            case "ms" -> number;
            default -> 0;
          };
      end = parts.end();
    }
    if (end < text.get().length()) {
      throw CommandException.no(
          written.get().place() + ": " + key + " is no duration of Go: " + text.get());
    }
    return Duration.ofSeconds(Math.max(1, (long) Math.ceil(millis / 1_000)));
  }

  /** The addresses of a list, and its files that are there as {@code file:PATH}. */
  private List<String> addresses(ForeignYaml plugin, String key) {
    List<String> entries = new ArrayList<>();
    plugin
        .get(key, "ip")
        .ifPresent(list -> list.items().forEach(item -> item.text().ifPresent(entries::add)));
    plugin
        .get(key, "files")
        .ifPresent(list -> {
          for (ForeignYaml item : list.items()) {
            Path file = directory.resolve(item.text().orElse("")).toAbsolutePath().normalize();
            if (Files.isReadable(file)) {
              entries.add("file:" + file);
            } else {
              config.note(
                  item, file + " is not here; add its place to " + key + " as file:PATH yourself");
            }
          }
        });
    return entries;
  }

  private void denylist(ForeignYaml plugin) {
    List<String> denied = addresses(plugin, "denylist");
    PrefixSet never = ReservedPrefixes.protectedPrefixes(true);
    for (String entry : denied) {
      if (entry.startsWith("file:")) {
        alwaysBan.add(entry);
        continue;
      }
      try {
        if (never.overlaps(IpPrefix.parse(entry))) {
          config.note(plugin, entry + " of the denylist is never banned here, and is left out");
        } else {
          alwaysBan.add(entry);
        }
      } catch (InvalidAddressException e) {
        config.note(plugin, entry + " of the denylist is no address: " + e.getMessage());
      }
    }
    if (!denied.isEmpty()) {
      config.note(plugin, "the denylist holds everywhere, and not for one middleware alone");
    }
  }

  private static String ruleName(String name) {
    String allowed = name.replaceAll("[^A-Za-z0-9._-]", "-");
    int longest = RuleId.MAX_LENGTH - "-status".length();
    return allowed.substring(0, Math.min(allowed.length(), longest));
  }

  private void rules(Middleware middleware) {
    if (middleware.byStatus()) {
      config.line("  - name: " + middleware.name() + "-status");
      config.line("    match:");
      config.line("      status: " + ImportedConfig.quoted(middleware.status()));
      paths(middleware.allow(), "allow");
      // The first answer that counts is the first hit.
      terms(middleware, Math.max(1, middleware.maxRetry()));
    } else {
      config.line("  - name: " + middleware.name());
      config.line("    on: request");
      config.line("    match: { paths: ['^'] }");
      // Its first request never bans a client in the plugin.
      terms(middleware, Math.max(2, middleware.maxRetry()));
    }
    if (!middleware.block().isEmpty()) {
      config.line("  - name: " + middleware.name() + "-block");
      config.line("    on: request");
      config.line("    match:");
      paths(middleware.block(), "block");
      terms(middleware, 1);
    }
  }

  private void paths(List<String> expressions, String mode) {
    if (!expressions.isEmpty()) {
      config.line("      paths:");
      for (String regex : expressions) {
        config.line(
            "        - { regex: " + ImportedConfig.quoted(regex) + ", mode: " + mode + " }");
      }
    }
  }

  private void terms(Middleware middleware, int threshold) {
    config.line("    threshold: " + threshold);
    config.line("    window: " + Durations.format(middleware.window()));
    config.line("    ban: " + Durations.format(middleware.ban()));
  }

  private void policy(Middleware middleware) {
    List<String> rules = new ArrayList<>();
    if (!middleware.byStatus()) {
      rules.add(middleware.name());
    }
    if (!middleware.block().isEmpty()) {
      rules.add(middleware.name() + "-block");
    }
    config.line(
        "    # address: http://127.0.0.1:9002/policies/" + middleware.name() + "/forward-auth");
    config.line("    " + middleware.name() + ":");
    config.line("      scoped: " + !rules.isEmpty());
    config.line("      rules: " + flow(rules));
    if (!middleware.allow().isEmpty() || !middleware.spared().isEmpty()) {
      config.line("      exempt:");
      if (!middleware.allow().isEmpty()) {
        config.line("        paths: " + flow(middleware.allow()));
      }
      if (!middleware.spared().isEmpty()) {
        config.line("        addresses: " + flow(middleware.spared()));
      }
    }
  }
}
