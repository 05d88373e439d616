package io.ipsentry.authz.envoy;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Lets a message through at most once every ten seconds, for what may happen at every call. Safe
 * for any thread.
 */
final class RareLog {
  private static final long PERIOD_NANOS = 10_000_000_000L;

  private final AtomicLong due = new AtomicLong(System.nanoTime());

  /** Runs {@code log} if the last time was long enough ago. */
  void ifDue(Runnable log) {
    long now = System.nanoTime();
    long at = due.get();
    if (now - at >= 0 && due.compareAndSet(at, now + PERIOD_NANOS)) {
      log.run();
    }
  }
}
