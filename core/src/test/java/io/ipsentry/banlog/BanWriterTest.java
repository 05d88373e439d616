package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.ActiveBan;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanWriter.Outcome;
import io.ipsentry.net.IpPrefix;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** Writes of many threads, in groups. */
final class BanWriterTest {
  private static final InstantSource CLOCK = InstantSource.fixed(TestEvents.T0);
  private static final String ADDRESS = "203.0.113.";

  private final GatedLog log = new GatedLog(new InMemoryBanLog());
  private final BanWriter writer = BanWriter.start(log, CLOCK, event -> {});

  /** A log whose appends can be held up, and fail. */
  private static final class GatedLog extends DelegatingBanLog {
    private final InMemoryBanLog log;
    private final AtomicInteger appends = new AtomicInteger();
    private final AtomicInteger heads = new AtomicInteger();
    private final Semaphore gate = new Semaphore(Integer.MAX_VALUE);
    private volatile int room = Integer.MAX_VALUE;
    private volatile boolean broken;

    GatedLog(InMemoryBanLog log) {
      super(log);
      this.log = log;
    }

    @Override
    public AppendResult append(long expectedHead, List<BanEvent> events) {
      appends.incrementAndGet();
      gate.acquireUninterruptibly();
      if (broken) {
        throw BanLogException.transientFailure("no answer");
      }
      if (events.size() > room) {
        return new AppendResult.Full("no room");
      }
      return log.append(expectedHead, events);
    }

    @Override
    public long head() {
      heads.incrementAndGet();
      return log.head();
    }
  }

  private static IpPrefix address(int last) {
    return IpPrefix.parse(ADDRESS + last);
  }

  private static BanEvent ban(int last, String reason) {
    return TestEvents.ban(ADDRESS + last, reason);
  }

  /**
   * The outcomes of writes, of a thread each, that all came while the append of a first one was
   * held up, in the order in which they came.
   */
  private List<Future<Outcome>> behindFirst(List<Supplier<Outcome>> writes) throws Exception {
    List<Future<Outcome>> outcomes = new ArrayList<>();
    log.gate.drainPermits();
    Thread first = Thread.ofPlatform().start(() -> write(100, "first"));
    await().until(() -> log.appends.get() == 1);
    for (Supplier<Outcome> write : writes) {
      FutureTask<Outcome> task = new FutureTask<>(write::get);
      outcomes.add(task);
      Thread thread = Thread.ofPlatform().start(task);
      await().until(() -> thread.getState() == Thread.State.BLOCKED);
    }
    log.gate.release(1_000);
    first.join();
    return outcomes;
  }

  private Outcome write(int last, String reason) {
    return writer.write(address(last), (state, now) -> List.of(ban(last, reason)));
  }

  private Outcome writeAlone(int last, String reason) {
    return writer.write((state, now) -> List.of(ban(last, reason)));
  }

  private static long seq(Future<Outcome> outcome) throws Exception {
    Outcome.Written written = (Outcome.Written) outcome.get();
    assertThat(written.events()).hasSize(1);
    return written.events().getFirst().seq();
  }

  @Test
  void write_whileAnotherIsAppended_goesTogetherWithThoseOfOtherAddresses() throws Exception {
    List<Supplier<Outcome>> writes = new ArrayList<>();
    for (int i = 1; i <= 20; i++) {
      int last = i;
      writes.add(() -> write(last, "together"));
    }
    List<Future<Outcome>> outcomes = behindFirst(writes);
    for (int i = 0; i < outcomes.size(); i++) {
      assertThat(seq(outcomes.get(i))).isEqualTo(2 + i);
    }
    assertThat(log.appends).hasValue(2);
    assertThat(writer.state().counts(TestEvents.T0).bans()).isEqualTo(21);
  }

  @Test
  void write_aboutTheSameAddressOrAll_waitsForTheOneBefore() throws Exception {
    List<Future<Outcome>> outcomes =
        behindFirst(
            List.of(
                () -> write(1, "a"),
                () -> write(2, "b"),
                () -> writer.write(IpPrefix.parse("203.0.113.0/30"), counting()),
                () -> write(9, "d"),
                () -> writer.write(counting()),
                () -> write(10, "e")));
    for (int i = 0; i < outcomes.size(); i++) {
      assertThat(seq(outcomes.get(i))).isEqualTo(2 + i);
    }
    assertThat(log.log.read(4, 1))
        .extracting(e -> TestEvents.reason(e.event()))
        .containsExactly("3");
    assertThat(log.log.read(6, 1))
        .extracting(e -> TestEvents.reason(e.event()))
        .containsExactly("5");
    // The first; a and b; the prefix and d; the one about all; e.
    assertThat(log.appends).hasValue(5);
  }

  private static BanWriter.Decision counting() {
    return (state, now) ->
        List.of(TestEvents.ban("203.0.113.0/30", Integer.toString(state.counts(now).bans())));
  }

  @Test
  void write_thatFailsToDecide_failsAlone() throws Exception {
    List<Future<Outcome>> outcomes =
        behindFirst(
            List.of(
                () -> write(1, "a"),
                () ->
                    writer.write(
                        address(2),
                        (state, now) -> {
                          throw new IllegalArgumentException("two");
                        }),
                () -> writer.write(address(3), (state, now) -> List.of()),
                () -> write(4, "d")));
    assertThat(seq(outcomes.get(0))).isEqualTo(2);
    assertThatThrownBy(() -> outcomes.get(1).get()).hasRootCauseMessage("two");
    assertThat(outcomes.get(2).get()).isEqualTo(new Outcome.Written(List.of()));
    assertThat(seq(outcomes.get(3))).isEqualTo(3);
    assertThat(log.appends).hasValue(2);
  }

  @Test
  void write_fullForAllTogether_takesThoseForWhichThereIsRoom() throws Exception {
    log.room = 1;
    List<Future<Outcome>> outcomes =
        behindFirst(
            List.of(
                () -> write(1, "a"),
                () ->
                    writer.write(
                        IpPrefix.parse("203.0.113.2/31"),
                        (state, now) -> List.of(ban(2, "b"), ban(3, "b"))),
                () -> write(4, "c")));
    assertThat(seq(outcomes.get(0))).isEqualTo(2);
    assertThat(outcomes.get(1).get()).isEqualTo(new Outcome.Full("no room"));
    assertThat(seq(outcomes.get(2))).isEqualTo(3);
  }

  @Test
  void write_logFails_failsForAllTogetherAndSeesNextTimeWhatIsIn() throws Exception {
    log.gate.drainPermits();
    log.gate.release(1_000);
    assertThat(writeAlone(1, "before")).isInstanceOf(Outcome.Written.class);
    log.appends.set(0);
    List<Supplier<Outcome>> writes = List.of(() -> write(1, "a"), () -> write(2, "b"));
    log.broken = true;
    List<Future<Outcome>> outcomes = behindFirstFailing(writes);
    for (Future<Outcome> outcome : outcomes) {
      assertThatThrownBy(outcome::get)
          .isInstanceOf(ExecutionException.class)
          .cause()
          .isInstanceOf(BanLogException.class);
    }
    log.broken = false;
    assertThat(write(5, "after"))
        .isEqualTo(new Outcome.Written(List.of(new SequencedEvent(2, ban(5, "after")))));
  }

  private List<Future<Outcome>> behindFirstFailing(List<Supplier<Outcome>> writes)
      throws Exception {
    List<Future<Outcome>> outcomes = new ArrayList<>();
    for (Supplier<Outcome> write : writes) {
      FutureTask<Outcome> task = new FutureTask<>(write::get);
      outcomes.add(task);
      Thread thread = Thread.ofPlatform().start(task);
      thread.join();
    }
    return outcomes;
  }

  @Test
  void write_othersAppended_asksForTheHeadOnlyOnConflictOrForNothing() {
    log.heads.set(0);
    Outcome ignored = write(1, "own");
    ignored = write(2, "own");
    assertThat(log.heads).hasValue(0);
    AppendResult others = log.log.append(2, List.of(ban(3, "other")));
    assertThat(others).isEqualTo(new AppendResult.Appended(3));
    // What is known says that 3 is not banned.
    assertThat(
            writer.write((state, now) ->
                state.get(address(3), now).isEmpty() ? List.of() : List.of(ban(4, "seen"))))
        .isEqualTo(new Outcome.Written(List.of(new SequencedEvent(4, ban(4, "seen")))));
    assertThat(log.heads).hasValue(1);
  }

  /**
   * Two writers of one log, many threads, decisions that depend on what was: each event says what
   * its decision saw, and that must be the state of all events before it.
   */
  @RepeatedTest(5)
  void write_manyThreadsAndWriters_isAsOneAfterTheOther() throws Exception {
    BanWriter other = BanWriter.start(log, CLOCK, event -> {});
    try (ExecutorService threads = Executors.newFixedThreadPool(16)) {
      List<Future<?>> running = new ArrayList<>();
      for (int thread = 0; thread < 16; thread++) {
        BanWriter own = thread % 4 == 0 ? other : writer;
        Random random = new Random(thread);
        running.add(threads.submit(() -> writeAnything(own, random)));
      }
      for (Future<?> thread : running) {
        assertThat(thread.get()).isNull();
      }
    }
    ActiveBans state = new ActiveBans();
    List<SequencedEvent> events = log.log.read(1, Integer.MAX_VALUE);
    for (SequencedEvent event : events) {
      assertThat(saw(event.event())).isEqualTo(toSee(state, event.event()));
      state.apply(event);
    }
    assertThat(events.size()).isGreaterThan(1_000);
    assertThat(log.appends.get()).isPositive();
    writer.catchUp();
    assertThat(SnapshotBytes.of(writer.state()).parts())
        .usingRecursiveComparison()
        .isEqualTo(SnapshotBytes.of(state).parts());
  }

  private static void writeAnything(BanWriter writer, Random random) {
    for (int i = 0; i < 200; i++) {
      IpPrefix ip = address(random.nextInt(24));
      boolean all = random.nextInt(10) == 0;
      BanWriter.Decision decision = (state, now) -> List.of(next(state, all ? null : ip));
      Outcome outcome = all ? writer.write(decision) : writer.write(ip, decision);
      switch (outcome) {
        case Outcome.Written written -> {
          assertThat(written.events()).hasSize(1);
          assertThat(about(written.events().getFirst().event())).isEqualTo(all ? null : ip);
        }
        case Outcome.Contended contended -> {}
        case Outcome.Full full -> throw new AssertionError(full.reason());
      }
    }
  }

  /** Bans who is not banned, and unbans who is; about all: allows somebody else. */
  private static BanEvent next(ActiveBans state, @Nullable IpPrefix ip) {
    Instant at = TestEvents.T0;
    if (ip == null) {
      return new BanEvent.Allow(at, IpPrefix.parse("2001:db8::1"), null, "all", seen(state, null));
    }
    return state.get(ip, at).isEmpty()
        ? TestEvents.ban(ip.toString(), seen(state, ip))
        : new BanEvent.Unban(at, ip, "one", seen(state, ip));
  }

  private static String seen(ActiveBans state, @Nullable IpPrefix ip) {
    if (ip == null) {
      return state.head() + " events, " + state.counts(TestEvents.T0).bans() + " bans";
    }
    List<ActiveBan> bans = state.get(ip, TestEvents.T0);
    return bans.isEmpty() ? "not banned" : "banned by " + bans.getFirst().seq();
  }

  private static @Nullable IpPrefix about(BanEvent event) {
    return switch (event) {
      case BanEvent.Ban ban -> ban.ip();
      case BanEvent.Unban unban -> unban.ip();
      default -> null;
    };
  }

  private static String toSee(ActiveBans state, BanEvent event) {
    return seen(state, about(event));
  }

  private static String saw(BanEvent event) {
    return switch (event) {
      case BanEvent.Ban ban -> ban.reason();
      case BanEvent.Unban unban -> String.valueOf(unban.reason());
      case BanEvent.Allow allow -> String.valueOf(allow.reason());
      default -> throw new AssertionError(event);
    };
  }
}
