package io.ipsentry.kubernetes.log;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanEventJson;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.CompactedException;
import io.ipsentry.banlog.SnapshotBytes;
import io.ipsentry.banlog.TestEvents;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import io.ipsentry.kubernetes.log.SimulatedApiServer.Faults;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The protocol of the log, with its own code, against a simulated API server: processes that
 * append, follow and compact at once, are killed and paused, lose answers, write too late, and
 * people who delete what they should not. After each run: no acknowledged event is lost or doubled,
 * the numbers have no gaps, and all who read read the same.
 *
 * <p>{@code -Dsimulation.seeds=100000} for more runs, {@code -Dsimulation.seed=N} for one.
 */
final class LogSimulationTest {
  private static final int SEEDS = Integer.getInteger("simulation.seeds", 2_000);
  private static final int STEPS = 2_000;
  private static final LogNames NAMES = new LogNames("guard");

  @Test
  void protocol_anySeed_keepsWhatTheLogPromises() throws Exception {
    Integer only = Integer.getInteger("simulation.seed");
    int first = only == null ? 1 : only;
    int last = only == null ? SEEDS : only;
    Totals totals = new Totals();
    // The actors are virtual threads; between them and another kind a change takes ten times as
    // long.
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> halves =
          threads.invokeAll(
              List.of(
                  () -> runEverySecond(first, last, totals),
                  () -> runEverySecond(first + 1, last, totals)));
      for (Future<String> half : halves) {
        assertThat(half.get()).isEmpty();
      }
    }
    System.out.printf("simulation: %d runs, %s%n", last - first + 1, totals);
    if (only == null) {
      // Lest the simulation simulates nothing.
      assertThat(totals.acknowledged).isGreaterThan(SEEDS);
      assertThat(totals.conflicts).isPositive();
      assertThat(totals.overtaken).isPositive();
      assertThat(totals.compactions).isPositive();
      assertThat(totals.swept).isPositive();
      assertThat(totals.killed).isPositive();
      assertThat(totals.voided).isPositive();
    }
  }

  /** Returns how the first run that failed did; empty: none. */
  private static String runEverySecond(int first, int last, Totals totals) {
    for (int seed = first; seed <= last; seed += 2) {
      try {
        new Run(seed).go(totals);
      } catch (AssertionError | RuntimeException e) { // told with its seed
        StringWriter trace = new StringWriter();
        e.printStackTrace(new PrintWriter(trace));
        return "-Dsimulation.seed=" + seed + ": " + trace;
      }
    }
    return "";
  }

  /** What happened in all runs. */
  private static final class Totals {
    long events;
    long acknowledged;
    long conflicts;
    long unknown;
    long compactions;
    long swept;
    long killed;
    long voided;
    long entriesDeleted;
    long overtaken;

    synchronized void add(Totals run) {
      events += run.events;
      acknowledged += run.acknowledged;
      conflicts += run.conflicts;
      unknown += run.unknown;
      compactions += run.compactions;
      swept += run.swept;
      killed += run.killed;
      voided += run.voided;
      entriesDeleted += run.entriesDeleted;
      overtaken += run.overtaken;
    }

    @Override
    public String toString() {
      return events
          + " events, "
          + acknowledged
          + " batches acknowledged, "
          + conflicts
          + " conflicts, "
          + unknown
          + " of unknown outcome, "
          + compactions
          + " compactions, "
          + swept
          + " ConfigMaps swept, "
          + killed
          + " processes killed, "
          + voided
          + " void entries, "
          + entriesDeleted
          + " entries deleted, "
          + overtaken
          + " of them overtaken";
    }
  }

  private static final class Run {
    private final long seed;
    private final Schedule schedule;
    private final SimulatedApiServer server;
    private final Random random;
    private final TreeMap<Long, String> truth = new TreeMap<>();
    private final Map<String, Long> acknowledged = new HashMap<>();
    private final Totals mine = new Totals();
    private final Observer observer = new Observer();
    private final List<Member> alive = new ArrayList<>();
    private int ids;
    private int processes;

    Run(long seed) {
      this.seed = seed;
      schedule = new Schedule(seed);
      server = new SimulatedApiServer(schedule);
      random = schedule.random();
    }

    private String id() {
      return "id-" + ids++;
    }

    private Instant now() {
      return TestEvents.T0.plusSeconds(schedule.step());
    }

    void go(Totals totals) {
      int writers = 1 + random.nextInt(3);
      for (int i = 0; i < writers; i++) {
        new Member(faults()).start();
      }
      schedule.start("observer", observer);
      schedule.start("people", this::people);
      schedule.run(STEPS);
      schedule.settle();
      judge();
      mine.events = truth.size();
      mine.acknowledged = acknowledged.size();
      mine.overtaken = server.overtaken();
      totals.add(mine);
    }

    private Faults faults() {
      return switch (random.nextInt(3)) {
        case 0 -> new Faults(0, 0, 0, 20);
        case 1 -> new Faults(20, 20, 20, 50);
        default -> new Faults(100, 100, 100, 100);
      };
    }

    private void observe(SequencedEvent event) {
      String line = BanEventJson.toLine(event);
      String before = truth.putIfAbsent(event.seq(), line);
      if (before != null && !before.equals(line)) {
        throw new AssertionError("event " + event.seq() + " is " + before + " and " + line);
      }
    }

    /** Waits by letting others go on. */
    private final class Passing implements Pause {
      @Override
      public boolean await(int attempt) {
        schedule.pass();
        return true;
      }

      @Override
      public boolean awaitEntry(LogReplica replica, long index) {
        for (int i = 0; i < 10 && replica.tail().index() < index; i++) {
          schedule.pass();
        }
        return true;
      }
    }

    /** Reads everything, from a good connection, all the time. */
    private final class Observer implements Runnable {
      private @Nullable LogReplica replica;
      private long next = 1;

      /** One step, also after the run. */
      long observe() {
        LogReplica own = replica;
        if (own == null) {
          own = new LogReplica(server.reliable(), NAMES, Run.this::id, new Passing());
          replica = own;
        }
        next = followOnce(own, next);
        return next;
      }

      @Override
      public void run() {
        while (true) {
          long ignored = observe();
        }
      }
    }

    /** Follows for a step and observes what is new; returns the next number wanted. */
    private long followOnce(LogReplica replica, long next) {
      try {
        replica.follow(Duration.ZERO);
      } catch (ApiServerException e) {
        schedule.pass();
      } catch (BanLogException e) {
        if (!e.isTransient()) {
          throw e;
        }
        schedule.pass();
      }
      long wanted = next;
      try {
        for (SequencedEvent event : replica.read(wanted, 1_000)) {
          assertThat(event.seq()).isEqualTo(wanted);
          observe(event);
          wanted++;
        }
      } catch (CompactedException e) {
        wanted = e.firstKept();
      }
      return wanted;
    }

    /**
     * Deletes what should not be deleted, and makes what should not be there. Not manifest and
     * snapshots both: who does has deleted the log.
     */
    private void people() {
      boolean manifests = random.nextBoolean();
      boolean eager = random.nextInt(3) == 0;
      for (int i = 0; i < (eager ? 30 : 6); i++) {
        for (int pause = random.nextInt(eager ? 80 : 400); pause > 0; pause--) {
          schedule.pass();
        }
        switch (random.nextInt(eager ? 16 : 8)) {
          case 0, 1 -> {
            if (manifests) {
              delete(NAMES.manifest());
            } else {
              deleteShard();
            }
          }
          case 2 -> garbage();
          case 3 -> server.forgetChanges();
          case 4, 5 -> deleteEntry();
          case 6, 7 -> {}
          default -> deleteEntry();
        }
      }
    }

    /** One that no snapshot has: the last, or one before it. */
    private void deleteEntry() {
      StoredConfigMap stored = server.maps().get(NAMES.manifest());
      long floor = stored == null ? 1 : LogReplica.readManifest(stored).floor();
      List<String> above =
          server.maps().keySet().stream()
              .filter(name -> NAMES.index(name).orElse(0) >= floor)
              .toList();
      if (!above.isEmpty()) {
        int back = random.nextBoolean() ? 0 : random.nextInt(Math.min(5, above.size()));
        delete(above.get(above.size() - 1 - back));
        mine.entriesDeleted++;
      }
    }

    private void deleteShard() {
      server.maps().keySet().stream()
          .filter(name -> name.contains("-snapshot-"))
          .findAny()
          .ifPresent(this::delete);
    }

    private void delete(String name) {
      Optional.ofNullable(server.maps().get(name)).ifPresent(server::delete);
    }

    private void garbage() {
      long tail =
          server.maps().keySet().stream()
              .mapToLong(name -> NAMES.index(name).orElse(0))
              .max()
              .orElse(0);
      try {
        StoredConfigMap ignored =
            server.create(
                StoredConfigMap.of(
                    NAMES.entry(tail + 1 + random.nextInt(3)),
                    NAMES.labels(LogNames.ENTRY),
                    Map.of("note", "not an entry"),
                    Map.of(),
                    false));
        mine.voided++;
      } catch (ApiServerException e) {
        // There is one.
      }
    }

    /** A process with its actors; when it is killed, another takes its place. */
    private final class Member {
      private final int number = processes++;
      private final Faults faults;
      private final LogReplica replica;
      private final LogAppender appender;
      private final LogCompactor compactor;
      private final LogSnapshots snapshots;
      private final List<Schedule.Actor> actors = new ArrayList<>();

      Member(Faults faults) {
        this.faults = faults;
        ConfigMaps api = server.faulty(faults);
        replica = new LogReplica(api, NAMES, Run.this::id, new Passing());
        appender =
            new LogAppender(api, NAMES, replica, Run.this::id, "process-" + number, new Passing());
        snapshots = new LogSnapshots(api, NAMES, replica);
        compactor =
            new LogCompactor(
                api,
                NAMES,
                replica,
                new LogArchive(api, NAMES, LogArchive.Limits.DEFAULT, Run.this::now),
                Duration.ofNanos(150),
                schedule::step);
      }

      void start() {
        alive.add(this);
        actors.add(schedule.start("writer-" + number, this::write));
        actors.add(schedule.start("follower-" + number, this::follow));
        actors.add(schedule.start("compactor-" + number, this::compact));
      }

      private void follow() {
        long next = 1;
        while (true) {
          next = followOnce(replica, next);
        }
      }

      private void begin() {
        while (true) {
          try {
            replica.startOver();
            return;
          } catch (ApiServerException e) {
            schedule.pass();
          } catch (BanLogException e) {
            if (!e.isTransient()) {
              throw e;
            }
            schedule.pass();
          }
        }
      }

      private void write() {
        begin();
        for (int batch = 0; ; batch++) {
          for (int nap = schedule.nap(); nap > 0; nap--) {
            schedule.pass();
          }
          if (random.nextInt(25) == 0) {
            if (random.nextBoolean()) {
              actors.forEach(actor -> actor.sleep(random.nextInt(500)));
              schedule.pass();
            } else {
              actors.forEach(Schedule.Actor::kill);
              alive.remove(this);
              mine.killed++;
              new Member(faults).start();
              schedule.pass();
            }
          }
          append("p" + number + "-" + batch);
        }
      }

      private void append(String name) {
        long head = replica.head();
        List<BanEvent> events = events(name);
        try {
          switch (appender.append(head, events)) {
            case AppendResult.Appended appended -> {
              assertThat(appended.head()).isEqualTo(head + events.size());
              for (int i = 0; i < events.size(); i++) {
                observe(new SequencedEvent(head + 1 + i, events.get(i)));
              }
              acknowledged.put(name, head + 1);
            }
            case AppendResult.Conflict conflict -> {
              mine.conflicts++;
              refused.add(name);
            }
            case AppendResult.Full full -> throw new AssertionError(full.reason());
          }
        } catch (ApiServerException e) {
          mine.unknown++;
        } catch (BanLogException e) {
          if (!e.isTransient()) {
            throw e;
          }
          mine.unknown++;
        }
      }

      private List<BanEvent> events(String name) {
        boolean large = random.nextInt(150) == 0;
        int count = large ? 450 : 1 + random.nextInt(3);
        String filling = large ? "x".repeat(480) : "";
        return IntStream.range(0, count)
            .mapToObj(
                i -> TestEvents.ban("203.0.113." + random.nextInt(256), name + '-' + i + filling))
            .toList();
      }

      private void compact() {
        begin();
        ActiveBans state = new ActiveBans();
        while (true) {
          for (int nap = schedule.nap(); nap > 0; nap--) {
            schedule.pass();
          }
          try {
            state = caughtUp(state);
            if (random.nextInt(12) == 0 && compactor.compact(SnapshotBytes.of(state))) {
              mine.compactions++;
            }
            if (random.nextInt(12) == 0) {
              mine.swept += compactor.sweep();
            }
          } catch (ApiServerException e) {
            schedule.pass();
          } catch (BanLogException e) {
            if (!e.isTransient()) {
              throw e;
            }
            schedule.pass();
          }
        }
      }

      private ActiveBans caughtUp(ActiveBans before) {
        ActiveBans state = before;
        try {
          for (SequencedEvent event : replica.read(state.head() + 1, 1_000_000)) {
            state.apply(event);
          }
        } catch (CompactedException e) {
          state = snapshots.load(Instant.MAX, ActiveBans.Limits.DEFAULT).orElseGet(ActiveBans::new);
        }
        return state;
      }
    }

    private final Set<String> refused = new HashSet<>();

    /** What was deleted at the very end is put back by those who know it. */
    private void putBack() {
      for (int i = 0; i < 40; i++) {
        long ignored = observer.observe();
        for (Member member : alive) {
          try {
            member.replica.follow(Duration.ZERO);
          } catch (ApiServerException | BanLogException e) {
            // Its connection is a bad one.
          }
        }
      }
    }

    private void judge() {
      putBack();
      LogReplica replica = new LogReplica(server.reliable(), NAMES, this::id, new Passing());
      replica.startOver();
      long head = replica.head();
      for (SequencedEvent event : replica.read(replica.firstKept(), Integer.MAX_VALUE)) {
        observe(event);
      }
      int steps = 0;
      while (observer.observe() <= head && steps < 1_000) {
        steps++;
      }
      assertThat(steps).as("steps in which a follower catches up").isLessThan(1_000);
      assertThat(truth).as("seed %s: nothing beyond the head", seed).hasSize((int) head);
      if (head > 0) {
        assertThat(truth.firstKey()).isEqualTo(1);
        assertThat(truth.lastKey()).isEqualTo(head);
      }
      Map<String, Long> found = new HashMap<>();
      ActiveBans whole = new ActiveBans();
      for (String line : truth.values()) {
        SequencedEvent event = BanEventJson.read(line);
        whole.apply(event);
        String reason = TestEvents.reason(event.event()).replaceAll("x*$", "");
        assertThat(found.put(reason, event.seq())).as("%s comes once", reason).isNull();
      }
      acknowledged.forEach(
          (name, seq) -> assertThat(found).as("acknowledged").containsEntry(name + "-0", seq));
      for (String name : refused) {
        assertThat(found).as("refused").doesNotContainKey(name + "-0");
      }
      isTheWhole(replica, server.reliable(), whole);
      ConfigMaps readOnly = new ReadOnlyConfigMaps(server.reliable(), NAMES);
      LogReplica follower = new LogReplica(readOnly, NAMES, this::id, new Passing());
      follower.startOver();
      assertThat(follower.firstKept()).isGreaterThanOrEqualTo(replica.firstKept());
      isTheWhole(follower, readOnly, whole);
    }

    private static void isTheWhole(LogReplica replica, ConfigMaps api, ActiveBans whole) {
      ActiveBans state;
      try {
        state =
            new LogSnapshots(api, NAMES, replica)
                .load(Instant.MAX, ActiveBans.Limits.DEFAULT)
                .orElseGet(ActiveBans::new);
      } catch (BanLogException e) {
        assertThat(e.isTransient()).as(e.getMessage()).isTrue();
        return; // somebody deleted a shard at the very end
      }
      for (SequencedEvent event : replica.read(state.head() + 1, Integer.MAX_VALUE)) {
        state.apply(event);
      }
      assertThat(SnapshotBytes.of(state).parts())
          .as("the snapshot and what follows it")
          .usingRecursiveComparison()
          .isEqualTo(SnapshotBytes.of(whole).parts());
    }
  }
}
