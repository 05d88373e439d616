package io.ipsentry.watcher.source;

import java.util.function.LongSupplier;

/**
 * Events per second as a running average that forgets with a time constant of {@value
 * #MEMORY_SECONDS} s. Confined to one thread.
 */
final class RateMeter {
  static final int MEMORY_SECONDS = 10;

  private static final double NANOS = 1e9;

  private final LongSupplier nanoTicker;
  private long at;
  private long counted;
  private double rate;

  RateMeter(LongSupplier nanoTicker) {
    this.nanoTicker = nanoTicker;
    at = nanoTicker.getAsLong();
  }

  /** The rate, given that {@code total} events have happened in all. */
  double update(long total) {
    long now = nanoTicker.getAsLong();
    double seconds = (now - at) / NANOS;
    if (seconds > 0) {
      double recent = (total - counted) / seconds;
      double keep = Math.exp(-seconds / MEMORY_SECONDS);
      rate = keep * rate + (1 - keep) * recent;
      at = now;
      counted = total;
    }
    return rate;
  }
}
