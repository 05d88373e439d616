package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every {@link BanLog} promises; an implementation's test extends it. */
public abstract class BanLogContract {
  private static final int WRITERS = 6;
  private static final int APPENDS_PER_WRITER = 25;

  private final List<BanLog> opened = new ArrayList<>();
  BanLog log;

  /** A new, empty log. */
  protected abstract BanLog create();

  /** The same log opened a second time while the first is open; empty if it lives in one object. */
  protected abstract Optional<BanLog> openAgain();

  /**
   * A new, empty log that is full after some events, fewer than 100,000; empty if none can be made.
   */
  protected abstract Optional<BanLog> createSmall();

  @BeforeEach
  final void openLog() {
    log = opened(create());
  }

  @AfterEach
  final void closeLogs() {
    opened.forEach(BanLog::close);
  }

  private BanLog opened(BanLog newLog) {
    opened.add(newLog);
    return newLog;
  }

  @Test
  final void append_emptyLog_numbersFromOne() {
    assertThat(log.head()).isZero();
    assertThat(log.append(0, TestEvents.bans("a", 3))).isEqualTo(new AppendResult.Appended(3));
    assertThat(log.head()).isEqualTo(3);
    assertThat(log.read(1, 10)).extracting(SequencedEvent::seq).containsExactly(1L, 2L, 3L);
  }

  @Test
  final void append_everyKindOfEvent_isReadAsWritten() {
    IpPrefix ip = IpPrefix.parse("2001:db8::/64");
    List<BanEvent> events =
        List.of(
            new BanEvent.Ban(
                TestEvents.T0,
                ip,
                null,
                "r",
                "ü\n\"😀",
                3,
                SeenAs.FORWARDED,
                "w",
                4,
                TestEvents.T0,
                "shop"),
            new BanEvent.Unban(TestEvents.T0, ip, "cli", "sorry"),
            new BanEvent.Allow(TestEvents.T0, ip, TestEvents.T0, "cli", "office"),
            new BanEvent.Disallow(TestEvents.T0, ip, "cli", ""),
            new BanEvent.Feed(TestEvents.T0, "drop", "sha256:00", 3, "leader"));

    log.append(0, events);

    assertThat(log.read(1, 10)).extracting(SequencedEvent::event).isEqualTo(events);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 3, 1_000})
  final void append_otherHead_conflictsAndWritesNothing(long expectedHead) {
    log.append(0, TestEvents.bans("a", 2));

    assertThat(log.append(expectedHead, TestEvents.bans("b", 2)))
        .isEqualTo(new AppendResult.Conflict(2));
    assertThat(log.head()).isEqualTo(2);
    assertThat(log.read(3, 10)).isEmpty();
    assertThat(log.append(2, TestEvents.bans("c", 1))).isEqualTo(new AppendResult.Appended(3));
  }

  @Test
  final void append_noEvents_saysWhetherTheHeadIsAsExpected() {
    log.append(0, TestEvents.bans("a", 2));

    assertThat(log.append(2, List.of())).isEqualTo(new AppendResult.Appended(2));
    assertThat(log.append(1, List.of())).isEqualTo(new AppendResult.Conflict(2));
    assertThat(log.head()).isEqualTo(2);
  }

  @Test
  final void append_largestBatch_goesInWhole() {
    List<BanEvent> batch = TestEvents.bans("a", BanLog.MAX_BATCH_EVENTS);

    assertThat(log.append(0, batch)).isEqualTo(new AppendResult.Appended(batch.size()));
    assertThat(readAll(log)).extracting(SequencedEvent::event).isEqualTo(batch);
  }

  @Test
  final void append_argumentsOutOfRange_areRefused() {
    List<BanEvent> tooMany = TestEvents.bans("a", BanLog.MAX_BATCH_EVENTS + 1);

    assertThatThrownBy(() -> log.append(0, tooMany)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> log.append(-1, List.of()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> log.read(0, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> log.read(1, 0)).isInstanceOf(IllegalArgumentException.class);
    assertThat(log.head()).isZero();
  }

  @Test
  final void append_manyWriters_losesNothingDoublesNothing() throws Exception {
    Set<String> expected = new HashSet<>();
    List<Callable<Boolean>> writers = new ArrayList<>();
    for (int writer = 0; writer < WRITERS; writer++) {
      BanLog own = writer % 2 == 0 ? log : openAgain().map(this::opened).orElse(log);
      String name = "writer" + writer;
      for (int i = 0; i < APPENDS_PER_WRITER; i++) {
        for (BanEvent event : TestEvents.bans(name + '-' + i, 1 + i % 3)) {
          expected.add(TestEvents.reason(event));
        }
      }
      writers.add(() -> {
        for (int i = 0; i < APPENDS_PER_WRITER; i++) {
          appendUntilIn(own, TestEvents.bans(name + '-' + i, 1 + i % 3));
        }
        return true;
      });
    }
    AtomicBoolean done = new AtomicBoolean();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Boolean> wholeBatches = threads.submit(() -> everyHeadEndsABatch(log, done));
      for (Future<Boolean> writer : threads.invokeAll(writers)) {
        assertThat(writer.get()).isTrue();
      }
      done.set(true);
      assertThat(wholeBatches.get()).isTrue();
    }
    List<SequencedEvent> events = readAll(log);
    assertThat(events).hasSameSizeAs(expected);
    assertThat(events)
        .extracting(event -> TestEvents.reason(event.event()))
        .containsExactlyInAnyOrderElementsOf(expected);
    assertBatchesAreAdjacent(events);
  }

  private static void appendUntilIn(BanLog log, List<BanEvent> events) {
    AppendResult result = log.append(log.head(), events);
    while (!(result instanceof AppendResult.Appended)) {
      assertThat(result).isInstanceOf(AppendResult.Conflict.class);
      result = log.append(((AppendResult.Conflict) result).head(), events);
    }
  }

  /** Whether no reader ever saw a head within a batch: the next event begins one. */
  private static boolean everyHeadEndsABatch(BanLog log, AtomicBoolean done) {
    List<Long> heads = new ArrayList<>();
    while (!done.get()) {
      heads.add(log.head());
    }
    List<SequencedEvent> events = readAll(log);
    return heads.stream()
        .allMatch(head ->
            head == events.size()
                || TestEvents.reason(events.get((int) (long) head).event()).endsWith("-0"));
  }

  private static void assertBatchesAreAdjacent(List<SequencedEvent> events) {
    for (int i = 1; i < events.size(); i++) {
      String before = TestEvents.reason(events.get(i - 1).event());
      String reason = TestEvents.reason(events.get(i).event());
      int dash = reason.lastIndexOf('-');
      int place = Integer.parseInt(reason.substring(dash + 1));
      if (place > 0) {
        assertThat(before).isEqualTo(reason.substring(0, dash + 1) + (place - 1));
      }
    }
  }

  @Test
  final void append_secondInstance_seesAndConflictsWithTheFirst() {
    BanLog second = opened(openAgain().orElse(log));
    log.append(0, TestEvents.bans("a", 2));

    assertThat(second.head()).isEqualTo(2);
    assertThat(second.append(0, TestEvents.bans("b", 1))).isEqualTo(new AppendResult.Conflict(2));
    assertThat(second.append(2, TestEvents.bans("b", 1))).isEqualTo(new AppendResult.Appended(3));
    assertThat(log.append(2, TestEvents.bans("c", 1))).isEqualTo(new AppendResult.Conflict(3));
    assertThat(log.read(3, 1)).isEqualTo(second.read(3, 1)).hasSize(1);
  }

  @Test
  final void id_secondInstance_isTheSame() {
    BanLog second = opened(openAgain().orElse(log));

    assertThat(log.id()).matches("[a-z0-9-]{1,64}").isEqualTo(second.id());
  }

  @Test
  final void append_fullLog_writesNothingAndIsStillRead() {
    Optional<BanLog> made = createSmall();
    assumeThat(made).as("this log has no limit that a test can reach").isPresent();
    BanLog small = opened(made.orElseThrow());
    AppendResult result = small.append(0, TestEvents.bans("a", 100));
    long head = 0;
    while (result instanceof AppendResult.Appended(long newHead)) {
      head = newHead;
      result = small.append(head, TestEvents.bans("a", 100));
    }

    assertThat(result)
        .isInstanceOfSatisfying(
            AppendResult.Full.class, full -> assertThat(full.reason()).isNotBlank());
    assertThat(head).isPositive();
    assertThat(small.head()).isEqualTo(head);
    assertThat(readAll(small)).hasSize((int) head);
    assertThat(small.append(head - 1, TestEvents.bans("a", 100)))
        .isEqualTo(new AppendResult.Conflict(head));
  }

  @Test
  final void read_inParts_givesEveryEventOnce() {
    log.append(0, TestEvents.bans("a", 25));

    List<SequencedEvent> events = new ArrayList<>();
    List<SequencedEvent> part = log.read(1, 7);
    while (!part.isEmpty()) {
      assertThat(part).hasSizeLessThanOrEqualTo(7);
      events.addAll(part);
      part = log.read(events.size() + 1L, 7);
    }
    assertThat(events).isEqualTo(readAll(log)).hasSize(25);
    assertThat(log.read(26, 1)).isEmpty();
    assertThat(log.read(Long.MAX_VALUE, Integer.MAX_VALUE)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 5, 11, 15})
  final void follow_fromAnywhere_deliversEachEventOnceInOrder(long from) {
    log.append(0, TestEvents.bans("a", 10));
    RecordingSink sink = new RecordingSink();
    try (BanLog.Subscription subscription = log.follow(from, sink)) {
      for (int i = 0; i < 20; i++) {
        log.append(log.head(), TestEvents.bans("b" + i, 1 + i % 4));
      }
      List<SequencedEvent> expected = readAll(log).subList((int) from - 1, (int) log.head());

      await().untilAsserted(() -> assertThat(sink.events()).isEqualTo(expected));
      assertThat(subscription).isNotNull();
    }
    assertThat(sink.failure()).isNull();
  }

  @Test
  final void follow_secondInstance_deliversWhatTheFirstAppends() {
    BanLog second = opened(openAgain().orElse(log));
    RecordingSink sink = new RecordingSink();
    try (BanLog.Subscription subscription = second.follow(1, sink)) {
      log.append(0, TestEvents.bans("a", 3));
      await().untilAsserted(() -> assertThat(sink.events()).isEqualTo(readAll(log)));
      log.append(3, TestEvents.bans("b", 3));
      await().untilAsserted(() -> assertThat(sink.events()).isEqualTo(readAll(log)));
      assertThat(subscription).isNotNull();
    }
  }

  @Test
  final void follow_closed_isNotCalledAgain() {
    RecordingSink sink = new RecordingSink();
    BanLog.Subscription subscription = log.follow(1, sink);
    log.append(0, TestEvents.bans("a", 1));
    await().untilAsserted(() -> assertThat(sink.events()).hasSize(1));
    subscription.close();
    subscription.close();
    RecordingSink other = new RecordingSink();
    try (BanLog.Subscription still = log.follow(1, other)) {
      log.append(1, TestEvents.bans("b", 1));
      await().untilAsserted(() -> assertThat(other.events()).hasSize(2));
      assertThat(still).isNotNull();
    }

    assertThat(sink.events()).hasSize(1);
    assertThat(sink.failure()).isNull();
  }

  @Test
  final void follow_closedByItsSink_ends() throws Exception {
    AtomicReference<BanLog.Subscription> own = new AtomicReference<>();
    CountDownLatch subscribed = new CountDownLatch(1);
    CountDownLatch called = new CountDownLatch(1);
    RecordingSink sink =
        new RecordingSink(events -> {
          awaitUnlessInterrupted(subscribed);
          own.get().close();
          called.countDown();
        });
    log.append(0, TestEvents.bans("a", 1));
    own.set(log.follow(1, sink));
    subscribed.countDown();
    called.await();
    log.append(1, TestEvents.bans("b", 1));
    own.get().close();

    assertThat(sink.events()).hasSize(1);
  }

  private static void awaitUnlessInterrupted(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException("the test was interrupted", e);
    }
  }

  @Test
  final void follow_sinkThrows_failsOnceAndEnds() {
    log.append(0, TestEvents.bans("a", 1));
    IllegalStateException thrown = new IllegalStateException("cannot take it");
    RecordingSink sink =
        new RecordingSink(events -> {
          throw thrown;
        });
    try (BanLog.Subscription subscription = log.follow(1, sink)) {
      await().untilAsserted(() -> assertThat(sink.failure()).isSameAs(thrown));
      log.append(1, TestEvents.bans("b", 1));
      assertThat(subscription).isNotNull();
    }
    assertThat(sink.events()).hasSize(1);
  }

  @Test
  final void follow_badPosition_isRefused() {
    assertThatThrownBy(() -> log.follow(0, new RecordingSink()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  final void close_log_endsFollowersAndRefusesCalls() {
    RecordingSink sink = new RecordingSink();
    BanLog.Subscription subscription = log.follow(1, sink);
    log.close();
    log.close();
    subscription.close();

    assertThatThrownBy(() -> log.append(0, TestEvents.bans("a", 1)))
        .isInstanceOf(BanLogException.class);
    assertThatThrownBy(() -> log.read(1, 1)).isInstanceOf(BanLogException.class);
    assertThatThrownBy(log::head).isInstanceOf(BanLogException.class);
    assertThatThrownBy(() -> log.follow(1, sink)).isInstanceOf(BanLogException.class);
    assertThat(sink.events()).isEmpty();
  }

  /** Every event of a log. */
  protected static List<SequencedEvent> readAll(BanLog log) {
    List<SequencedEvent> events = new ArrayList<>();
    List<SequencedEvent> part = log.read(1, 1_000);
    while (!part.isEmpty()) {
      events.addAll(part);
      part = log.read(events.size() + 1L, 1_000);
    }
    for (int i = 0; i < events.size(); i++) {
      assertThat(events.get(i).seq()).isEqualTo(i + 1L);
    }
    return events;
  }

  @Test
  final void snapshot_nothingCompacted_isNone() {
    log.append(0, TestEvents.timedBans("a", 0, 10));

    assertThat(log.snapshot(Instant.MAX, ActiveBans.Limits.DEFAULT)).isEmpty();
  }
}
