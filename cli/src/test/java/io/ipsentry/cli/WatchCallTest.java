package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.AdminLimits;
import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanHistory;
import io.ipsentry.banlog.BanLog;
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
import java.util.concurrent.CountDownLatch;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a slow reader and a refused request look like on the side of the commands. */
final class WatchCallTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Instant NOW = Instant.parse("2026-11-21T07:00:00Z");

  /** More than every buffer on the way holds. */
  private static final int MANY = 10_000;

  private final InMemoryBanLog log = new InMemoryBanLog();
  private final Path socket;
  private final List<AutoCloseable> opened = new ArrayList<>();

  WatchCallTest(@TempDir Path directory) {
    socket = directory.resolve("admin.sock");
  }

  @BeforeEach
  void serve() {
    List<BanEvent> events = new ArrayList<>();
    for (int i = 0; i < MANY; i++) {
      events.add(new BanEvent.Unban(NOW, IpPrefix.parse("203.0.113.7"), "tester", "x".repeat(512)));
    }
    log.append(0, events);
    LogBanOperations operations =
        new LogBanOperations(
            log,
            log,
            new BanWriter(log, new ActiveBans(), () -> NOW, event -> {}),
            () -> ProtectedPrefixes.of(List.of()),
            () -> NOW);
    opened.add(
        AdminServer.builder(operations, GetStatusResponse::getDefaultInstance)
            .limits(
                new AdminLimits(
                    8, 1, Duration.ofSeconds(20), Duration.ofSeconds(1), Duration.ofMinutes(1)))
            .start(socket));
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
    log.close();
  }

  private GrpcBanOperations operations() {
    GrpcBanOperations operations =
        new GrpcBanOperations(new AdminClient(new AdminEndpoint.Socket(socket)));
    opened.add(operations);
    return operations;
  }

  @Test
  void watch_sinkStalls_goesOnWithoutGapWhenItIsReadyAgain() {
    CountDownLatch goOn = new CountDownLatch(1);
    BanOperationsContract.Collector all = new BanOperationsContract.Collector();
    BanLog.Sink slow =
        new BanLog.Sink() {
          @Override
          public void events(List<SequencedEvent> events) {
            try {
              goOn.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
            all.events(events);
          }

          @Override
          public void failed(RuntimeException cause) {
            all.failed(cause);
          }
        };
    opened.add(operations().watch(1, slow));
    // There is a place for one stream only: it is free when the slow one has been cut.
    await()
        .atMost(PATIENCE)
        .until(() -> {
          BanOperationsContract.Collector other = new BanOperationsContract.Collector();
          try (BanLog.Subscription _ = operations().watch(MANY, other)) {
            await()
                .atMost(PATIENCE)
                .until(() -> !other.numbers.isEmpty() || other.failure.get() != null);
          }
          return other.failure.get() == null;
        });

    goOn.countDown();

    await().atMost(PATIENCE).until(() -> all.numbers.size() == MANY);
    assertThat(all.numbers).isEqualTo(LongStream.rangeClosed(1, MANY).boxed().toList());
    assertThat(all.failure.get()).isNull();
  }

  @Test
  void call_fieldRefused_namesFieldAndMend() {
    GrpcBanOperations operations = operations();

    assertThatThrownBy(() -> operations.history(null, BanHistory.FROM_NEWEST, 20_000))
        .isInstanceOf(RejectedRequestException.class)
        .hasMessageContaining(socket.toString())
        .hasMessageContaining("page_size: must be at most 10000");
  }
}
