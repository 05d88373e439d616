package io.ipsentry.cli;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Bounds what a burst leaves in the heap. The serial collector takes more memory, up to all it may
 * have, before it looks at what has grown old: a burst of events, each of which lives for a moment,
 * so costs many times what is kept of it, and nothing collects that afterwards.
 *
 * <p>So it is collected when the heap has grown by what is allowed, or a quarter of what it was,
 * whichever is more, and what is less than that when the heap has not grown for a while. At most
 * once in {@link #PAUSE}, for a collection stops the process: for some 60 ms with 100,000 bans. So
 * does the collector's own in the end, for longer. Confined to one thread.
 */
final class HeapGrowth {
  /** Bytes that are not worth a collection. */
  static final long SMALL = 2L << 20;

  /** Of a process for which nobody waits. */
  static final Duration QUIET = Duration.ofSeconds(5);

  /** Of one that answers requests, or whose bans must not wait. */
  static final Duration LONG_QUIET = Duration.ofMinutes(1);

  static final Duration PAUSE = Duration.ofSeconds(1);

  private static final Duration LOOK = Duration.ofSeconds(1);

  private final long allowed;
  private final Duration quiet;
  private final LongSupplier heap;
  private final Runnable collector;
  private final LongSupplier nanoTicker;
  private long settled;
  private long collectedAt;
  private long last;
  private long grownAt;

  /**
   * @param allowed bytes by which the heap may grow in a burst
   * @param quiet for so long the heap has not grown before less than that is collected
   * @param heap bytes that the heap takes now
   * @param collector collects all of it, and gives back what is free
   * @param nanoTicker elapsed time, nanoseconds
   */
  HeapGrowth(
      long allowed,
      Duration quiet,
      LongSupplier heap,
      Runnable collector,
      LongSupplier nanoTicker) {
    this.allowed = allowed;
    this.quiet = quiet;
    this.heap = heap;
    this.collector = collector;
    this.nanoTicker = nanoTicker;
    settled = heap.getAsLong();
    last = settled;
    collectedAt = nanoTicker.getAsLong();
    grownAt = collectedAt;
  }

  /** Of this process; the less may be left, the more often it stops for a moment in a burst. */
  static HeapGrowth ofProcess(long allowed, Duration quiet) {
    return new HeapGrowth(
        allowed, quiet, Runtime.getRuntime()::totalMemory, System::gc, System::nanoTime);
  }

  /** As {@link #ofProcess}, on a thread of its own that looks each second until it is closed. */
  static ScheduledExecutorService watch(long allowed, Duration quiet) {
    HeapGrowth growth = ofProcess(allowed, quiet);
    ScheduledExecutorService thread =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("heap").daemon().factory());
    var ignored =
        thread.scheduleWithFixedDelay(
            growth::look, LOOK.toMillis(), LOOK.toMillis(), TimeUnit.MILLISECONDS);
    return thread;
  }

  /** Collects if it is time; to be called about each second. */
  void look() {
    long now = nanoTicker.getAsLong();
    long bytes = heap.getAsLong();
    if (bytes > last) {
      grownAt = now;
    }
    last = bytes;
    long grown = bytes - settled;
    boolean isMuch = grown > Math.max(allowed, settled / 4) && now - collectedAt >= PAUSE.toNanos();
    boolean isQuiet = grown > SMALL && now - grownAt >= quiet.toNanos();
    if (isMuch || isQuiet) {
      collect();
    }
  }

  /** Collects now: it is known that much has become garbage. */
  void collect() {
    collector.run();
    collectedAt = nanoTicker.getAsLong();
    grownAt = collectedAt;
    settled = heap.getAsLong();
    last = settled;
  }
}
