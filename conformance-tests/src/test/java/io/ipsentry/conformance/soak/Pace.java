package io.ipsentry.conformance.soak;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Lets a thread go on at most so often; what was missed is not made up. Confined to a thread. */
final class Pace {
  private final long nanos;
  private long due = System.nanoTime();

  Pace(Duration between) {
    nanos = between.toNanos();
  }

  void await() {
    due += nanos;
    long wait = due - System.nanoTime();
    if (wait < 0) {
      due -= wait;
    }
    while (wait > 0 && !Thread.currentThread().isInterrupted()) {
      LockSupport.parkNanos(wait);
      wait = due - System.nanoTime();
    }
  }
}
