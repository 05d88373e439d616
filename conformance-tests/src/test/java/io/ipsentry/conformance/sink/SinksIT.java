package io.ipsentry.conformance.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code run} with sinks outside. */
final class SinksIT {
  private static final String SECRET = "SeCrEtMarker0123456789abcdef";
  private static final Duration PATIENCE = RunningIpSentry.PATIENCE;
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT).withZone(ZoneOffset.UTC);

  @TempDir private Path directory;
  private final Outside outside = new Outside();

  SinksIT() throws IOException {}

  @AfterEach
  void close() {
    outside.close();
  }

  private String config(Path log) throws IOException {
    Path cloudflare = Files.writeString(directory.resolve("cloudflare"), SECRET + "\n");
    Path telegram = Files.writeString(directory.resolve("telegram"), "1234:" + SECRET);
    Path hook = Files.writeString(directory.resolve("hook"), outside.url() + "/hook?" + SECRET);
    return """
    sources: [{ name: log, file: %s, format: combined, startAt: beginning }]
    rules: [{ name: probing, match: { packs: [default] }, threshold: 2, window: 1h, ban: 24h }]
    sinks:
      - name: edge
        instance: home
        cloudflare: { zone: %s, tokenFile: %s, api: "%s/client/v4" }
      - telegram: { chat: "-100", tokenFile: %s, api: "%s", interval: 0s, digestAbove: 1, lifecycle: true }
      - webhook: { urlFile: %s, interval: 0s }
      - stdout: { events: [ban] }
    """
        .formatted(log, Outside.ZONE, cloudflare, outside.url(), telegram, outside.url(), hook);
  }

  private static void probe(Path log, String address) throws IOException {
    String line =
        "%s - - [%s] \"GET /.env HTTP/1.1\" 404 0 \"-\" \"probe\"%n"
            .formatted(address, STAMP.format(Instant.now()));
    Files.writeString(log, line.repeat(2), StandardOpenOption.APPEND);
  }

  private static List<String> banned(RunningIpSentry run) {
    return run.list().stream().map(ban -> String.valueOf(ban.get("ip"))).sorted().toList();
  }

  @Test
  void run_banUnbanStallAndKill_theOutsideHasEverythingInTheEnd() throws Exception {
    Path log = Files.createFile(directory.resolve("access.log"));
    outside.putForeign("192.0.2.99");
    try (RunningIpSentry run = RunningIpSentry.start(directory, config(log))) {
      probe(log, "203.0.113.1");
      await("rule")
          .atMost(PATIENCE)
          .untilAsserted(() -> assertThat(outside.ruled()).containsExactly("203.0.113.1"));
      await("messages")
          .atMost(PATIENCE)
          .untilAsserted(() -> {
            assertThat(outside.telegrams())
                .contains("ip-sentry: ip-sentry started")
                .anyMatch(text -> text.contains("banned 203.0.113.1 for 1d: probing"));
            assertThat(outside.hooked()).containsExactly(1L);
            assertThat(Files.readString(directory.resolve("run.out")))
                .contains("\"ip\":\"203.0.113.1\"");
          });

      assertThat(run.command("unban", "203.0.113.1").exitCode()).isZero();
      await("rule removed")
          .atMost(PATIENCE)
          .untilAsserted(() -> assertThat(outside.ruled()).isEmpty());

      // Nobody answers outside, and bans go on; then the process is killed.
      outside.stall(true);
      for (int i = 2; i <= 30; i++) {
        probe(log, "203.0.113." + i);
      }
      await("bans beside a sink that stalls")
          .atMost(PATIENCE)
          .untilAsserted(() -> assertThat(banned(run)).hasSize(29));
      assertThat(outside.ruled()).isEmpty();
      assertThat(
              run.metric("ip_sentry_sink_backlog_events{kind=\"cloudflare\",sink=\"edge\"}")
                  .orElse(0))
          .isPositive();
      run.kill();
      outside.stall(false);
      run.start();

      await("everything is there")
          .atMost(PATIENCE)
          .untilAsserted(() -> {
            assertThat(outside.ruled()).isEqualTo(banned(run));
            // What was on its way when the process was killed may come twice.
            List<Long> told = outside.hooked();
            assertThat(told).containsAll(LongStream.rangeClosed(1, 31).boxed().toList());
            assertThat(told).allMatch(seq -> Collections.frequency(told, seq) <= 2);
          });
      assertThat(outside.count()).isEqualTo(30);
      await("at their ends")
          .atMost(PATIENCE)
          .untilAsserted(() -> {
            String status = run.command("status", "-o", "json").out();
            assertThat(status)
                .contains("\"name\":\"edge\",\"kind\":\"cloudflare\",\"position\":31,\"backlog\":0")
                .contains(
                    "\"name\":\"webhook\",\"kind\":\"webhook\",\"position\":31,\"backlog\":0");
          });
      assertThat(run.command("status").out()).contains("SINK", "edge", "cloudflare");
      assertThat(run.command("status", "-o", "json").out() + run.metrics() + run.log())
          .doesNotContain(SECRET);
      assertThat(run.stop()).isZero();
    }
    assertThat(outside.telegrams()).last().isEqualTo("ip-sentry: ip-sentry stopped");
  }

  @Test
  void run_sinkAddedAndRemoved_isDoneWithoutARestart() throws Exception {
    Path log = Files.createFile(directory.resolve("access.log"));
    String config = config(log);
    String without = config.substring(0, config.indexOf("sinks:"));
    try (RunningIpSentry run = RunningIpSentry.start(directory, without)) {
      probe(log, "203.0.113.1");
      await("ban").atMost(PATIENCE).until(() -> banned(run).size() == 1);
      run.configure(config);
      await("rule")
          .atMost(PATIENCE)
          .untilAsserted(() -> assertThat(outside.ruled()).containsExactly("203.0.113.1"));

      run.configure(without);
      await("no sink")
          .atMost(PATIENCE)
          .until(() -> !run.metrics().contains("ip_sentry_sink_position{"));
      // What it wrote stays; nobody asked to lift the ban.
      assertThat(outside.ruled()).containsExactly("203.0.113.1");
    }
  }
}
