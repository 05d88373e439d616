package io.ipsentry.sink;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.InMemoryBanLog;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.SplittableRandom;

/** A log with its fold, and a clock that goes on when a test says so. */
public final class SinkWorld {
  private static final int MAX_STEPS = 1_000_000;

  final InMemoryBanLog log = new InMemoryBanLog();
  final ActiveBans state = new ActiveBans();
  final SinkPositions positions;
  ProtectedPrefixes protection = ProtectedPrefixes.NONE;
  private Instant now = SinkEvents.AT;
  private long nanos;

  /** A new one. */
  public SinkWorld() {
    positions = new CheckpointSinkPositions(log);
  }

  /** What sinks work with here. */
  public SinkParts parts() {
    return new SinkParts(
        state, log, () -> protection, positions, () -> now, () -> nanos, new SplittableRandom(7));
  }

  /** What time it is. */
  public Instant now() {
    return now;
  }

  /** Monotonic time. */
  public long nanoTime() {
    return nanos;
  }

  /** Lets time pass. */
  public void pass(Duration time) {
    now = now.plus(time);
    nanos += time.toNanos();
  }

  /** Appends and folds. */
  public void append(BanEvent... events) {
    long head = log.head();
    AppendResult result = log.append(head, List.of(events));
    if (!(result instanceof AppendResult.Appended)) {
      throw new IllegalStateException("not appended: " + result);
    }
    for (BanEvent event : events) {
      state.apply(new SequencedEvent(++head, event));
    }
  }

  /** Lets a sink work for a time, in which nothing happens but what it does. */
  void run(SinkWork work, Duration time) {
    Instant end = now.plus(time);
    for (int i = 0; i < MAX_STEPS; i++) {
      Duration pause = work.step();
      if (now.plus(pause).isAfter(end)) {
        pass(Duration.between(now, end));
        return;
      }
      pass(pause);
    }
    throw new IllegalStateException("it never rests");
  }
}
