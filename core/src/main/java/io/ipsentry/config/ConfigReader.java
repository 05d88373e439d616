package io.ipsentry.config;

import io.ipsentry.net.PrefixSet;
import io.ipsentry.pattern.InvalidPatternException;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleSet;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads the document of a configuration. */
final class ConfigReader {
  private static final Set<String> KEYS_OF_SOURCES = Set.of("sources", "trustedProxies");

  private final Problems problems;
  private final AddressLists addresses;
  private final InputFiles files;
  private final Path directory;
  private final TlsReader tls;
  private final SecretReader secrets;

  /**
   * A reader.
   *
   * @param directory what relative paths start from
   * @param clock tells which certificates have expired; null: that is not looked at
   */
  ConfigReader(Problems problems, InputFiles files, Path directory, @Nullable InstantSource clock) {
    this.problems = problems;
    this.files = files;
    this.directory = directory;
    addresses = new AddressLists(files, problems, directory);
    tls = new TlsReader(files, directory, clock);
    secrets = new SecretReader(files, directory);
  }

  /** The rules that could be read, and the names of all. */
  private record Rules(List<Rule> read, RuleReader.Written written) {
    /** The same with the rules of jails. */
    Rules and(List<SourceReader.Jailed> jails, Rule.Mode mode) {
      if (jails.isEmpty()) {
        return this;
      }
      List<Rule> all = new ArrayList<>(read);
      Set<String> names = new HashSet<>(written.names());
      for (SourceReader.Jailed jailed : jails) {
        if (names.add(jailed.name())) {
          all.add(Fail2banReader.rule(jailed.jail(), jailed.name(), mode));
        } else {
          jailed
              .place()
              .error(
                  "the jail " + jailed.jail().name() + " and a rule have the name " + jailed.name(),
                  "give the source a name, which is put in front of the jail's");
        }
      }
      return new Rules(List.copyOf(all), RuleReader.Written.of(names, all));
    }

    static Rules of(List<Rule> shipped) {
      Set<String> names = new HashSet<>();
      shipped.forEach(rule -> names.add(rule.id().name()));
      return new Rules(shipped, RuleReader.Written.of(names, shipped));
    }
  }

  /**
   * Reads a document.
   *
   * @param shippedRules used when it names none
   * @return the configuration; to be used only if there is no error in the problems
   */
  Optional<Config> read(String file, byte[] yaml, Supplier<List<Rule>> shippedRules) {
    return YamlReader.read(file, yaml, problems)
        .flatMap(
            node -> new Value(new Place(file, node.at(), ""), node, problems).section(Keys.ROOT))
        .map(root -> read(root, shippedRules));
  }

  /** As {@link #read}, as if of the document only the keys that concern sources were there. */
  Optional<Config> readSources(String file, byte[] yaml, Supplier<List<Rule>> shippedRules) {
    return YamlReader.read(file, yaml, problems)
        .map(ConfigReader::ofSources)
        .flatMap(
            node -> new Value(new Place(file, node.at(), ""), node, problems).section(Keys.ROOT))
        .map(root -> read(root, shippedRules));
  }

  private static YamlNode ofSources(YamlNode document) {
    return switch (document) {
      case YamlNode.Mapping mapping ->
          new YamlNode.Mapping(
              mapping.entries().stream().flatMap(ConfigReader::ofSources).toList(), mapping.at());
      case YamlNode.Scalar _, YamlNode.Sequence _ -> document;
    };
  }

  /** Of the store only that it is in a cluster, where it is: its files are those of elsewhere. */
  private static Stream<YamlNode.Entry> ofSources(YamlNode.Entry entry) {
    if (KEYS_OF_SOURCES.contains(entry.key().text())) {
      return Stream.of(entry);
    }
    if (!entry.key().text().equals("store")
        || !(entry.value() instanceof YamlNode.Mapping(var keys, var at))) {
      return Stream.empty();
    }
    return keys.stream()
        .filter(inside -> inside.key().text().equals("kubernetes"))
        .map(inside -> new YamlNode.Entry(inside.key(), new YamlNode.Mapping(List.of(), at)))
        .map(inside -> new YamlNode.Entry(entry.key(), new YamlNode.Mapping(List.of(inside), at)));
  }

  private Config read(Section root, Supplier<List<Rule>> shippedRules) {
    TrustedProxies proxies =
        root.get("trustedProxies").map(addresses::proxies).orElse(TrustedProxies.DEFAULT);
    Fail2banReader fail2ban = new Fail2banReader(files, addresses, directory);
    SourceReader reader = new SourceReader(addresses, fail2ban, problems, directory, proxies);
    List<SourceConfig> sources = root.get("sources").map(reader::sources).orElse(List.of());
    Rule.Mode mode =
        root.get("mode").flatMap(value -> value.choice(RuleReader.MODES)).orElse(Rule.Mode.ENFORCE);
    Rules rules =
        rules(root, mode, sources, reader.names(), shippedRules).and(reader.jails(), mode);
    Optional<AuthzConfig> authz = authz(root, mode, rules, proxies, reader.accessLogs());
    Optional<Value> metrics = root.get("metrics");
    AdminReader admin = new AdminReader(directory, tls, secrets);
    Config withoutBans =
        new Config(
            sources,
            rules.read(),
            root.get("neverBan").map(addresses::spared).orElse(PrefixSet.empty()),
            root.get("allow").map(addresses::spared).orElse(PrefixSet.empty()),
            PrefixSet.empty(),
            root.get("protectPrivate").flatMap(Value::truth).orElse(true),
            proxies,
            root.get("limits").flatMap(ServiceReader::limits).orElse(LimitsConfig.DEFAULT),
            root.get("store")
                .flatMap(new StoreReader(directory)::store)
                .orElse(StoreConfig.DEFAULT),
            root.get("admin").flatMap(admin::admin).orElse(AdminConfig.DEFAULT),
            metrics.isPresent()
                ? ServiceReader.metrics(metrics.get())
                : Optional.of(ListenAddress.DEFAULT_METRICS),
            root.get("ipv6").flatMap(ServiceReader::ipv6).orElse(Ipv6Config.DEFAULT),
            authz,
            root.get("enforcer").flatMap(EnforcerReader::enforcer),
            root.get("sinks").map(new SinkReader(files, directory)::sinks).orElse(List.of()),
            root.get("feeds").map(new FeedsReader(files, directory)::feeds).orElse(List.of()));
    checkListens(root, withoutBans);
    checkCluster(root, withoutBans, reader.pods());
    PrefixSet alwaysBan =
        root.get("alwaysBan")
            .map(list -> addresses.banned(list, withoutBans.protectedPrefixes()))
            .orElse(PrefixSet.empty());
    if (problems.errorCount() == 0) {
      SourceChecks.check(reader.places(), sources, withoutBans.rules());
    }
    boolean hasWork =
        !sources.isEmpty()
            || authz.isPresent()
            || withoutBans.enforcer().isPresent()
            || !withoutBans.feeds().isEmpty();
    if (!hasWork && problems.errorCount() == 0) {
      root.get("sources")
          .orElse(root.whole())
          .warn("names no sources, so no line is read", "write sources: and files");
    }
    return withBans(withoutBans, alwaysBan);
  }

  private Optional<AuthzConfig> authz(
      Section root,
      Rule.Mode mode,
      Rules rules,
      TrustedProxies proxies,
      Optional<Value> accessLogs) {
    List<Rule> inline = rules.read().stream().filter(rule -> rule.on() == Rule.On.REQUEST).toList();
    AuthzReader reader =
        new AuthzReader(
            addresses,
            tls,
            secrets,
            rules.written(),
            inline,
            accessLogs.isPresent(),
            proxies,
            mode,
            new MatchReader(files, problems, directory, Set.of()));
    Optional<Value> section = root.get("authz");
    if (accessLogs.isPresent() && section.flatMap(value -> value.child("listen")).isEmpty()) {
      accessLogs
          .get()
          .error(
              "waits for gateways, but nothing listens for them",
              "add authz: { listen: \":9001\" }");
    }
    return section.flatMap(reader::authz);
  }

  private Rules rules(
      Section root,
      Rule.Mode mode,
      List<SourceConfig> sources,
      Set<String> sourceNames,
      Supplier<List<Rule>> shippedRules) {
    Optional<Value> list = root.get("rules");
    if (list.isEmpty()) {
      List<Rule> shipped = shippedRules.get();
      return Rules.of(
          mode == Rule.Mode.SHADOW ? shipped.stream().map(Rule::shadowed).toList() : shipped);
    }
    MatchReader matches = new MatchReader(files, problems, directory, sourceNames);
    RuleReader reader = new RuleReader(matches, problems, mode);
    List<RuleReader.Placed> rules = reader.rules(list.get());
    new RuleChecks(sources, root.has("authz")).check(rules);
    List<Rule> read = rules.stream().map(RuleReader.Placed::rule).toList();
    if (problems.errorCount() == 0) {
      compile(list.get(), read);
    }
    return new Rules(read, RuleReader.Written.of(reader.names(), read));
  }

  /** Each expression was accepted alone; together they may still be too many. */
  private static void compile(Value list, List<Rule> rules) {
    try {
      RuleSet.compile(rules);
    } catch (InvalidPatternException e) {
      list.error("the expressions of all rules cannot be used together: " + e.reason(), e.remedy());
    }
  }

  /** Where callers need their rights, and by what way the API server is asked, is told there. */
  private static void checkCluster(Section root, Config config, List<Value> pods) {
    if (config.store().kubernetes().isEmpty()) {
      pods.forEach(value ->
          value.error(
              "are read by the watcher of a cluster, and the log is not in one",
              "add store: { kubernetes: {} } and start ip-sentry watcher, or read files with"
                  + " file"));
    }
    if (config.admin().kubernetesAuth().isPresent() && config.store().kubernetes().isEmpty()) {
      writtenAt(root, "admin.kubernetesAuth")
          .ifPresent(value ->
              value.error(
                  "asks the API server of a cluster, but the log is not in one",
                  "add store: { kubernetes: {} }, or remove it"));
    }
  }

  /** Two servers on one port: the second would fail when the program starts. */
  private static void checkListens(Section root, Config config) {
    Map<String, ListenAddress> listens = new LinkedHashMap<>();
    config.metrics().ifPresent(listen -> listens.put("metrics.listen", listen));
    config.admin().listen().ifPresent(listen -> listens.put("admin.listen", listen));
    config.authz().flatMap(AuthzConfig::listen).ifPresent(it -> listens.put("authz.listen", it));
    config.authz().flatMap(AuthzConfig::http).ifPresent(it -> listens.put("authz.http", it));
    Map<String, ListenAddress> before = new LinkedHashMap<>();
    listens.forEach((path, listen) -> {
      before.entrySet().stream()
          .filter(other -> other.getValue().collidesWith(listen))
          .findFirst()
          .ifPresent(other ->
              // The first, the metrics, is the only one that listens without being written.
              writtenAt(root, path)
                  .ifPresent(value ->
                      value.error(
                          "is " + listen + ", but " + other.getKey() + " has that port",
                          "choose another port")));
      before.put(path, listen);
    });
  }

  private static Optional<Value> writtenAt(Section root, String path) {
    String[] keys = path.split("\\.", 2);
    return root.get(keys[0]).flatMap(value -> value.child(keys[1]));
  }

  private static Config withBans(Config config, PrefixSet alwaysBan) {
    return new Config(
        config.sources(),
        config.rules(),
        config.neverBan(),
        config.allow(),
        alwaysBan,
        config.protectPrivate(),
        config.trustedProxies(),
        config.limits(),
        config.store(),
        config.admin(),
        config.metrics(),
        config.ipv6(),
        config.authz(),
        config.enforcer(),
        config.sinks(),
        config.feeds());
  }
}
