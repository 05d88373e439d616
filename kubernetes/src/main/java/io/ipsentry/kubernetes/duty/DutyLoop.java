package io.ipsentry.kubernetes.duty;

import io.ipsentry.banlog.BanLogException;
import io.ipsentry.kubernetes.api.ApiServerException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Does a duty on a thread of its own until it is closed. After a failure it pauses, with jitter,
 * longer each time. Safe for any thread.
 */
public final class DutyLoop implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(1);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final int MAX_DOUBLINGS = 7;

  /** A step that waits for the API server ends when that answers; it does no harm meanwhile. */
  private static final Duration LONGEST_END = Duration.ofSeconds(3);

  private static final Logger logger = LoggerFactory.getLogger(DutyLoop.class);

  private final Duty duty;
  private final InstantSource clock;
  private final Thread thread;
  private volatile boolean stopped;
  private volatile @Nullable Instant lastDone;
  private volatile long failures;
  private volatile String problem = "";

  private DutyLoop(Duty duty, InstantSource clock) {
    this.duty = duty;
    this.clock = clock;
    thread = Thread.ofVirtual().name("duty-" + duty.name()).unstarted(this::run);
  }

  /**
   * Begins.
   *
   * @param duty closed when it has ended
   */
  public static DutyLoop start(Duty duty, InstantSource clock) {
    DutyLoop loop = new DutyLoop(duty, clock);
    loop.thread.start();
    return loop;
  }

  /** How it goes. */
  public DutyStatus status() {
    return new DutyStatus(duty.name(), Optional.ofNullable(lastDone), failures, problem);
  }

  private void run() {
    try {
      int inARow = 0;
      while (!stopped) {
        if (step()) {
          inARow = 0;
        } else {
          pause(inARow++);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      duty.close();
    }
  }

  private boolean step() throws InterruptedException {
    try {
      duty.step(PATIENCE);
      if (!problem.isEmpty()) {
        logger.atInfo().addKeyValue("duty", duty.name()).log("the duty is done again");
      }
      problem = "";
      lastDone = clock.instant();
      return true;
    } catch (BanLogException | ApiServerException e) {
      failed(e, false);
    } catch (RuntimeException e) { // a defect in one duty must not end it, nor the others
      failed(e, true);
    }
    return false;
  }

  /** Written by the thread of the loop alone. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
  private void failed(RuntimeException e, boolean defect) {
    failures++;
    String message = String.valueOf(defect ? e : e.getMessage());
    if (!stopped && !message.equals(problem)) {
      logger
          .atLevel(defect ? Level.ERROR : Level.WARN)
          .setCause(defect ? e : null)
          .addKeyValue("duty", duty.name())
          .addKeyValue("cause", message)
          .log("a duty of the leader cannot be done; it is tried again");
    }
    problem = message;
  }

  private void pause(int inARow) throws InterruptedException {
    long millis = FIRST_PAUSE.toMillis() << Math.min(inARow, MAX_DOUBLINGS);
    long end =
        System.nanoTime() + (millis / 2 + ThreadLocalRandom.current().nextLong(millis)) * 1_000_000;
    for (long left = end - System.nanoTime(); !stopped && left > 0; ) {
      Thread.sleep(Math.max(1, left / 1_000_000));
      left = end - System.nanoTime();
    }
  }

  /** Ends it soon; does not wait for that. */
  public void stop() {
    stopped = true;
    thread.interrupt();
  }

  /** Ends it; one that waits for the API server ends by itself a little later. */
  @Override
  public void close() {
    stop();
    try {
      if (!thread.join(LONGEST_END)) {
        logger
            .atWarn()
            .addKeyValue("duty", duty.name())
            .log("a duty waits for the API server, and ends when that answers");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
