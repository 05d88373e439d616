package io.ipsentry.authz.follow;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Pauses between attempts to connect: doubled each time from the first to the longest, and spread
 * by half up and down, so that many processes do not come at once. Confined to one thread.
 */
public final class Backoff {
  private final Duration first;
  private final Duration longest;
  private final RandomGenerator random;
  private int failures;

  public Backoff(Duration first, Duration longest, RandomGenerator random) {
    this.first = first;
    this.longest = longest;
    this.random = random;
  }

  /** An attempt has succeeded: the next pause is the first one again. */
  public void succeeded() {
    failures = 0;
  }

  /** The pause behind another failure. */
  public Duration next() {
    long millis =
        Math.min(longest.toMillis(), first.toMillis() << Math.min(failures, Byte.SIZE * 2));
    failures++;
    return Duration.ofMillis((long) (millis * (0.5 + random.nextDouble())));
  }
}
