package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a {@link SqliteBanLog} quick to start from and bounded in size, on a thread of its own.
 *
 * <ul>
 *   <li><b>Snapshot.</b> When enough events have come since the last one, the state of the head is
 *       stored, so that the next start reads it and the events behind it, not all there are.
 *       Appends wait while the state is encoded (some 0.5 s a million bans), not while it is
 *       written.
 *   <li><b>Purge.</b> Once a day, events older than the history that is kept are deleted, if a
 *       snapshot covers them: a second snapshot, the base, is made of exactly those. Events because
 *       of which a ban or an allow stands stay, so that its reason can be looked up.
 * </ul>
 *
 * <p>Neither changes what is banned: the fold of snapshot and rest is the fold of all events. A
 * failure is logged, and tried again at the next time. Numbers never start anew.
 */
public final class LogCompaction implements AutoCloseable {
  /** Fewer new events than this are not worth a snapshot. */
  static final int MIN_EVENTS = 10_000;

  /** Nor are fewer than this part of what the state holds, for all of that is written. */
  private static final int MIN_SHARE = 4;

  private static final Duration LOOK_INTERVAL = Duration.ofMinutes(1);
  private static final Duration PURGE_INTERVAL = Duration.ofDays(1);

  private static final int READ_BATCH = 10_000;

  private static final Logger LOGGER = LoggerFactory.getLogger(LogCompaction.class);

  private final SqliteBanLog log;
  private final BanWriter writer;
  private final Supplier<Optional<Duration>> keepHistory;
  private final InstantSource clock;
  private final int minEvents;
  private final CountDownLatch stop = new CountDownLatch(1);
  private final Thread thread;

  /**
   * @param minEvents fewer events are neither worth a snapshot nor a purge
   */
  LogCompaction(
      SqliteBanLog log,
      BanWriter writer,
      Supplier<Optional<Duration>> keepHistory,
      InstantSource clock,
      int minEvents) {
    this.log = log;
    this.writer = writer;
    this.keepHistory = keepHistory;
    this.clock = clock;
    this.minEvents = minEvents;
    thread = Thread.ofPlatform().name("compaction").daemon().unstarted(this::run);
  }

  /**
   * Begins to look after a log.
   *
   * @param writer of the same log
   * @param keepHistory how long events are kept; empty: for ever
   */
  public static LogCompaction start(
      SqliteBanLog log,
      BanWriter writer,
      Supplier<Optional<Duration>> keepHistory,
      InstantSource clock) {
    LogCompaction compaction = new LogCompaction(log, writer, keepHistory, clock, MIN_EVENTS);
    compaction.thread.start();
    return compaction;
  }

  private void run() {
    try {
      Instant purgeDue = Instant.MIN;
      do {
        boolean purge = !clock.instant().isBefore(purgeDue);
        look(purge);
        if (purge) {
          purgeDue = clock.instant().plus(PURGE_INTERVAL);
        }
      } while (!stop.await(LOOK_INTERVAL.toMillis(), TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void look(boolean purge) {
    try {
      snapshotIfDue();
      if (purge) {
        purge();
      }
    } catch (BanLogException e) {
      LOGGER
          .atError()
          .setCause(e)
          .log("the ban log cannot be compacted; it works on, and this is tried again");
    }
  }

  /** Stores a snapshot if there is enough in it that the last one has not; whether it did. */
  boolean snapshotIfDue() {
    writer.catchUp();
    ActiveBans state = writer.state();
    long fresh = state.head() - log.newestSnapshot();
    int held = state.counts(clock.instant()).remembered();
    if (fresh < Math.max(minEvents, held / MIN_SHARE)) {
      return false;
    }
    SnapshotBytes snapshot = writer.snapshot();
    log.store(snapshot, false);
    LOGGER
        .atInfo()
        .addKeyValue("head", snapshot.head())
        .addKeyValue("bytes", snapshot.size())
        .log("snapshot of the ban log stored");
    return true;
  }

  /** Deletes the events that are too old, as far as the newest snapshot covers them. */
  void purge() {
    Optional<Duration> keep = keepHistory.get();
    long newest = log.newestSnapshot();
    if (keep.isEmpty() || newest == 0) {
      return;
    }
    Instant oldest = clock.instant().minus(keep.get());
    long before = log.base();
    ActiveBans state = log.stateOfBase();
    foldOlder(state, oldest, newest);
    if (state.head() - before >= minEvents) {
      log.store(SnapshotBytes.of(state), true);
    } else if (before == 0) {
      return;
    }
    // Read back, so nothing is deleted before its replacement is seen to be whole. What a crash has
    // left of the last purge is deleted with it.
    long deleted = delete(log.stateOfBase().standing(oldest));
    if (deleted > 0) {
      LOGGER
          .atInfo()
          .addKeyValue("events", deleted)
          .addKeyValue("firstKept", log.base() + 1)
          .log("old events of the ban log deleted");
    }
  }

  /** Stops before the first event that is to be kept; clocks that go back keep more. */
  private void foldOlder(ActiveBans state, Instant oldest, long newest) {
    while (state.head() < newest) {
      for (SequencedEvent event : log.read(state.head() + 1, READ_BATCH)) {
        if (event.seq() > newest || !event.event().at().isBefore(oldest)) {
          return;
        }
        state.apply(event);
      }
    }
  }

  private long delete(long[] standing) {
    long base = log.base();
    long deleted = 0;
    for (long after = 0; after < base && stop.getCount() > 0; ) {
      SqliteBanLog.Deleted batch = log.deleteBatch(after, standing);
      after = batch.last();
      deleted += batch.count();
    }
    return deleted;
  }

  /** Ends after the step at hand; what is left is done at the next start. */
  @Override
  public void close() {
    stop.countDown();
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
