package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.CompactedException;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.banlog.LogCompaction;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.cli.CommandRun.Said;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.proto.v1.GetStatusResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code watch --from} a number whose event is deleted. */
final class PurgedWatchTest {
  private static final Instant THEN = Instant.parse("2020-01-01T00:00:00Z");
  private static final int EVENTS = 10_000;

  private final Path store;
  private final Path socket;
  private final CommandRun commands;

  PurgedWatchTest(@TempDir Path directory) {
    store = directory.resolve("store.db");
    socket = directory.resolve("admin.sock");
    commands = new CommandRun(directory);
  }

  @BeforeEach
  void purge() {
    List<BanEvent> events =
        IntStream.range(0, EVENTS)
            .<BanEvent>mapToObj(
                i -> new BanEvent.Unban(THEN, IpPrefix.ofV4(203 << 24 | i), "test", ""))
            .toList();
    try (SqliteBanLog log = SqliteBanLog.open(store)) {
      log.append(0, events);
      BanWriter writer = BanWriter.start(log, commands.now::get, event -> {});
      try (LogCompaction _ =
          LogCompaction.start(
              log, writer, () -> Optional.of(Duration.ofDays(1)), commands.now::get)) {
        await().atMost(Duration.ofSeconds(60)).until(() -> isPurged(log));
      }
    }
  }

  private static boolean isPurged(SqliteBanLog log) {
    try {
      log.read(1, 1);
      return false;
    } catch (CompactedException e) {
      return true;
    }
  }

  private static void assertToldTheOldest(Said said) {
    assertThat(said)
        .isEqualTo(
            new Said(
                3,
                "",
                "ip-sentry: event 5 is no longer kept (store.keepHistory); the oldest from which"
                    + " all are kept is 10001: go on with --from 10001\n"));
  }

  @Test
  void watch_storeItself_namesTheOldestEvent() {
    assertToldTheOldest(commands.run("watch", "--from", "5", "--store", store.toString()));
  }

  @Test
  void watch_instance_namesTheOldestEventAndGoesOnFromThere() {
    try (LogBanOperations operations =
            LogBanOperations.owning(
                SqliteBanLog.open(store), ProtectedPrefixes.of(List.of()), commands.now::get);
        AdminServer server =
            AdminServer.builder(operations, GetStatusResponse::getDefaultInstance).start(socket)) {
      assertThat(server.port()).isEqualTo(-1);
      assertToldTheOldest(commands.run("watch", "--from", "5", "--socket", socket.toString()));

      assertThat(commands.run("ban", "203.0.113.7", "--socket", socket.toString()).exitCode())
          .isZero();
      Said next =
          commands.run("watch", "--from", "10001", "--limit", "1", "--socket", socket.toString());
      assertThat(next.exitCode()).isZero();
      assertThat(next.out()).contains("203.0.113.7");
    }
  }
}
