package io.ipsentry.conformance.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.traffic.AccessLogStyle;
import io.ipsentry.testing.traffic.SampleRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The configuration changes while {@code run} is up. */
final class ReloadIT {
  private static final String OK = "ip_sentry_config_reloads_total{result=\"ok\"}";
  private static final String REFUSED = "ip_sentry_config_reloads_total{result=\"refused\"}";
  private static final String CURRENT = "ip_sentry_config_last_reload_ok";

  private static final String PROBING =
      """
      sources:
        - name: log
          file: %s
          format: combined
          startAt: beginning
      rules:
        - name: probing
          match: { packs: [default] }
          threshold: 3
          window: 1h
          ban: { for: 24h }
      """;

  private static final String LOGINS =
      """
        - name: logins
          match: { paths: ['^/login'], status: "401" }
          threshold: 2
          window: 1h
          ban: { for: 1h }
      """;

  @TempDir private Path directory;
  private Path log;
  private RunningIpSentry ipSentry;

  @BeforeEach
  void start() throws IOException {
    log = Files.createFile(directory.resolve("access.log"));
    ipSentry = RunningIpSentry.start(directory, PROBING.formatted(log));
  }

  @AfterEach
  void stop() {
    if (ipSentry != null) {
      ipSentry.close();
    }
  }

  @Test
  void reload_newRule_isInForceAndWindowsGoOn() throws IOException {
    request("203.0.113.7", "/.env", 404);
    request("203.0.113.7", "/.env", 404);
    request("203.0.113.8", "/login", 401);
    awaitLines(3);

    ipSentry.configure((PROBING + LOGINS).formatted(log));
    awaitMetric(OK, 1);
    request("203.0.113.7", "/.env", 404);
    request("203.0.113.9", "/login", 401);
    request("203.0.113.9", "/login", 401);

    awaitBanned("203.0.113.7", "203.0.113.9");
    assertThat(ipSentry.history())
        .extracting(event -> event.get("ip") + " " + event.get("rule") + " " + event.get("hits"))
        .containsExactlyInAnyOrder("203.0.113.7 probing 3", "203.0.113.9 logins 2");
    assertThat(ipSentry.metric(CURRENT)).hasValue(1);
  }

  @Test
  void reload_badFile_leavesTheOldOneInForceAndSaysSo() throws IOException {
    request("203.0.113.7", "/.env", 404);
    request("203.0.113.7", "/.env", 404);
    awaitLines(2);

    ipSentry.configure(PROBING.formatted(log).replace("threshold: 3", "treshold: 1"));
    awaitMetric(REFUSED, 1);
    assertThat(ipSentry.metric(CURRENT)).hasValue(0);
    assertThat(ipSentry.log()).contains("treshold");
    request("203.0.113.7", "/.env", 404);
    awaitBanned("203.0.113.7");

    ipSentry.configure(PROBING.formatted(log).replace("threshold: 3", "threshold: 1"));
    awaitMetric(OK, 1);
    assertThat(ipSentry.metric(CURRENT)).hasValue(1);
    request("203.0.113.8", "/.env", 404);
    awaitBanned("203.0.113.7", "203.0.113.8");
  }

  @Test
  void reload_badFile_isShownByStatus() {
    ipSentry.configure(PROBING.formatted(log).replace("threshold: 3", "treshold: 1"));
    awaitMetric(REFUSED, 1);

    IpSentry.Result status = ipSentry.command("status");
    IpSentry.Result list =
        IpSentry.run("list", "--config", directory.resolve("config.yaml").toString());

    assertThat(status.out() + status.err()).contains("treshold");
    assertThat(list.exitCode()).isEqualTo(3);
    assertThat(list.err()).contains("treshold").contains("--socket");
  }

  private void request(String address, String target, int status) throws IOException {
    Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    SampleRequest request =
        new SampleRequest(now, address, "GET", "app.example", target, status, 0, "test", null);
    Files.write(log, List.of(AccessLogStyle.COMBINED.line(request)), StandardOpenOption.APPEND);
  }

  private void awaitLines(int lines) {
    awaitMetric("ip_sentry_lines_total{source=\"log\"}", lines);
  }

  private void awaitMetric(String sample, double value) {
    await(sample + " is " + value)
        .atMost(RunningIpSentry.PATIENCE)
        .until(() -> ipSentry.metric(sample).orElse(-1) == value);
  }

  private void awaitBanned(String... addresses) {
    await("bans")
        .atMost(RunningIpSentry.PATIENCE)
        .untilAsserted(() ->
            assertThat(ipSentry.list())
                .extracting(row -> row.get("ip"))
                .containsExactlyInAnyOrder(addresses));
  }
}
