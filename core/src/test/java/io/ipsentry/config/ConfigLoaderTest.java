package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.config.ConfigResult.Invalid;
import io.ipsentry.config.ConfigResult.Valid;
import io.ipsentry.config.SourceConfig.Input;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Escalation;
import io.ipsentry.rule.PathPattern;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import io.ipsentry.rule.StatusSet;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ConfigLoaderTest {
  @TempDir private Path directory;

  private ConfigResult parse(String yaml) {
    return new ConfigLoader().parse("test.yaml", yaml.getBytes(StandardCharsets.UTF_8), directory);
  }

  private Valid valid(String yaml) {
    ConfigResult result = parse(yaml);
    assertThat(result).as("%s", result).isInstanceOf(Valid.class);
    return (Valid) result;
  }

  private Rule rule(String yaml) {
    return valid("sources: [{ stdin: true }]\nrules:\n  - name: r\n" + yaml)
        .config()
        .rules()
        .get(0);
  }

  @Test
  void defaults_areTheShippedRules() {
    Config config = Config.defaults();

    assertThat(config.sources()).isEmpty();
    assertThat(config.rules()).hasSize(2);
    Rule probing = config.rules().get(0);
    assertThat(probing.id().name()).isEqualTo("probing");
    assertThat(probing.match().paths()).hasSize(15);
    assertThat(probing.match().paths().get(3)).isEqualTo(PathPattern.counting("^/\\.env"));
    assertThat(probing.match().paths().get(0))
        .isEqualTo(new PathPattern("^/wp-admin", PathPattern.Mode.COUNT, StatusSet.CLIENT_ERRORS));
    assertThat(probing.threshold()).isEqualTo(3);
    assertThat(probing.distinct()).isEqualTo(2);
    assertThat(probing.window()).isEqualTo(Duration.ofMinutes(2));
    assertThat(probing.ban()).isEqualTo(new BanTerms(Duration.ofHours(24), null));
    Rule logins = config.rules().get(1);
    assertThat(logins.match().authFailures()).isTrue();
    assertThat(logins.threshold()).isEqualTo(5);
    assertThat(logins.distinct()).isZero();
    assertThat(logins.window()).isEqualTo(Duration.ofMinutes(10));
    assertThat(logins.ban().length()).isEqualTo(Duration.ofHours(1));
    assertThat(config.store())
        .isEqualTo(
            new StoreConfig(
                Path.of("/var/lib/ip-sentry/ip-sentry.db"),
                Duration.ofDays(400),
                Optional.empty()));
    assertThat(config.metrics()).contains(new ListenAddress("127.0.0.1", 9003));
    assertThat(config.limits()).isEqualTo(new LimitsConfig(1_000, 64L * 1024 * 1024));
    assertThat(config.ipv6()).isEqualTo(new Ipv6Config(64, 64, true));
  }

  @Test
  void parse_emptyFile_isTheShippedConfigurationWithADoubt() {
    Valid valid = valid("# nothing yet\n");

    assertThat(valid.config()).isEqualTo(Config.defaults());
    assertThat(valid.warnings())
        .singleElement()
        .hasToString(
            "test.yaml:1:1: names no sources, so no line is read; write sources: and files");
  }

  @Test
  void parse_exampleOfTheDesign_isValid() {
    Valid valid =
        valid(
            """
            sources:
              - file: /var/log/nginx/access.log          # globs, rotation, /var/log/containers symlinks
                format: combined
            rules:
              - name: probing
                match: { packs: [default] }              # packs, paths, status "400,401,403-499", methods, hosts, userAgents
                ignore: { paths: ['\\.(png|jpg|ico|js|css|ttf|woff2?)$'] }
                threshold: 3
                distinct: 2
                window: 2m
                ban: { for: 24h, escalate: { multipliers: [1, 5, 30, 60], max: 30d, jitter: 10m } }
            neverBan: [192.0.2.0/24]
            authz: { listen: ":9001", http: ":9002" }
            admin: { socket: /run/ip-sentry/admin.sock }
            """);

    assertThat(valid.warnings()).isEmpty();
    Config config = valid.config();
    SourceConfig source = config.sources().get(0);
    assertThat(source.name()).isEqualTo("access.log");
    assertThat(source.input()).isEqualTo(new Input.Files(List.of("/var/log/nginx/access.log")));
    assertThat(source.format()).isEqualTo(new FormatConfig("combined", null, null));
    assertThat(source.client()).isEqualTo(ClientConfig.AUTO);
    assertThat(source.startAt()).isEqualTo(SourceConfig.StartAt.END);
    Rule rule = config.rules().get(0);
    assertThat(rule.ignore().paths()).containsExactly("\\.(png|jpg|ico|js|css|ttf|woff2?)$");
    assertThat(rule.on()).isEqualTo(Rule.On.LOG);
    assertThat(rule.mode()).isEqualTo(Rule.Mode.ENFORCE);
    assertThat(rule.ban())
        .isEqualTo(
            new BanTerms(
                Duration.ofHours(24),
                new Escalation(
                    1,
                    List.of(1.0, 5.0, 30.0, 60.0),
                    Duration.ofDays(30),
                    Duration.ofMinutes(10),
                    Duration.ofDays(30))));
    assertThat(config.neverBan()).isEqualTo(PrefixSet.parse("192.0.2.0/24"));
    assertThat(config.admin().socket()).isEqualTo(Path.of("/run/ip-sentry/admin.sock"));
    AuthzConfig authz = config.authz().orElseThrow();
    assertThat(authz.listen()).contains(new ListenAddress("", 9001));
    assertThat(authz.http()).contains(new ListenAddress("", 9002));
  }

  @Test
  void parse_everySourceKey_isTaken() {
    Config config =
        valid(
                """
                trustedProxies: [private, 203.0.113.0/24]
                sources:
                  - name: edge
                    file: [/var/log/containers/*nginx*.log, relative/*.log]
                    format: traefik-json
                    timeZone: Europe/Berlin
                    client: { from: x-forwarded-for, trustedHops: 2 }
                    trustedProxies: cloudflare
                    seenAs: forwarded
                    startAt: beginning
                  - journald: { units: sshd.service, directory: /var/log/journal }
                    reader: agent
                    client: peer
                    format: sshd
                  - stdin: true
                    regex: '^ip=(?<addr>\\S+) code=(?<status>\\d+)'
                  - stdin: true
                    logRegex: '^(\\S+) \\S+ \\S+ \\[.+?\\] "(?:[A-Z]+) (\\S+) \\S+" \\d+'
                """)
            .config();

    SourceConfig edge = config.sources().get(0);
    assertThat(edge.name()).isEqualTo("edge");
    assertThat(edge.input())
        .isEqualTo(
            new Input.Files(
                List.of("/var/log/containers/*nginx*.log", directory + "/relative/*.log")));
    assertThat(edge.timeZone()).isEqualTo(ZoneId.of("Europe/Berlin"));
    assertThat(edge.client()).isEqualTo(new ClientConfig(ClientConfig.From.X_FORWARDED_FOR, 2));
    assertThat(edge.trustedProxies().prefixes().overlaps(IpPrefix.parse("173.245.48.1"))).isTrue();
    assertThat(edge.trustedProxies().prefixes().overlaps(IpPrefix.parse("203.0.113.1"))).isFalse();
    assertThat(edge.seenAs()).isEqualTo(SeenAs.FORWARDED);
    assertThat(edge.startAt()).isEqualTo(SourceConfig.StartAt.BEGINNING);
    SourceConfig journal = config.sources().get(1);
    assertThat(journal.name()).isEqualTo("sshd.service");
    assertThat(journal.input())
        .isEqualTo(
            new Input.Journald(
                List.of("sshd.service"), List.of(), Optional.of("/var/log/journal")));
    assertThat(journal.client().from()).isEqualTo(ClientConfig.From.PEER);
    assertThat(journal.trustedProxies()).isEqualTo(config.trustedProxies());
    SourceConfig regex = config.sources().get(2);
    assertThat(regex.format().name()).isEqualTo("regex");
    assertThat(regex.format().regex()).startsWith("^ip=");
    assertThat(regex.name()).isEqualTo("stdin");
    SourceConfig original = config.sources().get(3);
    assertThat(original.format().name()).isEqualTo("regex");
    assertThat(original.format().logRegex()).startsWith("^(");
    assertThat(original.name()).isEqualTo("stdin-2");
  }

  @Test
  void parse_pods_areThoseOfThePresetButForWhatIsWritten() {
    Config config =
        valid(
                """
                store: { kubernetes: {} }
                sources:
                  - pods: ngf
                  - { pods: { preset: traefik, namespace: kube-system } }
                  - { name: eg, pods: { preset: envoy-gateway, container: envoy-2 } }
                  - { name: ic, pods: ingress-nginx, format: auto }
                  - name: own
                    pods:
                      namespace: edge
                      selector: "app=web, tier in (a, b-2), !canary, example.com/x!=y, z"
                """)
            .config();

    List<Input> inputs = config.sources().stream().map(SourceConfig::input).toList();
    assertThat(inputs)
        .containsExactly(
            new Input.Pods(
                "nginx-gateway-fabric",
                "gateway.networking.k8s.io/gateway-name=nginx-public",
                Optional.of("nginx")),
            new Input.Pods("kube-system", "app.kubernetes.io/name=traefik", Optional.of("traefik")),
            new Input.Pods(
                "envoy-gateway-system",
                "app.kubernetes.io/name=envoy,app.kubernetes.io/component=proxy,"
                    + "app.kubernetes.io/managed-by=envoy-gateway",
                Optional.of("envoy-2")),
            new Input.Pods(
                "ingress-nginx",
                "app.kubernetes.io/name=ingress-nginx,app.kubernetes.io/component=controller",
                Optional.of("controller")),
            new Input.Pods(
                "edge",
                "app=web, tier in (a, b-2), !canary, example.com/x!=y, z",
                Optional.empty()));
    assertThat(config.sources().stream().map(source -> source.format().name()))
        .containsExactly("auto", "auto", "envoy-gateway-json", "auto", "auto");
    assertThat(config.sources().stream().map(SourceConfig::name))
        .containsExactly("nginx", "traefik", "eg", "ic", "own");
  }

  @Test
  void parseSources_configurationOfElsewhere_needsNoneOfItsFiles() {
    String yaml =
        """
        sources: [{ name: edge, pods: traefik }]
        trustedProxies: 192.0.2.0/24
        neverBan: { file: /nowhere/list }
        admin: { listen: ":9004", tls: { certificate: /nowhere/c.pem, key: /nowhere/k.pem } }
        store: { kubernetes: {}, leader: { tokenFile: /nowhere/token } }
        """;
    ConfigLoader loader = new ConfigLoader();

    Config config = loader.parseSources("c.yaml", yaml.getBytes(StandardCharsets.UTF_8)).orThrow();

    assertThat(config.sources()).singleElement().returns("edge", SourceConfig::name);
    assertThat(config.trustedProxies().prefixes()).isEqualTo(PrefixSet.parse("192.0.2.0/24"));
    assertThat(config.admin().listen()).isEmpty();
    assertThat(
            loader.parseSources(
                "c.yaml", "sources: [{ name: a, pod: b }]".getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(ConfigResult.Invalid.class);
    assertThat(loader.parseSources("c.yaml", "x".getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(ConfigResult.Invalid.class);
  }

  @Test
  void parse_accessLogServices_areTakenByLogName() {
    Config config =
        valid(
                """
                authz: { listen: "127.0.0.1:9001", callers: 127.0.0.1 }
                sources:
                  - als: [edge, inner]
                    client: peer
                  - { name: rest, als: true }
                """)
            .config();

    assertThat(config.sources().get(0).name()).isEqualTo("edge");
    assertThat(config.sources().get(0).input())
        .isEqualTo(new Input.AccessLogService(List.of("edge", "inner")));
    assertThat(config.sources().get(0).format()).isEqualTo(FormatConfig.ACCESS_LOG_SERVICE);
    assertThat(config.sources().get(0).client().from()).isEqualTo(ClientConfig.From.PEER);
    assertThat(config.sources().get(1).input()).isEqualTo(new Input.AccessLogService(List.of()));
  }

  @Test
  void parse_everyAuthzKey_isTaken() throws IOException {
    Files.writeString(directory.resolve("token"), "  0123456789abcdef-of-a-file\n");
    Config config =
        valid(
                """
                trustedProxies: [private, 198.51.100.1]
                rules:
                  - { name: probes, on: request, match: { paths: ^/x }, threshold: 3 }
                  - { name: hooks, on: request, match: { paths: ^/y }, threshold: 3 }
                authz:
                  listen: ":9001"
                  http: "[::1]:9002"
                  failOpen: false
                  maxConcurrentChecks: 7
                  denialsLoggedPerSecond: 0
                  callers:
                    - networks: [10.0.0.0/8, private]
                      tokenFile: token
                    - token: "0123456789abcdef"
                  client: { from: header, header: CF-Connecting-IP }
                  seenAs: forwarded
                  rules: probes
                  denial:
                    status: 401
                    contentType: text/html
                    body: "{ban_id}"
                    headers: { Retry-After: "3600", X-Rule: "{rule}", A: b }
                  policies:
                    shop:
                      client: { from: x-forwarded-for, trustedHops: 2 }
                      trustedProxies: 203.0.113.1
                      seenAs: peer
                      mode: shadow
                      scoped: true
                      rules: [hooks, probes]
                      denial: { body: "" }
                    plain: {}
                    quiet: { rules: [] }
                """)
            .config();

    AuthzConfig authz = config.authz().orElseThrow();
    assertThat(authz.listen()).contains(new ListenAddress("", 9001));
    assertThat(authz.http()).contains(new ListenAddress("::1", 9002));
    assertThat(authz.tls()).isEmpty();
    assertThat(authz.failOpen()).isFalse();
    assertThat(authz.maxConcurrentChecks()).isEqualTo(7);
    assertThat(authz.denialsLoggedPerSecond()).isZero();
    assertThat(authz.callers()).hasSize(2);
    assertThat(authz.callers().get(0).networks().overlaps(IpPrefix.parse("192.168.1.1"))).isTrue();
    assertThat(authz.callers().get(0).token()).contains("0123456789abcdef-of-a-file");
    assertThat(authz.callers().get(1).token()).contains("0123456789abcdef");
    assertThat(config.toString()).doesNotContain("0123456789abcdef");
    assertDefaultPolicy(config, authz.policy());
    assertPolicies(authz);
    assertThat(config.protectedPrefixes().covers(IpPrefix.parse("203.0.113.1"))).isTrue();
  }

  private static void assertDefaultPolicy(Config config, PolicyConfig policy) {
    assertThat(policy.name()).isEmpty();
    assertThat(policy.client().from()).isEqualTo(ClientConfig.From.HEADER);
    assertThat(policy.clientHeader()).isEqualTo("cf-connecting-ip");
    assertThat(policy.trustedProxies()).isEqualTo(config.trustedProxies());
    assertThat(policy.seenAs()).isEqualTo(SeenAs.FORWARDED);
    assertThat(policy.rules()).contains(List.of(new RuleId("probes")));
    assertThat(policy.denial().status()).isEqualTo(401);
    assertThat(policy.denial().headers().keySet()).containsExactly("retry-after", "x-rule", "a");
  }

  private static PolicyConfig named(AuthzConfig authz, String name) {
    return Objects.requireNonNull(authz.policies().get(name));
  }

  private static void assertPolicies(AuthzConfig authz) {
    PolicyConfig policy = authz.policy();
    assertThat(authz.policies().keySet()).containsExactly("shop", "plain", "quiet");
    PolicyConfig shop = named(authz, "shop");
    assertThat(shop.name()).isEqualTo("shop");
    assertThat(shop.client()).isEqualTo(new ClientConfig(ClientConfig.From.X_FORWARDED_FOR, 2));
    assertThat(shop.clientHeader()).isEmpty();
    assertThat(shop.seenAs()).isEqualTo(SeenAs.PEER);
    assertThat(shop.mode()).isEqualTo(Rule.Mode.SHADOW);
    assertThat(shop.scoped()).isTrue();
    assertThat(shop.rules()).contains(List.of(new RuleId("hooks"), new RuleId("probes")));
    assertThat(shop.denial())
        .isEqualTo(new DenialConfig(401, "text/html", "", policy.denial().headers()));
    assertThat(named(authz, "plain"))
        .isEqualTo(
            new PolicyConfig(
                "plain",
                policy.client(),
                policy.clientHeader(),
                policy.trustedProxies(),
                policy.seenAs(),
                policy.mode(),
                false,
                policy.rules(),
                policy.denial()));
    assertThat(named(authz, "quiet").rules()).contains(List.of());
  }

  @Test
  void parse_shortestAuthz_hasTheDefaults() {
    AuthzConfig authz =
        valid("authz: { http: \"127.0.0.1:9002\", callers: [127.0.0.1, \"::1\"] }\n")
            .config()
            .authz()
            .orElseThrow();

    assertThat(authz.listen()).isEmpty();
    assertThat(authz.failOpen()).isTrue();
    assertThat(authz.maxConcurrentChecks()).isEqualTo(1_024);
    assertThat(authz.callers())
        .containsExactly(
            new CallerConfig(PrefixSet.parse("127.0.0.1", "::1"), List.of(), Optional.empty()));
    assertThat(authz.policy().client()).isEqualTo(ClientConfig.AUTO);
    assertThat(authz.policy().mode()).isEqualTo(Rule.Mode.ENFORCE);
    assertThat(authz.policy().rules()).isEmpty();
    assertThat(authz.policy().denial()).isEqualTo(DenialConfig.DEFAULT);
  }

  @Test
  void parse_shadowOfTheServerOrTheDocument_holdsForEveryPolicy() {
    String authz = "authz: { http: \":9002\", %s policies: { a: { mode: enforce } } }\n";

    AuthzConfig server = valid(authz.formatted("mode: shadow,")).config().authz().orElseThrow();
    AuthzConfig document =
        valid("mode: shadow\n" + authz.formatted("")).config().authz().orElseThrow();

    assertThat(server.policy().mode()).isEqualTo(Rule.Mode.SHADOW);
    assertThat(named(server, "a").mode()).isEqualTo(Rule.Mode.SHADOW);
    assertThat(document.policy().mode()).isEqualTo(Rule.Mode.SHADOW);
    assertThat(named(document, "a").mode()).isEqualTo(Rule.Mode.SHADOW);
  }

  @Test
  void parse_adminOverTcp_isTaken() {
    AdminConfig admin =
        valid(
                """
                sources: [{ stdin: true }]
                admin:
                  listen: "127.0.0.1:9004"
                  insecure: true
                  tokens:
                    - { name: ci, token: "0123456789abcdef" }
                """)
            .config()
            .admin();

    assertThat(admin.socket()).isEqualTo(AdminConfig.DEFAULT.socket());
    assertThat(admin.listen()).contains(new ListenAddress("127.0.0.1", 9004));
    assertThat(admin.tokens())
        .containsExactly(new AdminConfig.AdminToken("ci", "0123456789abcdef"));
    assertThat(admin.tokens()).hasToString("[AdminToken[name=ci, token=…]]");
    assertThat(admin.insecure()).isTrue();
  }

  @Test
  void parse_everyEnforcerKey_isTaken() {
    Config config =
        valid(
                """
                enforcer:
                  name: web-1
                  backend: iptables-rules
                  hook: docker-user
                  ports: [443, 8000-8080, 80, 81, 8050-8100]
                  verdict: reject
                  forwardedForPorts: 80
                  interval: 5s
                  onExit: flush
                  hostBinaries: true
                  agent: true
                """)
            .config();

    assertThat(config.enforcer())
        .contains(
            new EnforcerConfig(
                "web-1",
                Optional.of(EnforcerConfig.Backend.IPTABLES_RULES),
                EnforcerConfig.Hook.DOCKER_USER,
                new EnforcerConfig.Ports(
                    EnforcerConfig.Ports.Kind.LIST,
                    List.of(
                        new EnforcerConfig.PortRange(80, 81),
                        new EnforcerConfig.PortRange(443, 443),
                        new EnforcerConfig.PortRange(8000, 8100))),
                EnforcerConfig.Verdict.REJECT,
                List.of(new EnforcerConfig.PortRange(80, 80)),
                Duration.ofSeconds(5),
                EnforcerConfig.OnExit.FLUSH,
                true,
                true));
    assertThat(parse("enforcer: { ports: all }").warnings()).isEmpty();
  }

  @Test
  void parse_shortestEnforcer_hasTheDefaults() {
    assertThat(valid("enforcer: {}").config().enforcer()).contains(EnforcerConfig.DEFAULT);
    assertThat(valid("enforcer: { backend: auto, ports: inbound }").config().enforcer())
        .contains(EnforcerConfig.DEFAULT);
    assertThat(valid("sources: [{ stdin: true }]").config().enforcer()).isEmpty();
    assertThat(valid("enforcer: { ports: 22 }").config().enforcer().orElseThrow().ports().list())
        .containsExactly(new EnforcerConfig.PortRange(22, 22));
  }

  @Test
  void parse_everyMatchKey_isTaken() {
    Rule rule =
        rule(
            """
                mode: shadow
                match:
                  packs: default
                  paths:
                    - ^/a
                    - { regex: ^/b, mode: block }
                    - { regex: ^/c, mode: allow }
                    - { regex: ^/d, onlyClientErrors: true }
                  status: [404, 500-599]
                  originStatus: 401
                  methods: [get, POST]
                  hosts: ^example\\.com$
                  userAgents: [curl]
                  messages: [failed]
                  authFailures: true
                  sources: stdin
                  ignoreCase: true
                  anyStatus: true
                ignore:
                  paths: [\\.png$]
                  status: 404
                  methods: HEAD
                  hosts: [x]
                  userAgents: [y]
                  messages: [z]
                threshold: 2
                ban: permanent
            """);

    assertThat(rule.match().paths()).hasSize(19);
    assertThat(rule.match().paths().subList(0, 15)).allMatch(path -> path.status() == null);
    assertThat(rule.match().paths().subList(15, 19))
        .containsExactly(
            PathPattern.counting("^/a"),
            new PathPattern("^/b", PathPattern.Mode.BLOCK, null),
            new PathPattern("^/c", PathPattern.Mode.ALLOW, null),
            new PathPattern("^/d", PathPattern.Mode.COUNT, StatusSet.CLIENT_ERRORS));
    assertThat(rule.match().status()).isEqualTo(StatusSet.parse("404,500-599"));
    assertThat(rule.match().originStatus()).isEqualTo(StatusSet.parse("401"));
    assertThat(rule.match().methods()).containsExactlyInAnyOrder("GET", "POST");
    assertThat(rule.match().sources()).containsExactly("stdin");
    assertThat(rule.match().ignoreCase()).isTrue();
    assertThat(rule.ignore().status()).isEqualTo(StatusSet.parse("404"));
    assertThat(rule.ignore().methods()).containsExactly("HEAD");
    assertThat(rule.mode()).isEqualTo(Rule.Mode.SHADOW);
    assertThat(rule.window()).isEqualTo(Duration.ofMinutes(2));
    assertThat(rule.ban().length()).isNull();
  }

  @Test
  void parse_userAgentPack_becomesUserAgents() {
    Rule rule = rule("    match: { packs: scanners }\n    threshold: 1\n");

    assertThat(rule.match().paths()).isEmpty();
    assertThat(rule.match().userAgents()).contains("(?i)nikto");
  }

  @Test
  void parse_modeOfTheWhole_makesEveryRuleAShadow() {
    assertThat(valid("mode: shadow").config().rules())
        .allMatch(rule -> rule.mode() == Rule.Mode.SHADOW);
    assertThat(
            valid(
                    "mode: shadow\n"
                        + "rules: [{ name: a, mode: enforce, match: { paths: x }, threshold: 1 }]")
                .config()
                .rules())
        .allMatch(rule -> rule.mode() == Rule.Mode.SHADOW);
  }

  @Test
  void parse_banLengths_areRead() {
    String[][] cases = {
      {"90s", "PT90S"},
      {"2m", "PT2M"},
      {"24h", "PT24H"},
      {"7d", "PT168H"},
      {"1w", "PT168H"},
      {"1h30m", "PT1H30M"},
      {"3600", "PT1H"},
    };
    for (String[] each : cases) {
      assertThat(rule(terms(each[0])).ban().length()).isEqualTo(Duration.parse(each[1]));
    }
    assertThat(rule(terms("permanent")).ban().length()).isNull();
    assertThat(rule(terms("-1")).ban().length()).isNull();
  }

  private static String terms(String length) {
    return "    match: { paths: x }\n    threshold: 1\n    ban: { for: " + length + " }\n";
  }

  @Test
  void parse_listsOfTheTraefikPlugin_areTaken() throws IOException {
    Files.writeString(
        directory.resolve("ips.txt"),
        """
        \ufeff# office
        198.51.100.7\r

        2001:db8::/32 # lab
        not-an-address
        198.51.100.0/33 ; x
        """);

    Valid valid =
        valid(
            """
            sources: [{ stdin: true }]
            allow:
              ip: 203.0.113.1
              files: ips.txt
            alwaysBan:
              ip: ["198.51.100.200", "2001:dead::1"]
            neverBan: file:ips.txt
            """);

    PrefixSet expected = PrefixSet.parse("203.0.113.1", "198.51.100.7", "2001:db8::/32");
    assertThat(valid.config().allow()).isEqualTo(expected);
    assertThat(valid.config().neverBan())
        .isEqualTo(PrefixSet.parse("198.51.100.7", "2001:db8::/32"));
    assertThat(valid.config().alwaysBan())
        .isEqualTo(PrefixSet.parse("198.51.100.200", "2001:dead::1"));
    assertThat(valid.files()).containsExactly(directory.resolve("ips.txt"));
    assertThat(valid.warnings().get(0))
        .hasToString(
            directory
                + "/ips.txt:5: 'not-an-address' is not an address: it has characters that no"
                + " address has; the line is left out; write an address such as 192.0.2.1; names"
                + " are never looked up");
    assertThat(valid.warnings().get(0).line()).isEqualTo(5);
    assertThat(valid.warnings()).hasSize(4);
  }

  @Test
  void parse_listFileOfBans_leavesProtectedLinesOut() throws IOException {
    Files.writeString(directory.resolve("bad.txt"), "198.51.100.7\n10.0.0.0/8\n192.0.2.0/24\n");

    Valid valid =
        valid(
            """
            sources: [{ stdin: true }]
            neverBan: 192.0.2.5
            alwaysBan: file:bad.txt
            """);

    assertThat(valid.config().alwaysBan()).isEqualTo(PrefixSet.parse("198.51.100.7"));
    assertThat(valid.warnings())
        .extracting(ConfigProblem::what)
        .containsExactly(
            "10.0.0.0/8 meets 10.0.0.0/8, which must never be banned; the line is left out",
            "192.0.2.0/24 meets 192.0.2.5, which must never be banned; the line is left out");
  }

  @Test
  void protectedPrefixes_privateSwitchedOff_doNotHoldPrivateAddresses() {
    Config on = valid("neverBan: 192.0.2.0/24").config();
    Config off = valid("protectPrivate: false\ntrustedProxies: [private, 203.0.113.9]").config();

    assertThat(on.protectedPrefixes().covers(IpPrefix.parse("10.1.2.3"))).isTrue();
    assertThat(on.protectedPrefixes().covers(IpPrefix.parse("192.0.2.77"))).isTrue();
    assertThat(off.protectedPrefixes().covers(IpPrefix.parse("10.1.2.3"))).isFalse();
    assertThat(off.protectedPrefixes().covers(IpPrefix.parse("127.0.0.1"))).isTrue();
    assertThat(off.protectedPrefixes().covers(IpPrefix.parse("203.0.113.9"))).isTrue();
    assertThat(off.trustedProxies().prefixes().covers(IpPrefix.parse("10.1.2.3"))).isTrue();
  }

  @Test
  void parse_services_areTaken() {
    Config config =
        valid(
                """
                limits: { maxNewBansPerMinute: 50, trackedAddressesBytes: 128 MiB }
                store: { path: bans.db, keepHistory: 90d }
                metrics: { listen: "[::1]:9100" }
                ipv6: { countPrefix: 128, widen: false }
                """)
            .config();

    assertThat(config.limits()).isEqualTo(new LimitsConfig(50, 128L << 20));
    assertThat(config.store())
        .isEqualTo(
            new StoreConfig(directory.resolve("bans.db"), Duration.ofDays(90), Optional.empty()));
    assertThat(valid("store: { keepHistory: forever }").config().store())
        .isEqualTo(new StoreConfig(StoreConfig.DEFAULT.path(), null, Optional.empty()));
    assertThat(config.metrics()).contains(new ListenAddress("::1", 9100));
    assertThat(config.ipv6()).isEqualTo(new Ipv6Config(128, 64, false));
    assertThat(valid("metrics: { listen: off }").config().metrics()).isEmpty();
  }

  @Test
  void parse_storeInACluster_isTaken() {
    StoreConfig store =
        valid(
                """
                store:
                  kubernetes: { release: edge, namespace: security, kubeconfig: kube.yaml }
                  checkpoints: positions.db
                  leader:
                    advertise: 192.0.2.7:9004
                    ca: ca.pem
                    serverName: edge-watcher.security.svc
                    tokenFile: token
                    lease: 30s
                """)
            .config()
            .store();

    assertThat(store.keepHistory()).isEqualTo(Duration.ofDays(30));
    assertThat(store.kubernetes())
        .contains(
            new ClusterStoreConfig(
                "edge",
                Optional.of("security"),
                Optional.of(directory.resolve("kube.yaml")),
                Optional.of(directory.resolve("positions.db")),
                new ClusterStoreConfig.LeaderConfig(
                    Optional.of(new ListenAddress("192.0.2.7", 9004)),
                    Optional.of(directory.resolve("ca.pem")),
                    Optional.of("edge-watcher.security.svc"),
                    Optional.of(directory.resolve("token")),
                    false,
                    Duration.ofSeconds(30))));
    assertThat(valid("store: { kubernetes: {} }").config().store().kubernetes())
        .contains(ClusterStoreConfig.DEFAULT);
    assertThat(
            valid("store: { kubernetes: {}, keepHistory: forever }").config().store().keepHistory())
        .isNull();
  }

  @Test
  void parse_kubernetesAuth_isATruthValueOrAMapping() {
    String admin = "store: { kubernetes: {} }\nadmin: { listen: \":9004\", insecure: true, ";

    assertThat(valid(admin + "kubernetesAuth: true }").config().admin().kubernetesAuth())
        .contains(AdminConfig.KubernetesAuth.DEFAULT);
    assertThat(valid(admin + "kubernetesAuth: false }").config().admin().kubernetesAuth())
        .isEmpty();
    assertThat(
            valid(admin + "kubernetesAuth: { audiences: [a, b] } }")
                .config()
                .admin()
                .kubernetesAuth())
        .contains(new AdminConfig.KubernetesAuth(List.of("a", "b")));
  }

  @Test
  void load_ownPack_isReadFromTheFoldersPath() throws IOException {
    Files.writeString(
        directory.resolve("mine.yaml"),
        "name: mine\npatterns: [^/secret, { regex: ^/login, servedBySoftware: true }]\n");
    Path file = directory.resolve("ip-sentry.yaml");
    Files.writeString(
        file, "rules: [{ name: a, match: { packs: [./mine.yaml] }, threshold: 1 }]\n");

    ConfigResult result = new ConfigLoader().load(file);

    assertThat(result.orThrow().rules().get(0).match().paths())
        .containsExactly(
            PathPattern.counting("^/secret"),
            new PathPattern("^/login", PathPattern.Mode.COUNT, StatusSet.CLIENT_ERRORS));
    assertThat(result.files()).containsExactlyInAnyOrder(file, directory.resolve("mine.yaml"));
  }

  @Test
  void load_fileIsNotThere_isAnError() {
    Path file = directory.resolve("none.yaml");

    ConfigResult result = new ConfigLoader().load(file);

    assertThat(result).isInstanceOf(Invalid.class);
    assertThat(result.files()).containsExactly(file);
    assertThatThrownBy(result::orThrow)
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "the configuration is invalid:\n%s: %s is not there; create it, or correct the path",
            file, file);
  }

  @Test
  void parse_aliases_stayWithinTheLimit() {
    StringBuilder laughs = new StringBuilder("neverBan: &a0 [192.0.2.1]\n");
    for (int i = 1; i < 30; i++) {
      laughs.append("k%d: &a%d [%s]\n".formatted(i, i, ("*a" + (i - 1) + ", ").repeat(10)));
    }

    ConfigResult result = parse(laughs.toString());

    assertThat(((Invalid) result).errors())
        .singleElement()
        .extracting(ConfigProblem::what)
        .isEqualTo("has more than 200000 values, aliases counted each time");
  }

  @Test
  void parse_manyMistakes_areCountedBeyondTheLimit() {
    Invalid invalid = (Invalid) parse("x: 1\n".repeat(1) + "neverBan: [" + "a, ".repeat(500) + "]");

    assertThat(invalid.errors()).hasSize(Problems.MAX_SHOWN + 1);
    assertThat(invalid.errors().getLast().what()).isEqualTo("301 more errors are not shown");
  }
}
