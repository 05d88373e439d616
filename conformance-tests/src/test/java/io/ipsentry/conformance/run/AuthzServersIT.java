package io.ipsentry.conformance.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningAuthzServer;
import io.ipsentry.conformance.program.RunningIpSentry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two {@code authz-server}s and one {@code run} that owns the windows, as processes. */
final class AuthzServersIT {
  private static final String PROBER = "203.0.113.7";
  private static final String LATER = "203.0.113.8";
  private static final String RULES =
      """
      rules:
        - name: probing
          on: request
          match: { paths: ['^/\\.env'] }
          threshold: 4
          window: 10m
          ban: 24h
      """;

  @TempDir Path directory;
  private RunningIpSentry owner;
  private List<RunningAuthzServer> servers = List.of();

  @BeforeEach
  void start() throws IOException {
    Path log = Files.createFile(directory.resolve("access.log"));
    owner = RunningIpSentry.start(directory, "sources: [{ file: %s }]\n".formatted(log) + RULES);
    Path socket = directory.resolve("admin.sock");
    servers =
        List.of(
            RunningAuthzServer.start(
                Files.createDirectory(directory.resolve("one")), socket, RULES),
            RunningAuthzServer.start(
                Files.createDirectory(directory.resolve("two")), socket, RULES));
  }

  @AfterEach
  void close() {
    servers.forEach(RunningAuthzServer::close);
    owner.close();
  }

  /** Asks one of the two, and waits until the owner has counted the hit, if it is there. */
  private int probe(int server, String client, boolean ownerIsThere) {
    RunningAuthzServer asked = servers.get(server);
    double before = asked.metric("ip_sentry_report_hits_total").orElse(0);
    int answer = asked.ask(client, "/.env");
    if (ownerIsThere) {
      await()
          .atMost(RunningIpSentry.PATIENCE)
          .until(() -> {
            OptionalDouble reported = asked.metric("ip_sentry_report_hits_total");
            OptionalDouble decided = asked.metric("ip_sentry_report_decided_total");
            return reported.orElse(-1) >= before && decided.equals(reported);
          });
    }
    return answer;
  }

  @Test
  void probes_alternatingOverTwoServers_areCountedTogether() {
    assertThat(probe(0, PROBER, true)).isEqualTo(200);
    assertThat(probe(1, PROBER, true)).isEqualTo(200);
    assertThat(probe(0, PROBER, true)).isEqualTo(200);
    // The fourth reaches the rule at the owner; each server has seen two.
    assertThat(probe(1, PROBER, true)).isEqualTo(200);

    await()
        .atMost(RunningIpSentry.PATIENCE)
        .until(() -> servers.stream().allMatch(server -> server.ask(PROBER, "/") == 403));
    assertThat(owner.list()).singleElement().satisfies(ban -> assertBan(ban, PROBER, "4"));
    assertThat(servers.get(0).ask(LATER, "/")).isEqualTo(200);
  }

  private static void assertBan(Map<String, String> ban, String ip, String hits) {
    assertThat(ban).containsEntry("ip", ip).containsEntry("hit_count", hits);
  }

  private void logged(String client, String target) throws IOException {
    String stamp =
        DateTimeFormatter.ofPattern("dd/MMM/uuuu:HH:mm:ss Z", Locale.ROOT)
            .format(OffsetDateTime.now(ZoneOffset.UTC));
    Path ignored =
        Files.writeString(
            directory.resolve("access.log"),
            "%s - - [%s] \"GET %s HTTP/1.1\" 200 9 \"-\" \"x\"%n".formatted(client, stamp, target),
            StandardOpenOption.APPEND);
  }

  private String doctor() {
    return owner.command("doctor", "-c", directory.resolve("config.yaml").toString()).out();
  }

  @Test
  void doctor_logAndChecksNameOtherClients_saysSo() throws IOException {
    for (int i = 0; i < 5; i++) {
      String target = "/shop/" + i + "?customer=" + i;
      assertThat(servers.get(i % 2).ask("203.0.113." + (40 + i), target)).isEqualTo(200);
      logged("203.0.113." + (40 + i), target);
    }
    await()
        .atMost(RunningIpSentry.PATIENCE)
        .untilAsserted(() ->
            assertThat(doctor()).contains("ok    addresses: 5 requests have the same client"));

    for (int i = 0; i < 6; i++) {
      assertThat(servers.get(i % 2).ask("198.51.100.1", "/hidden/" + i)).isEqualTo(200);
      logged("203.0.113." + (50 + i), "/hidden/" + i);
    }
    await()
        .atMost(RunningIpSentry.PATIENCE)
        .untilAsserted(() ->
            assertThat(doctor())
                .containsPattern("addresses: [1-6] of [0-9]+ requests have another client in the")
                .contains("the check saw 198.51.100.1 (forwarded), and the log has 203.0.113.5"));
  }

  @Test
  void stoppedWhileTheOwnerStartsAgain_lastHitsReachIt() {
    assertThat(probe(0, LATER, true)).isEqualTo(200);
    assertThat(probe(1, LATER, true)).isEqualTo(200);
    owner.kill();
    assertThat(probe(0, LATER, false)).isEqualTo(200);
    await()
        .atMost(RunningIpSentry.PATIENCE)
        .until(
            () -> servers.get(0).metric("ip_sentry_report_connected").equals(OptionalDouble.of(0)));

    owner.launch();
    assertThat(servers.get(0).stop()).isZero();

    assertThat(servers.get(0).log()).doesNotContain("did not decide on the last hits");
    assertThat(probe(1, LATER, true)).isEqualTo(200);
    await().atMost(RunningIpSentry.PATIENCE).until(() -> servers.get(1).ask(LATER, "/") == 403);
    assertThat(owner.list()).singleElement().satisfies(ban -> assertBan(ban, LATER, "4"));
  }

  @Test
  void ownerKilled_serversGoOnAndNoHitIsLostOrCountedTwice() throws InterruptedException {
    assertThat(owner.command("ban", PROBER).exitCode()).isZero();
    await()
        .atMost(RunningIpSentry.PATIENCE)
        .until(() -> servers.stream().allMatch(server -> server.ask(PROBER, "/") == 403));
    assertThat(probe(0, LATER, true)).isEqualTo(200);

    owner.kill();

    // The last good state holds, they stay ready, and hits are kept.
    assertThat(servers).allSatisfy(server -> assertThat(server.ask(PROBER, "/")).isEqualTo(403));
    assertThat(servers).allSatisfy(server -> assertThat(server.status("/readyz")).isEqualTo(200));
    assertThat(probe(0, LATER, false)).isEqualTo(200);
    assertThat(probe(1, LATER, false)).isEqualTo(200);
    await()
        .atMost(RunningIpSentry.PATIENCE)
        .until(() -> servers.get(0).metric("ip_sentry_state_age_seconds").orElse(0) > 1);

    owner.start();
    await()
        .atMost(RunningIpSentry.PATIENCE)
        .untilAsserted(() ->
            assertThat(servers)
                .allSatisfy(server -> {
                  assertThat(server.metric("ip_sentry_report_connected")).hasValue(1);
                  assertThat(server.metric("ip_sentry_owner_connected")).hasValue(1);
                  assertThat(server.metric("ip_sentry_report_decided_total"))
                      .isEqualTo(server.metric("ip_sentry_report_hits_total"));
                }));
    // Three so far: had one been counted twice, it would be banned; had one been lost, the next
    // would not ban it.
    assertThat(owner.list()).hasSize(1);
    assertThat(probe(1, LATER, true)).isEqualTo(200);
    await()
        .atMost(RunningIpSentry.PATIENCE)
        .until(() -> servers.stream().allMatch(server -> server.ask(LATER, "/") == 403));
    assertThat(owner.list()).hasSize(2).anySatisfy(ban -> assertBan(ban, LATER, "4"));
    assertThat(servers.get(0).metric("ip_sentry_report_lost_total")).hasValue(0);
    assertThat(servers.get(0).stop()).isZero();
  }
}
