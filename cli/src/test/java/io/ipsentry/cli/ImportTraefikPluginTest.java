package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.cli.CommandRun.Said;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.InlineRules;
import io.ipsentry.config.PolicyConfig;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Floors;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleEngine;
import io.ipsentry.rule.RuleMatcher;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.rule.Verdict;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the plugin's documentation shows, taken over, leads to the bans that it describes. */
final class ImportTraefikPluginTest {
  private static final String RULES =
      """
        rules:
          urlregexps:
            - regexp: "/no"
              mode: block
            - regexp: "/yes"
              mode: allow
          bantime: "3h"
          findtime: "10m"
          maxretry: 4
          enabled: true
      """;

  private final Path directory;
  private final CommandRun commands;

  ImportTraefikPluginTest(@TempDir Path directory) {
    this.directory = directory;
    commands = new CommandRun(directory);
  }

  private Said imported(String yaml) throws IOException {
    Path file = Files.writeString(directory.resolve("plugin.yaml"), yaml);
    return commands.run("import", "traefik-plugin", file.toString());
  }

  private static Config config(Said said) {
    assertThat(said.exitCode()).as(said.err()).isZero();
    return new ConfigLoader()
        .parse("imported", said.out().getBytes(StandardCharsets.UTF_8), Path.of("/"))
        .orThrow();
  }

  /** Judges requests of one client, a second apart, as a policy does; what became of each. */
  private static List<String> judged(Config config, String policy, String... targets) {
    PolicyConfig of = Objects.requireNonNull(config.authz().orElseThrow().policies().get(policy));
    RuleSet rules = RuleSet.compile(InlineRules.of(config, of));
    RuleMatcher matcher = rules.matcher(Rule.On.REQUEST, null);
    RuleEngine engine = new RuleEngine(rules, 1 << 20, 64);
    IpPrefix client = IpPrefix.parse("203.0.113.7");
    List<String> became = new ArrayList<>();
    for (String target : targets) {
      byte[] bytes = target.getBytes(StandardCharsets.UTF_8);
      RequestFacts facts = new RequestFacts();
      facts.target().set(bytes, 0, bytes.length);
      String outcome = "passes";
      int hits = matcher.request(facts);
      if (matcher.pathAllowed()) {
        outcome = "allowed";
      } else if (matcher.blocking() >= 0) {
        outcome = "refused";
      }
      for (int i = 0; i < hits; i++) {
        Hit hit =
            new Hit(
                matcher.rule(i),
                client.hi(),
                client.lo(),
                SeenAs.PEER,
                1_000L * became.size(),
                matcher.pattern(i, facts),
                matcher.patternIdentity(i, facts));
        if (engine.judge(hit, Floors.NONE) instanceof Verdict.Reached r) {
          outcome = "banned " + r.rule().ban().length() + " in " + r.rule().scope();
        }
      }
      became.add(outcome);
    }
    return became;
  }

  @Test
  void middleware_ofKubernetes_isAScopedPolicyWithTheSameBans() throws IOException {
    Said said =
        imported(
            """
            apiVersion: traefik.io/v1alpha1
            kind: Middleware
            metadata: { name: fail2ban-test }
            spec:
              plugin:
                fail2ban:
                  logLevel: DEBUG
                  allowlist: { ip: ["::1", "198.51.100.7"] }
                  denylist: { ip: [203.0.113.66, 127.0.0.1] }
            """
                + RULES.indent(4));
    Config config = config(said);

    assertThat(judged(config, "fail2ban-test", "/a", "/b", "/c", "/d"))
        .containsExactly("passes", "passes", "passes", "banned PT3H in fail2ban-test");
    assertThat(judged(config, "fail2ban-test", "/yes", "/yes", "/yes", "/yes", "/yes"))
        .containsOnly("allowed");
    assertThat(judged(config, "fail2ban-test", "/no"))
        .containsExactly("banned PT3H in fail2ban-test");
    assertThat(judged(config, "fail2ban-test", "/no/yes").getFirst()).startsWith("banned");
    assertThat(config.alwaysBan().prefixes()).containsExactly(IpPrefix.parse("203.0.113.66"));
    assertThat(said.err())
        .contains("plugin.yaml:7: logLevel")
        .contains("127.0.0.1 of the denylist is never banned");
  }

  @Test
  void statuscode_isCountedFromTheAccessLog() throws IOException {
    Said said =
        imported(
            "testData:\n"
                + RULES
                + "    statuscode: \"400,401,403-499\"\n"
                + "  allowlist: { ip: 198.51.100.7 }\n");
    Path written = Files.writeString(directory.resolve("ours.yaml"), said.out());
    config(said);
    StringBuilder log = new StringBuilder();
    for (int i = 0; i < 4; i++) {
      for (String client :
          List.of(
              "203.0.113.7 /a 404",
              "203.0.113.8 /yes 404",
              "203.0.113.9 /a 200",
              "198.51.100.7 /a 404",
              "203.0.113.10 /a 402")) {
        String[] parts = client.split(" ", -1);
        log.append(
            "{\"ClientHost\":\"%s\",\"DownstreamStatus\":%s,\"RequestMethod\":\"GET\",\"RequestPath\":\"%s\",\"StartUTC\":\"2026-11-21T07:00:0%dZ\",\"time\":\"2026-11-21T07:00:0%dZ\"}\n"
                .formatted(parts[0], parts[2], parts[1], i, i));
      }
    }
    Path access = Files.writeString(directory.resolve("access.json"), log);

    Said replay =
        commands.run(
            "replay",
            "-c",
            written.toString(),
            "-f",
            "traefik-json",
            "-o",
            "json",
            access.toString());

    assertThat(replay.outLines())
        .singleElement()
        .asString()
        .contains("203.0.113.7")
        .contains("\"banned_at\":\"2026-11-21T07:00:03.000Z\"")
        .contains("\"expires_at\":\"2026-11-21T10:00:03.000Z\"");
    assertThat(said.err()).contains("plugin.yaml:12: statuses are counted from the access log");
  }

  @Test
  void dynamicConfiguration_severalMiddlewares_eachIsAPolicy() throws IOException {
    Said said =
        imported(
            """
            http:
              middlewares:
                shop: { plugin: { f2b: { rules: { bantime: 1.5h, findtime: 90s, maxretry: 3 } } } }
                blog: { plugin: { f2b: { rules: { urlregexps: [{ regexp: '(', mode: block }, { regexp: x, mode: odd }] } } } }
                off: { plugin: { f2b: { rules: { enabled: false } } } }
                other: { headers: {} }
            """);
    Config config = config(said);

    assertThat(config.authz().orElseThrow().policies()).containsOnlyKeys("shop", "blog");
    assertThat(config.rules().getFirst().window()).isEqualTo(Duration.ofSeconds(90));
    assertThat(config.rules().getFirst().ban().length()).isEqualTo(Duration.ofMinutes(90));
    assertThat(judged(config, "blog", "/", "/").get(1)).isEqualTo("banned PT5M in blog");
    assertThat(said.err())
        .contains("plugin.yaml:4: left out, the expression cannot be used")
        .contains("the mode 'odd' is unknown")
        .contains("plugin.yaml:5: the middleware off is not enabled");
  }

  @Test
  void files_thatAreHere_areNamedAndOthersAreNoted() throws IOException {
    Files.writeString(directory.resolve("allowed.txt"), "198.51.100.7\n");

    Said said = imported("allowlist: { files: [allowed.txt, gone.txt] }\nrules: { maxretry: 4 }\n");

    assertThat(said.out()).contains("file:" + directory.resolve("allowed.txt"));
    assertThat(said.err()).contains("gone.txt is not here");
  }

  @Test
  void anythingElse_isSaidToHaveNoMiddleware() throws IOException {
    Said said = imported("services: { web: {} }\n");

    assertThat(said.exitCode()).isEqualTo(1);
    assertThat(said.err()).contains("no middleware of the fail2ban plugin");
    assertThat(commands.run("import", "traefik-plugin", directory + "/none").exitCode())
        .isEqualTo(3);
    assertThat(imported("{").exitCode()).isEqualTo(1);
  }
}
