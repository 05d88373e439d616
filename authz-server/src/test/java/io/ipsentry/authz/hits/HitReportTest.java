package io.ipsentry.authz.hits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.stub.StreamObserver;
import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.detection.ReportedHit;
import io.ipsentry.net.SeenAs;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.proto.v1.HitServiceGrpc;
import io.ipsentry.proto.v1.ReportRequest;
import io.ipsentry.proto.v1.ReportResponse;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hits over real connections that break, to owners that stop, crash and have no room. */
final class HitReportTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Instant NOW = Instant.parse("2026-11-21T07:00:00Z");
  private static final RuleSet RULES =
      RuleSet.compile(List.of(io.ipsentry.config.Config.defaults().rules().getFirst()));

  private final Path socket;
  private final InMemoryBanLog log = new InMemoryBanLog();
  private final LogBanOperations operations =
      new LogBanOperations(
          log,
          log,
          new BanWriter(log, new ActiveBans(), () -> NOW, event -> {}),
          () -> ProtectedPrefixes.of(List.of()),
          () -> NOW);
  private final AdminChannel channel;
  private final AtomicLong reconciled = new AtomicLong();
  private ModelOwner owner = new ModelOwner();
  private @Nullable HitServiceEndpoint endpoint;
  private @Nullable AdminServer server;
  private @Nullable HitReportClient client;
  private long reported;

  HitReportTest(@TempDir Path directory) {
    socket = directory.resolve("admin.sock");
    channel = AdminChannel.open(new AdminEndpoint.Socket(socket));
  }

  @AfterEach
  void close() {
    if (client != null) {
      client.close();
    }
    channel.close();
    if (server != null) {
      server.close();
    }
    log.close();
  }

  private void serve() {
    HitServiceEndpoint made = new HitServiceEndpoint(owner.ledger, owner);
    endpoint = made;
    server =
        AdminServer.builder(operations, GetStatusResponse::getDefaultInstance)
            .service(made)
            .start(socket);
  }

  private void stop() {
    if (server != null) {
      server.close();
    }
  }

  private HitReportClient report(int capacity, long seed) {
    HitReportClient made =
        new HitReportClient(
                new HitReportClient.Parts(
                    channel.channel(),
                    channel::connectNow,
                    "reporter-1",
                    capacity,
                    new Random(seed),
                    (lastHit, head) -> reconciled.accumulateAndGet(lastHit, Math::max)))
            .start();
    client = made;
    return made;
  }

  private HitServiceEndpoint endpoint() {
    return Objects.requireNonNull(endpoint);
  }

  /** Reports hits whose event times are their numbers. */
  private void hit(HitReportClient reporter, int hits) {
    for (int i = 0; i < hits; i++) {
      long number =
          reporter.report(
              RULES, new Hit(0, 0, 0x0000ffffcb007107L, SeenAs.PEER, reported + 1, "^/x", 7));
      assertThat(number).isEqualTo(reported + 1);
      reported++;
    }
  }

  private Map<Long, Integer> eachOnce() {
    Map<Long, Integer> expected = new TreeMap<>();
    for (long number = 1; number <= reported; number++) {
      expected.put(number, 1);
    }
    return expected;
  }

  @Test
  void report_ownerIsThere_countsEachHitAndTellsWhenItIsDecided() throws InterruptedException {
    serve();
    HitReportClient reporter = report(1_000, 1);
    hit(reporter, 700);

    assertThat(reporter.awaitDecided(PATIENCE)).isTrue();
    assertThat(owner.counts()).containsExactlyInAnyOrderEntriesOf(eachOnce());
    assertThat(reconciled).hasValue(700);
    assertThat(reporter.statistics().queued()).isEqualTo(700);

    ModelOwner.Checkpoint ignored = owner.checkpoint();
    owner.ledger.stored();
    await().atMost(PATIENCE).until(() -> reporter.statistics().queued() == 0);
    assertThat(endpoint().statistics().hits()).isEqualTo(700);
  }

  @Test
  void report_ownerAway_keepsUpToItsBoundAndCountsTheRestAsLost() throws InterruptedException {
    HitReportClient reporter = report(100, 1);
    hit(reporter, 100);
    for (int i = 0; i < 5; i++) {
      assertThat(reporter.report(RULES, new Hit(0, 0, 1, SeenAs.PEER, 999, "^/x", 7))).isZero();
    }
    assertThat(reporter.statistics().lost()).isEqualTo(5);

    serve();

    assertThat(reporter.awaitDecided(PATIENCE)).isTrue();
    assertThat(owner.counts()).containsExactlyInAnyOrderEntriesOf(eachOnce());
    // Counted hits make room although nothing was stored.
    hit(reporter, 100);
    assertThat(reporter.awaitDecided(PATIENCE)).isTrue();
    assertThat(owner.counts()).containsExactlyInAnyOrderEntriesOf(eachOnce());
    assertThat(reporter.statistics().lost()).isEqualTo(5);
  }

  @Test
  void report_ownerHasNoRoom_waitsAndLosesNothing() throws InterruptedException {
    serve();
    owner.full(true);
    HitReportClient reporter = report(10_000, 1);
    hit(reporter, 3_000);
    await().atMost(PATIENCE).until(() -> endpoint().statistics().postponed() > 2);
    assertThat(owner.counts()).isEmpty();

    owner.full(false);

    assertThat(reporter.awaitDecided(PATIENCE)).isTrue();
    assertThat(owner.counts()).containsExactlyInAnyOrderEntriesOf(eachOnce());
  }

  /**
   * A run of random events; the same seed makes the same ones.
   *
   * <p>Whatever happens, in the end every hit was counted exactly once in what survived.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void report_connectionsLostOwnerCrashes_countsEachHitOnce(long seed) throws InterruptedException {
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    ModelOwner.Checkpoint durable = owner.checkpoint();
    serve();
    HitReportClient reporter = report(100_000, seed);
    for (int step = 0; step < 40; step++) {
      hit(reporter, random.nextInt(400));
      switch (random.nextInt(8)) {
        case 0 -> {
          // The connection breaks; the owner lives on.
          stop();
          hit(reporter, random.nextInt(50));
          serve();
        }
        case 1 -> {
          // It crashes: what was counted behind the last checkpoint is gone.
          stop();
          owner = ModelOwner.from(durable);
          hit(reporter, random.nextInt(50));
          serve();
        }
        case 2, 3 -> {
          durable = owner.checkpoint();
          owner.ledger.stored();
        }
        case 4 -> {
          // It crashes with a checkpoint written of which the reporter did not hear.
          durable = owner.checkpoint();
          stop();
          owner = ModelOwner.from(durable);
          serve();
        }
        case 5 -> owner.full(random.nextBoolean());
        case 6 -> takeOver();
        default -> {
          boolean ignored = reporter.awaitDecided(Duration.ofMillis(random.nextInt(50)));
        }
      }
    }
    owner.full(false);

    assertThat(reporter.awaitDecided(PATIENCE)).isTrue();
    assertThat(owner.counts()).containsExactlyInAnyOrderEntriesOf(eachOnce());
    assertThat(reporter.statistics().lost()).isZero();
  }

  /** Opens a stream under the same name, so that the other one is ended. */
  private void takeOver() {
    ConcurrentLinkedQueue<ReportResponse> responses = new ConcurrentLinkedQueue<>();
    ConcurrentLinkedQueue<Throwable> errors = new ConcurrentLinkedQueue<>();
    StreamObserver<ReportRequest> requests =
        HitServiceGrpc.newStub(channel.channel())
            .report(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ReportResponse response) {
                    responses.add(response);
                  }

                  @Override
                  public void onError(Throwable cause) {
                    errors.add(cause);
                  }

                  @Override
                  public void onCompleted() {}
                });
    requests.onNext(
        ReportRequest.newBuilder()
            .setHello(ReportRequest.Hello.newBuilder().setReporter("reporter-1"))
            .build());
    await().atMost(PATIENCE).until(() -> !responses.isEmpty() || !errors.isEmpty());
    requests.onCompleted();
  }

  private static List<ReportedHit> found(long from, int count) {
    return LongStream.range(from, from + count)
        .mapToObj(number ->
            ReportedHit.of(
                RULES, new Hit(0, 0, 0x0000ffffcb007107L, SeenAs.PEER, number, "^/x", 7)))
        .toList();
  }

  private HitReportClient goOn(int capacity, long first, List<ReportedHit> kept) {
    HitReportClient made =
        new HitReportClient(
                new HitReportClient.Parts(
                    channel.channel(),
                    channel::connectNow,
                    "agent-1",
                    capacity,
                    new Random(1),
                    (lastHit, head) -> {}),
                new HitReportClient.Kept(first, kept))
            .start();
    client = made;
    return made;
  }

  @Test
  void add_restartOfTheReporter_sendsWhatTheOwnerDoesNotKnow() throws InterruptedException {
    serve();
    HitReportClient before = goOn(1_000, 1, List.of());
    before.add(found(1, 10));
    assertThat(before.awaitDecided(PATIENCE)).isTrue();
    before.close();

    // It was killed before it knew that they were counted, and after it had stored three more.
    HitReportClient after = goOn(1_000, 4, found(4, 10));
    assertThat(after.next()).isEqualTo(14);
    after.add(found(14, 1));
    assertThat(after.awaitDecided(PATIENCE)).isTrue();
    reported = 14;
    assertThat(owner.counts()).containsExactlyInAnyOrderEntriesOf(eachOnce());
    assertThat(after.statistics().waiting()).isZero();
    assertThat(after.statistics().sent()).isEqualTo(4);
    assertThat(after.statistics().sentBytes()).isBetween(4 * 40L, 4 * 200L);
  }

  @Test
  void add_nobodyCounts_hasNoRoomAndLosesNothing() throws InterruptedException {
    HitReportClient agent = goOn(100, 1, List.of());
    agent.add(found(1, 99));
    assertThat(agent.hasRoom()).isTrue();
    agent.add(found(100, 51));
    assertThat(agent.hasRoom()).isFalse();
    assertThat(agent.statistics().waiting()).isEqualTo(150);
    assertThat(agent.statistics().oldestWaitingMillis()).hasValue(1);

    serve();
    assertThat(agent.awaitDecided(PATIENCE)).isTrue();
    reported = 150;
    assertThat(owner.counts()).containsExactlyInAnyOrderEntriesOf(eachOnce());
    assertThat(agent.hasRoom()).isTrue();
    assertThat(agent.statistics().oldestWaitingMillis()).isEmpty();
    // What the owner has counted makes room.
    agent.add(found(151, 60));
    assertThat(agent.firstKept()).isGreaterThan(60);
    assertThat(agent.statistics().lost()).isZero();
  }

  @Test
  void add_storeOfTheReporterWasPutBack_newHitsAreCounted() throws InterruptedException {
    serve();
    HitReportClient before = goOn(1_000, 1, List.of());
    before.add(found(1, 10));
    assertThat(before.awaitDecided(PATIENCE)).isTrue();
    before.close();

    HitReportClient after = goOn(1_000, 1, found(1, 5));
    await().atMost(PATIENCE).until(() -> after.next() == 11);
    after.add(found(11, 5));
    assertThat(after.awaitDecided(PATIENCE)).isTrue();
    reported = 15;
    assertThat(owner.counts()).containsExactlyInAnyOrderEntriesOf(eachOnce());
  }
}
