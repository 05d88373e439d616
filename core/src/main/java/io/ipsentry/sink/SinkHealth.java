package io.ipsentry.sink;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts what went well and what failed, and how long to wait after that: from one second, twice as
 * long each time, up to five minutes, each half to one and a half times that; or as long as the
 * sink asks for. Written by one thread; read by any.
 */
final class SinkHealth {
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);

  /** What a sink asks for, beyond this, is not granted: it may be a mistake of its clock. */
  private static final Duration LONGEST_RETRY_AFTER = Duration.ofHours(1);

  /** After a defect; the sink may go on with what comes then. */
  private static final Duration DEFECT_PAUSE = Duration.ofMinutes(1);

  private static final int MAX_DOUBLINGS = 9;
  private static final Logger logger = LoggerFactory.getLogger(SinkHealth.class);

  private final String sink;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final RandomGenerator random;
  private int inARow;
  private long pausedUntil;
  private volatile long delivered;
  private volatile long failures;
  private volatile String problem = "";
  private volatile String lastError = "";
  private volatile @Nullable Instant lastErrorAt;
  private volatile @Nullable Instant lastDone;

  SinkHealth(String sink, SinkParts parts) {
    this.sink = sink;
    clock = parts.clock();
    nanoTime = parts.nanoTime();
    random = parts.random();
    pausedUntil = nanoTime.getAsLong();
  }

  /** What is left of the pause after a failure. */
  Duration pause() {
    return Duration.ofNanos(Math.max(0, pausedUntil - nanoTime.getAsLong()));
  }

  boolean isFailing() {
    return inARow > 0;
  }

  /** Something was taken, or found to be right. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
  void succeeded(int taken) {
    delivered += taken;
    inARow = 0;
    lastDone = clock.instant();
    if (!problem.isEmpty()) {
      logger.atInfo().addKeyValue("sink", sink).log("the sink works again");
      problem = "";
    }
  }

  /** Notes a failure, and begins the pause after it. */
  void failed(SinkException e) {
    Duration pause =
        e.kind() == SinkException.Kind.REFUSED ? LONGEST_PAUSE : e.retryAfter().orElse(null);
    failed(String.valueOf(e.getMessage()), pause);
  }

  /** Notes a failure that no sink should have, and begins the pause after it. */
  void noteDefect(RuntimeException defect) {
    failed("a defect, see the log: " + defect, DEFECT_PAUSE);
  }

  /**
   * Notes a failure.
   *
   * @param wait null: that of the failures in a row
   */
  void failed(String message, @Nullable Duration wait) {
    note(message);
    if (!message.equals(problem)) {
      logger
          .atWarn()
          .addKeyValue("sink", sink)
          .addKeyValue("cause", message)
          .log("a sink fails; it is tried again");
    }
    problem = message;
    long nanos = (FIRST_PAUSE.toNanos() << Math.min(inARow, MAX_DOUBLINGS));
    nanos = Math.min(LONGEST_PAUSE.toNanos(), nanos);
    nanos = nanos / 2 + random.nextLong(nanos);
    if (wait != null) {
      nanos = Math.min(LONGEST_RETRY_AFTER.toNanos(), Math.max(wait.toNanos(), 1));
    }
    inARow++;
    pausedUntil = nanoTime.getAsLong() + nanos;
  }

  /** Notes what could not be done, and does not keep the sink from going on. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
  void note(String message) {
    failures++;
    lastError = message;
    lastErrorAt = clock.instant();
  }

  long delivered() {
    return delivered;
  }

  long failures() {
    return failures;
  }

  String problem() {
    return problem;
  }

  String lastError() {
    return lastError;
  }

  Optional<Instant> lastErrorAt() {
    return Optional.ofNullable(lastErrorAt);
  }

  Optional<Instant> lastDone() {
    return Optional.ofNullable(lastDone);
  }
}
