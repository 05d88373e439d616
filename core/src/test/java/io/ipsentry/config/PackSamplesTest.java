package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.line.RequestFacts;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleMatcher;
import io.ipsentry.rule.RuleSet;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the packs find, and what they must leave alone, through the engine itself. */
final class PackSamplesTest {
  private static final int OK = 200;
  private static final int NOT_FOUND = 404;

  private static List<String> lines(String resource) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(PackSamplesTest.class.getResourceAsStream(resource))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .toList();
    }
  }

  static List<String> samples() throws IOException {
    return lines("pack-samples.txt");
  }

  static List<String> ordinary() throws IOException {
    return lines("ordinary-targets.txt");
  }

  private static RuleMatcher matcher(List<String> packs) {
    String yaml =
        packs.stream()
            .map(pack -> "  - { name: %s, threshold: 1, match: { packs: %<s } }\n".formatted(pack))
            .collect(Collectors.joining("", "rules:\n", ""));
    List<Rule> rules =
        new ConfigLoader()
            .parse("packs", yaml.getBytes(StandardCharsets.UTF_8), Path.of("/"))
            .orThrow()
            .rules();
    return RuleSet.compile(rules).matcher(Rule.On.LOG, null);
  }

  private static RequestFacts facts(String target, String userAgent, int status) {
    RequestFacts facts = new RequestFacts();
    byte[] targetBytes = target.getBytes(StandardCharsets.UTF_8);
    facts.target().set(targetBytes, 0, targetBytes.length);
    byte[] agentBytes = userAgent.getBytes(StandardCharsets.UTF_8);
    facts.userAgent().set(agentBytes, 0, agentBytes.length);
    facts.status(status);
    return facts;
  }

  /** What counts, as rule number and pattern. */
  private static List<String> hits(RuleMatcher matcher, RequestFacts facts) {
    return IntStream.range(0, matcher.match(facts))
        .mapToObj(i -> matcher.rule(i) + ": " + matcher.pattern(i, facts))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("samples")
  void match_sampleOfAPack_countsAsItSays(String sample) {
    String[] parts = sample.split(" ", 3);
    RuleMatcher matcher = matcher(List.of(parts[0]));

    assertThat(hits(matcher, facts(parts[2], "", NOT_FOUND))).hasSize(1);
    assertThat(hits(matcher, facts(parts[2], "", OK))).hasSize(parts[1].equals("always") ? 1 : 0);
  }

  @Test
  void match_ordinaryTargets_countForNoPack() throws IOException {
    RuleMatcher matcher = matcher(pathPacks());

    for (String target : ordinary()) {
      assertThat(hits(matcher, facts(target, "", NOT_FOUND))).as(target).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sqlmap/1.8#stable (https://sqlmap.org)",
        "Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:Port Check)",
        "masscan/1.3 (https://github.com/robertdavidgraham/masscan)",
        "Mozilla/5.0 zgrab/0.x",
        "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)",
        "WPScan v3.8.25 (https://wpscan.com/wordpress-security-scanner)",
        "Fuzz Faster U Fool v2.1.0-dev",
        "gobuster/3.6",
        "libredtail-http",
        "Hello, World",
        "${jndi:ldap://192.0.2.1/a}",
        "() { :; }; /bin/true"
      })
  void match_userAgentOfATool_countsForScanners(String userAgent) {
    assertThat(hits(matcher(List.of("scanners")), facts("/", userAgent, OK))).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
            + " Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "curl/8.5.0",
        "python-requests/2.32.3",
        "Go-http-client/2.0",
        "kube-probe/1.30",
        "Uptime-Kuma/1.23.13",
        "okhttp/4.12.0",
        "git/2.45.2",
        "Nextcloud-android/3.29.0",
        "Hello World Reader/1.0"
      })
  void match_ordinaryUserAgent_countsForNoPack(String userAgent) {
    RuleMatcher matcher = matcher(List.of("scanners", "research-scanners"));

    assertThat(hits(matcher, facts("/", userAgent, NOT_FOUND))).isEmpty();
  }

  @Test
  void samples_ofEveryPathPack_areThere() throws IOException {
    assertThat(samples().stream().map(sample -> sample.split(" ", 2)[0]).distinct())
        .containsExactlyInAnyOrderElementsOf(pathPacks());
  }

  private static List<String> pathPacks() {
    return Packs.names().stream()
        .filter(name -> Packs.find(name).orElseThrow().kind() == Pack.Kind.PATHS)
        .toList();
  }
}
