package io.ipsentry.cli;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Bounds what a burst leaves in the heap. The serial collector takes more memory, up to all it may
 * have, before it looks at what has grown old: a burst of events, each of which lives for a moment,
 * so costs many times what is kept of it, and nothing collects that afterwards.
 *
 * <p>So it is collected when the heap has grown by what is allowed, or a quarter of what it was,
 * whichever is more, and what is less than that when the heap has not grown for {@link #QUIET}. At
 * most once in {@link #PAUSE}, for a collection stops the process: for some 60 ms with 100,000
 * bans. Confined to one thread.
 */
final class HeapGrowth {
  /** Bytes that are not worth a collection. */
  static final long SMALL = 2L << 20;

  static final Duration QUIET = Duration.ofSeconds(5);
  static final Duration PAUSE = Duration.ofSeconds(1);

  private final long allowed;
  private final LongSupplier heap;
  private final Runnable collector;
  private final LongSupplier nanoTicker;
  private long settled;
  private long collectedAt;
  private long last;
  private long grownAt;

  /**
   * @param allowed bytes by which the heap may grow in a burst
   * @param heap bytes that the heap takes now
   * @param collector collects all of it, and gives back what is free
   * @param nanoTicker elapsed time, nanoseconds
   */
  HeapGrowth(long allowed, LongSupplier heap, Runnable collector, LongSupplier nanoTicker) {
    this.allowed = allowed;
    this.heap = heap;
    this.collector = collector;
    this.nanoTicker = nanoTicker;
    settled = heap.getAsLong();
    last = settled;
    collectedAt = nanoTicker.getAsLong();
    grownAt = collectedAt;
  }

  /** Of this process; the less may be left, the more often it stops for a moment in a burst. */
  static HeapGrowth ofProcess(long allowed) {
    return new HeapGrowth(allowed, Runtime.getRuntime()::totalMemory, System::gc, System::nanoTime);
  }

  /** Collects if it is time; to be called several times a second. */
  void look() {
    long now = nanoTicker.getAsLong();
    long bytes = heap.getAsLong();
    if (bytes > last) {
      grownAt = now;
    }
    last = bytes;
    long grown = bytes - settled;
    boolean isMuch = grown > Math.max(allowed, settled / 4) && now - collectedAt >= PAUSE.toNanos();
    boolean isQuiet = grown > SMALL && now - grownAt >= QUIET.toNanos();
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
