package io.ipsentry.watcher.source;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/** Both clocks of a test; they go on only when told to. */
final class ManualTime implements InstantSource, LongSupplier {
  private Instant now = Instant.parse("2026-11-21T07:00:00Z");
  private long nanos = 1_000;

  @Override
  public Instant instant() {
    return now;
  }

  @Override
  public long getAsLong() {
    return nanos;
  }

  void advance(Duration by) {
    now = now.plus(by);
    nanos += by.toNanos();
  }
}
