package io.ipsentry.authz.follow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.proto.v1.GetStatusResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A log that is followed over real connections, by one whose owner stops and comes back. */
final class LogFollowerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Instant NOW = Instant.parse("2026-11-21T07:00:00Z");

  private final Path socket;
  private final List<InMemoryBanLog> logs = new ArrayList<>();
  private final AdminChannel channel;
  private final List<BanEvent> observed = new CopyOnWriteArrayList<>();
  private final LogFollower follower;
  private @Nullable AdminServer server;

  LogFollowerTest(@TempDir Path directory) {
    socket = directory.resolve("admin.sock");
    channel = AdminChannel.open(new AdminEndpoint.Socket(socket));
    follower =
        new LogFollower(
            new LogFollower.Parts(
                channel.channel(),
                channel::connectNow,
                new ActiveBans(),
                observed::add,
                System::nanoTime,
                new Random(1)));
  }

  @AfterEach
  void close() {
    follower.close();
    channel.close();
    if (server != null) {
      server.close();
    }
    logs.forEach(InMemoryBanLog::close);
  }

  private InMemoryBanLog log(int bans) {
    InMemoryBanLog log = new InMemoryBanLog();
    logs.add(log);
    append(log, bans, 1);
    return log;
  }

  private static void append(InMemoryBanLog log, int bans, int net) {
    List<BanEvent> events = new ArrayList<>();
    for (int i = 0; i < bans; i++) {
      IpPrefix ip = IpPrefix.ofV4((203 << 24) | (net << 16) | i);
      events.add(new BanEvent.Unban(NOW, ip, "tester", ""));
    }
    log.append(log.head(), events);
  }

  private void serve(InMemoryBanLog log) {
    LogBanOperations operations =
        new LogBanOperations(
            log,
            log,
            new BanWriter(log, new ActiveBans(), () -> NOW, event -> {}),
            () -> ProtectedPrefixes.of(List.of()),
            () -> NOW);
    server = AdminServer.builder(operations, GetStatusResponse::getDefaultInstance).start(socket);
  }

  private void stop() {
    Objects.requireNonNull(server).close();
  }

  private void awaitHead(long head) {
    await().atMost(PATIENCE).until(() -> follower.bans().head() == head);
  }

  @Test
  void follow_emptyLog_isSyncedAtOnce() {
    serve(log(0));
    follower.start();

    await().atMost(PATIENCE).until(follower::isSynced);
    assertThat(follower.bans().head()).isZero();
  }

  @Test
  void follow_ownerStopsAndComesBack_goesOnWithoutGap() {
    InMemoryBanLog log = log(3_000);
    follower.start();
    assertThat(follower.isSynced()).isFalse();
    serve(log);
    awaitHead(3_000);
    await().atMost(PATIENCE).until(follower::isSynced);

    for (int round = 0; round < 5; round++) {
      stop();
      append(log, 100, round + 2);
      await().atMost(PATIENCE).until(() -> !follower.isConnected());
      assertThat(follower.isSynced()).isTrue();
      serve(log);
      awaitHead(3_000 + (round + 1) * 100L);
    }

    assertThat(observed).isEqualTo(log.read(1, 10_000).stream().map(e -> e.event()).toList());
    assertThat(follower.connections()).isGreaterThanOrEqualTo(6);
    assertThat(follower.problem()).isEmpty();
  }

  @Test
  void follow_ownerAway_stateHoldsAndGrowsOld() {
    serve(log(10));
    follower.start();
    await().atMost(PATIENCE).until(follower::isSynced);
    stop();
    await().atMost(PATIENCE).until(() -> !follower.isConnected());

    await().atMost(PATIENCE).until(() -> follower.age().toMillis() > 500);
    assertThat(follower.bans().head()).isEqualTo(10);
    assertThat(follower.isSynced()).isTrue();
  }

  @Test
  void follow_logReplacedByAShorterOne_stopsAndSaysSo() {
    serve(log(10));
    follower.start();
    await().atMost(PATIENCE).until(follower::isSynced);
    stop();

    serve(log(3));

    await().atMost(PATIENCE).until(() -> !follower.problem().isEmpty());
    assertThat(follower.problem()).contains("goes up to event 3").contains("start this process");
    assertThat(follower.bans().head()).isEqualTo(10);
  }

  @Test
  void follow_logReplacedByALongerOne_stopsAndSaysSo() {
    serve(log(10));
    follower.start();
    await().atMost(PATIENCE).until(follower::isSynced);
    stop();
    InMemoryBanLog other = log(0);
    append(other, 50, 9);

    serve(other);

    await().atMost(PATIENCE).until(() -> !follower.problem().isEmpty());
    assertThat(follower.problem()).contains("event 10 is another one");
    assertThat(follower.bans().head()).isEqualTo(10);
  }
}
