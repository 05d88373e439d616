package io.ipsentry.stage;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for conditions, with an end. */
final class Waiting {
  private static final long LOOK_NANOS = 50_000_000;

  private Waiting() {}

  /**
   * Looks again and again.
   *
   * @throws IllegalStateException if it does not hold in time
   */
  static void until(String what, Duration atMost, BooleanSupplier condition) {
    long begun = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - begun > atMost.toNanos()) {
        throw new IllegalStateException("not after " + atMost + ": " + what);
      }
      LockSupport.parkNanos(LOOK_NANOS);
      if (Thread.currentThread().isInterrupted()) {
        throw new IllegalStateException("interrupted while waiting: " + what);
      }
    }
  }
}
