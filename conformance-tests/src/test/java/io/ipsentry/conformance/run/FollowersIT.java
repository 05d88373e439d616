package io.ipsentry.conformance.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningAuthzServer;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An {@code authz-server} and the {@code run} that it follows, as processes. */
final class FollowersIT {
  private static final Duration PATIENCE = RunningIpSentry.PATIENCE;
  private static final String BANNED = "203.0.113.7";
  private static final String OTHER = "203.0.113.8";
  private static final String RULES =
      """
      rules:
        - name: probing
          on: request
          match: { paths: ['^/\\.env'] }
          threshold: 3
          window: 10m
          ban: 24h
      """;

  private final List<AutoCloseable> opened = new ArrayList<>();
  @TempDir Path directory;
  private String config = "";

  @BeforeEach
  void configure() throws IOException {
    Path log = Files.createFile(directory.resolve("access.log"));
    config = "sources: [{ file: %s }]\n".formatted(log) + RULES;
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  private RunningIpSentry owner() {
    RunningIpSentry owner = RunningIpSentry.start(directory, config);
    opened.add(owner);
    return owner;
  }

  private RunningAuthzServer server(RunningIpSentry owner) throws IOException {
    RunningAuthzServer server =
        RunningAuthzServer.start(
            Files.createDirectory(directory.resolve("authz")), owner.socket(), RULES);
    opened.add(server);
    return server;
  }

  /** More events than compaction waits for, older than the history that is kept by default. */
  private void writeOldEvents() {
    Instant then = Instant.now().minus(Duration.ofDays(500));
    List<BanEvent> events = new ArrayList<>();
    events.add(ban(IpPrefix.parse(BANNED), then, null));
    for (int i = 0; events.size() < 10_000; i++) {
      events.add(ban(IpPrefix.ofV4(198 << 24 | 51 << 16 | i), then, then.plusSeconds(1)));
    }
    try (SqliteBanLog log = SqliteBanLog.open(directory.resolve("ip-sentry.db"))) {
      log.append(0, events);
    }
  }

  private static BanEvent.Ban ban(IpPrefix ip, Instant at, @Nullable Instant until) {
    return new BanEvent.Ban(at, ip, until, "probing", "^/x", 3, SeenAs.PEER, "test", 1, at, null);
  }

  @Test
  void history_purged_newServerTakesTheStateAndRefuses() throws IOException {
    writeOldEvents();
    RunningIpSentry owner = owner();
    await("purged")
        .atMost(PATIENCE)
        .until(() -> owner.log().contains("old events of the ban log deleted"));
    IpSentry.Result watch = owner.command("watch", "--from", "1", "--limit", "1");
    assertThat(watch.exitCode()).isEqualTo(3);
    assertThat(watch.err())
        .contains("event 1 is no longer kept (store.keepHistory)", "go on with --from 10001");

    RunningAuthzServer server = server(owner);

    assertThat(server.ask(BANNED, "/")).isEqualTo(403);
    assertThat(server.ask(OTHER, "/")).isEqualTo(200);
    assertThat(server.metric("ip_sentry_owner_snapshots_total")).hasValue(1);
    assertThat(owner.command("ban", OTHER).exitCode()).isZero();
    await().atMost(PATIENCE).until(() -> server.ask(OTHER, "/") == 403);
    assertThat(server.metric("ip_sentry_log_head")).hasValue(10_001);
    assertThat(server.metric("ip_sentry_owner_snapshots_total")).hasValue(1);
  }

  @Test
  void ownerKilled_banHoldsProvisionallyAndIsInTheLogOnceWhenItIsBack() throws IOException {
    RunningIpSentry owner = owner();
    RunningAuthzServer server = server(owner);
    assertThat(server.ask(BANNED, "/.env")).isEqualTo(200);
    await()
        .atMost(PATIENCE)
        .until(() -> server.metric("ip_sentry_report_decided_total").orElse(0) == 1);
    owner.kill();

    assertThat(server.ask(BANNED, "/.env")).isEqualTo(200);
    assertThat(server.ask(BANNED, "/.env")).as("the third").isEqualTo(403);
    assertThat(server.ask(BANNED, "/")).as("whatever it asks for").isEqualTo(403);
    assertThat(server.ask(OTHER, "/")).isEqualTo(200);
    assertThat(server.metric("ip_sentry_pending_bans")).hasValue(1);
    assertThat(server.status("/readyz")).isEqualTo(200);

    owner.start();

    await()
        .atMost(PATIENCE)
        .until(() -> {
          // At no moment in between it is let in.
          assertThat(server.ask(BANNED, "/")).isEqualTo(403);
          return server.metric("ip_sentry_pending_bans").orElse(-1) == 0;
        });
    assertThat(server.ask(BANNED, "/")).isEqualTo(403);
    assertThat(owner.command("get", BANNED).exitCode()).isZero();
    assertThat(owner.history())
        .singleElement()
        .satisfies(event ->
            assertThat(event)
                .containsEntry("type", "ban")
                .containsEntry("ip", BANNED)
                .containsEntry("hits", "3"));
    assertThat(server.metric("ip_sentry_report_lost_total")).hasValue(0);
  }
}
