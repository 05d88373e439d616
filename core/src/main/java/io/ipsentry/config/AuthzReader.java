package io.ipsentry.config;

import io.ipsentry.net.PrefixSet;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Reads what gateways are served and how. */
final class AuthzReader {
  /** Most entries of {@code callers}. */
  static final int MAX_CALLERS = 1_000;

  /** Most policies beside the default one. */
  static final int MAX_POLICIES = 1_000;

  private static final String OFF = "off";
  private static final Map<String, String> MODES_OF_ALL =
      Map.of("enforce", "enforce", "shadow", "shadow");
  private static final Map<String, String> MODES_OF_ONE =
      Map.of("enforce", "enforce", "shadow", "shadow", OFF, OFF);

  static final int DEFAULT_PORT = 9001;
  static final int DEFAULT_HTTP_PORT = 9002;

  private static final String CALLER_FORM =
      "write networks: [10.0.0.0/8], names: [gateway.example] or tokenFile: /path";

  private final AddressLists addresses;
  private final TlsReader tls;
  private final SecretReader secrets;
  private final RuleReader.Written rules;
  private final List<Rule> inline;
  private final boolean accessLogs;
  private final PolicyConfig byDefault;
  private final MatchReader matches;

  /**
   * A reader.
   *
   * @param rules the names of the rules of the document
   * @param inline those that judge requests and could be read
   * @param accessLogs whether a source takes what gateways send to the access-log service
   * @param proxies the document's
   * @param mode the document's
   * @param matches reads packs
   */
  AuthzReader(
      AddressLists addresses,
      TlsReader tls,
      SecretReader secrets,
      RuleReader.Written rules,
      List<Rule> inline,
      boolean accessLogs,
      TrustedProxies proxies,
      Rule.Mode mode,
      MatchReader matches) {
    this.matches = matches;
    this.addresses = addresses;
    this.tls = tls;
    this.secrets = secrets;
    this.rules = rules;
    this.inline = inline;
    this.accessLogs = accessLogs;
    byDefault =
        new PolicyConfig(
            "",
            ClientConfig.AUTO,
            "",
            proxies,
            null,
            mode,
            false,
            Optional.empty(),
            DenialConfig.DEFAULT);
  }

  /** Reads the {@code authz} section. */
  Optional<AuthzConfig> authz(Value value) {
    return value.section(Keys.AUTHZ).map(this::authz);
  }

  private AuthzConfig authz(Section section) {
    Optional<ListenAddress> listen =
        section.get("listen").flatMap(value -> ListenReader.read(value, DEFAULT_PORT));
    Optional<ListenAddress> http =
        section.get("http").flatMap(value -> ListenReader.read(value, DEFAULT_HTTP_PORT));
    DenialReader denials = new DenialReader(section.has("http"));
    PolicyConfig policy = policy(section, byDefault, "", false, denials);
    AuthzConfig authz =
        new AuthzConfig(
            listen,
            http,
            section.get("tls").flatMap(tls::tls),
            section.get("failOpen").flatMap(Value::truth).orElse(true),
            number(
                section,
                "maxConcurrentChecks",
                1,
                1_000_000,
                AuthzConfig.DEFAULT_MAX_CONCURRENT_CHECKS),
            number(
                section,
                "denialsLoggedPerSecond",
                0,
                100_000,
                AuthzConfig.DEFAULT_DENIALS_LOGGED_PER_SECOND),
            section.get("callers").map(this::callers).orElse(List.of()),
            policy,
            section
                .get("policies")
                .map(value -> policies(value, policy, denials))
                .orElse(Map.of()));
    new AuthzChecks(section, authz).check(inline, accessLogs);
    return authz;
  }

  private static int number(Section section, String key, int min, int max, int otherwise) {
    Optional<Value> value = section.get(key);
    return value.isEmpty() ? otherwise : value.get().integer(min, max).orElse(otherwise);
  }

  private Map<String, PolicyConfig> policies(
      Value value, PolicyConfig inherited, DenialReader denials) {
    Map<String, PolicyConfig> policies = new LinkedHashMap<>();
    List<Value.Named> members =
        value.members("policies by name, such as { shop: { mode: shadow } }");
    if (members.size() > MAX_POLICIES) {
      value.error("has more than " + MAX_POLICIES + " policies", "join those that are alike");
      return policies;
    }
    for (Value.Named member : members) {
      if (!Names.isValid(member.name())) {
        member.value().error(Problems.quoted(member.name()) + " is not a name", Names.FORM);
        continue;
      }
      if (policies.containsKey(member.name())) {
        member.value().error("is there twice", "remove one, or join the two");
        continue;
      }
      // A policy without a value has everything from the default one.
      Optional<PolicyConfig> policy =
          member.value().isNothing()
              ? Optional.of(named(inherited, member.name()))
              : member
                  .value()
                  .section(Keys.POLICY)
                  .map(section ->
                      policy(
                          section, inherited, member.name(), scoped(section, inherited), denials));
      policy.ifPresent(known -> policies.put(member.name(), known));
    }
    return policies;
  }

  private static PolicyConfig named(PolicyConfig policy, String name) {
    return new PolicyConfig(
        name,
        policy.client(),
        policy.clientHeader(),
        policy.trustedProxies(),
        policy.seenAs(),
        policy.mode(),
        policy.scoped(),
        policy.rules(),
        policy.denial());
  }

  /**
   * Reads a policy that does not stand in the document.
   *
   * @param inherited the default one
   * @param http whether gateways ask over HTTP
   */
  Optional<PolicyConfig> policy(Value value, PolicyConfig inherited, String name, boolean http) {
    return value
        .section(Keys.POLICY)
        .map(section ->
            policy(section, inherited, name, scoped(section, inherited), new DenialReader(http)));
  }

  private static boolean scoped(Section section, PolicyConfig inherited) {
    return section.get("scoped").flatMap(Value::truth).orElse(inherited.scoped());
  }

  private PolicyConfig policy(
      Section section, PolicyConfig inherited, String name, boolean scoped, DenialReader denials) {
    ClientReader.OfRequests client =
        section
            .get("client")
            .flatMap(ClientReader::ofRequests)
            .orElse(new ClientReader.OfRequests(inherited.client(), inherited.clientHeader()));
    // The default policy must judge: a whole server that does not is stopped.
    Optional<String> word =
        section
            .get("mode")
            .flatMap(value -> value.choice(name.isEmpty() ? MODES_OF_ALL : MODES_OF_ONE));
    Rule.Mode mode = word.map(RuleReader.MODES::get).orElse(inherited.mode());
    return new PolicyConfig(
        name,
        client.client(),
        client.header(),
        section.get("trustedProxies").map(addresses::proxies).orElse(inherited.trustedProxies()),
        section
            .get("seenAs")
            .flatMap(value -> value.choice(ClientReader.SEEN_AS))
            .orElse(inherited.seenAs()),
        // A server in shadow mode refuses nobody, whatever its policies say.
        inherited.mode() == Rule.Mode.SHADOW ? Rule.Mode.SHADOW : mode,
        scoped,
        section.get("rules").map(this::rules).or(inherited::rules),
        section
            .get("denial")
            .flatMap(value -> denials.denial(value, inherited.denial()))
            .orElse(inherited.denial()),
        name.isEmpty() ? PolicyOverrides.NONE : overrides(section, word.equals(Optional.of(OFF))));
  }

  private PolicyOverrides overrides(Section section, boolean off) {
    Optional<Section> exempt = section.get("exempt").flatMap(value -> value.section(Keys.EXEMPT));
    return new PolicyOverrides(
        off,
        section.get("packs").map(matches::packsOfRequests).filter(match -> !match.isEmpty()),
        section
            .get("thresholds")
            .flatMap(value -> value.section(Keys.THRESHOLDS))
            .map(AuthzReader::thresholds)
            .orElse(PolicyOverrides.Thresholds.UNCHANGED),
        exempt.flatMap(of -> of.get("paths")).map(Expressions::list).orElse(List.of()),
        exempt.flatMap(of -> of.get("addresses")).map(addresses::spared).orElse(PrefixSet.empty()));
  }

  private static PolicyOverrides.Thresholds thresholds(Section section) {
    boolean counts = section.has("threshold") || section.has("distinct");
    int threshold = RuleReader.count(section, "threshold");
    int distinct = RuleReader.count(section, "distinct");
    if (counts && threshold == 0 && distinct == 0) {
      section
          .whole()
          .error("counts nothing", "write threshold: and a number of hits, or mode: shadow");
    }
    return new PolicyOverrides.Thresholds(
        counts ? threshold : null,
        counts ? distinct : null,
        RuleReader.window(section).orElse(null),
        section.get("ban").flatMap(RuleReader::ban).orElse(null));
  }

  private List<RuleId> rules(Value list) {
    List<RuleId> named = new ArrayList<>();
    for (Value item : list.items()) {
      Optional<String> name = item.text();
      if (name.isEmpty()) {
        continue;
      }
      if (!rules.names().contains(name.get())) {
        item.error(
            "there is no rule " + Problems.quoted(name.get()),
            Value.suggestion(name.get(), rules.names()));
      } else if (rules.onLog(name.get())) {
        item.error(
            "the rule " + name.get() + " judges lines of logs", "write on: request in that rule");
      } else {
        named.add(new RuleId(name.get()));
      }
    }
    return named;
  }

  private List<CallerConfig> callers(Value value) {
    List<Value> items = value.items();
    if (items.size() > MAX_CALLERS) {
      value.error("has more than " + MAX_CALLERS + " callers", "join their networks");
      return List.of();
    }
    long mappings = items.stream().filter(Value::isMapping).count();
    if (mappings == 0 && !items.isEmpty()) {
      PrefixSet networks = networks(value, false);
      return networks.isEmpty()
          ? List.of()
          : List.of(new CallerConfig(networks, List.of(), Optional.empty()));
    }
    if (mappings < items.size()) {
      value.error("mixes addresses and mappings", "write the addresses as { networks: [...] } too");
      return List.of();
    }
    List<CallerConfig> callers = new ArrayList<>();
    for (Value item : items) {
      item.section(Keys.CALLER).flatMap(this::caller).ifPresent(callers::add);
    }
    return callers;
  }

  private Optional<CallerConfig> caller(Section section) {
    boolean proven = section.has("names") || section.has("token") || section.has("tokenFile");
    if (!proven && !section.has("networks")) {
      if (!section.isMisspelt("networks") && !section.isMisspelt("names")) {
        section.whole().error("names nobody", CALLER_FORM);
      }
      return Optional.empty();
    }
    PrefixSet networks =
        section.get("networks").map(value -> networks(value, proven)).orElse(PrefixSet.empty());
    List<String> names = section.get("names").map(AuthzReader::names).orElse(List.of());
    Optional<String> token = secrets.token(section, "token", "tokenFile");
    // Something that was asked for and could not be read must not be left out.
    boolean whole =
        networks.isEmpty() != section.has("networks")
            && names.isEmpty() != section.has("names")
            && token.isPresent() == (section.has("token") || section.has("tokenFile"));
    return whole ? Optional.of(new CallerConfig(networks, names, token)) : Optional.empty();
  }

  private PrefixSet networks(Value value, boolean proven) {
    int before = value.problems().errorCount();
    PrefixSet networks = addresses.networks(value);
    for (String family : AddressLists.families(networks)) {
      if (!proven) {
        value.warn(
            "is every " + family + " address, so anybody can make hits and have others banned",
            "list your gateways, or ask for a token or a certificate too");
      }
    }
    if (networks.isEmpty() && value.problems().errorCount() == before) {
      value.error("names no network", "write an address or a prefix");
    }
    return networks;
  }

  private static List<String> names(Value value) {
    int before = value.problems().errorCount();
    List<String> names = new ArrayList<>();
    for (Value item : value.items()) {
      Optional<String> name = item.text();
      if (name.isEmpty()) {
        continue;
      }
      if (name.get().contains("://")) {
        names.add(name.get());
      } else if (name.get().matches("[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*")
          && name.get().length() <= 253) {
        names.add(name.get().toLowerCase(Locale.ROOT));
      } else {
        item.error(
            Problems.quoted(name.get()) + " is not a name of a certificate",
            "write a DNS name or a URI as it stands there, such as spiffe://cluster/ns/x/sa/y;"
                + " there are no wildcards");
      }
    }
    if (names.isEmpty() && value.problems().errorCount() == before) {
      value.error("names nobody", "write a DNS name or a URI");
    }
    return names;
  }
}
