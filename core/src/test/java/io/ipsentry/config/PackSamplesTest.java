package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.rule.RuleMatcher;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
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

  static List<String> ordinary() throws IOException {
    return lines("ordinary-targets.txt");
  }

  @Test
  void match_ordinaryTargets_countForNoPack() throws IOException {
    RuleMatcher matcher = PackRules.matcher(pathPacks());

    for (String target : ordinary()) {
      assertThat(PackRules.hits(matcher, PackRules.facts(target, "", NOT_FOUND)))
          .as(target)
          .isEmpty();
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
    assertThat(
            PackRules.hits(
                PackRules.matcher(List.of("scanners")), PackRules.facts("/", userAgent, OK)))
        .hasSize(1);
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
    RuleMatcher matcher = PackRules.matcher(List.of("scanners", "research-scanners"));

    assertThat(PackRules.hits(matcher, PackRules.facts("/", userAgent, NOT_FOUND))).isEmpty();
  }

  /** All but the one that counts kinds of requests, each of which alone is nothing. */
  private static List<String> pathPacks() {
    return Packs.names().stream()
        .filter(name -> Packs.find(name).orElseThrow().kind() == Pack.Kind.PATHS)
        .filter(name -> !name.equals("probing"))
        .toList();
  }
}
