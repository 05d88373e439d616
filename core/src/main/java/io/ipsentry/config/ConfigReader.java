package io.ipsentry.config;

import io.ipsentry.net.PrefixSet;
import io.ipsentry.pattern.InvalidPatternException;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleSet;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** Reads the document of a configuration. */
final class ConfigReader {
  private final Problems problems;
  private final AddressLists addresses;
  private final InputFiles files;
  private final Path directory;

  ConfigReader(Problems problems, InputFiles files, Path directory) {
    this.problems = problems;
    this.files = files;
    this.directory = directory;
    addresses = new AddressLists(files, problems, directory);
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

  private Config read(Section root, Supplier<List<Rule>> shippedRules) {
    ServiceReader services = new ServiceReader(directory);
    TrustedProxies proxies =
        root.get("trustedProxies").map(addresses::proxies).orElse(TrustedProxies.DEFAULT);
    SourceReader reader = new SourceReader(addresses, problems, directory, proxies);
    List<SourceConfig> sources = root.get("sources").map(reader::sources).orElse(List.of());
    Optional<Value> metrics = root.get("metrics");
    Config withoutBans =
        new Config(
            sources,
            rules(root, sources, reader.names(), shippedRules),
            root.get("neverBan").map(addresses::spared).orElse(PrefixSet.empty()),
            root.get("allow").map(addresses::spared).orElse(PrefixSet.empty()),
            PrefixSet.empty(),
            root.get("protectPrivate").flatMap(Value::truth).orElse(true),
            proxies,
            root.get("limits").flatMap(services::limits).orElse(LimitsConfig.DEFAULT),
            root.get("store").flatMap(services::store).orElse(StoreConfig.DEFAULT),
            root.get("admin").flatMap(services::admin).orElse(AdminConfig.DEFAULT),
            metrics.isPresent()
                ? services.metrics(metrics.get())
                : Optional.of(ListenAddress.DEFAULT_METRICS),
            root.get("ipv6").flatMap(services::ipv6).orElse(Ipv6Config.DEFAULT),
            root.get("authz").flatMap(services::authz));
    PrefixSet alwaysBan =
        root.get("alwaysBan")
            .map(list -> addresses.banned(list, withoutBans.protectedPrefixes()))
            .orElse(PrefixSet.empty());
    if (sources.isEmpty() && problems.errorCount() == 0) {
      root.get("sources")
          .orElse(root.whole())
          .warn("names no sources, so no line is read", "write sources: and files");
    }
    return withBans(withoutBans, alwaysBan);
  }

  private List<Rule> rules(
      Section root,
      List<SourceConfig> sources,
      Set<String> sourceNames,
      Supplier<List<Rule>> shippedRules) {
    Rule.Mode mode =
        root.get("mode").flatMap(value -> value.choice(RuleReader.MODES)).orElse(Rule.Mode.ENFORCE);
    Optional<Value> list = root.get("rules");
    if (list.isEmpty()) {
      List<Rule> shipped = shippedRules.get();
      return mode == Rule.Mode.SHADOW
          ? shipped.stream().map(ConfigReader::shadowed).toList()
          : shipped;
    }
    MatchReader matches = new MatchReader(files, problems, directory, sourceNames);
    List<RuleReader.Placed> rules = new RuleReader(matches, problems, mode).rules(list.get());
    new RuleChecks(sources).check(rules);
    List<Rule> read = rules.stream().map(RuleReader.Placed::rule).toList();
    if (problems.errorCount() == 0) {
      compile(list.get(), read);
    }
    return read;
  }

  /** Each expression was accepted alone; together they may still be too many. */
  private static void compile(Value list, List<Rule> rules) {
    try {
      RuleSet.compile(rules);
    } catch (InvalidPatternException e) {
      list.error("the expressions of all rules cannot be used together: " + e.reason(), e.remedy());
    }
  }

  private static Rule shadowed(Rule rule) {
    return new Rule(
        rule.id(),
        rule.on(),
        Rule.Mode.SHADOW,
        rule.match(),
        rule.ignore(),
        rule.threshold(),
        rule.distinct(),
        rule.window(),
        rule.ban());
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
        config.authz());
  }
}
