package io.ipsentry.authz.transport;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Lets a message through at most once in a period, for what may happen at every call, and counts
 * what it held back. Safe for any thread.
 */
public final class RareLog {
  /** Often enough to be seen while something is wrong, too rare to fill a disk. */
  public static final Duration PERIOD = Duration.ofSeconds(10);

  private final LongSupplier nanoTime;
  private final AtomicLong due;
  private final AtomicLong heldBack = new AtomicLong();

  /** Lets the first message through. */
  public RareLog(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    due = new AtomicLong(nanoTime.getAsLong());
  }

  /** Writes a message. */
  public interface Message {
    /**
     * Writes it.
     *
     * @param times how often it happened since it was written last, this time included
     */
    void write(long times);
  }

  /** Writes the message if the last one is long enough ago, else counts it. */
  public void write(Message message) {
    long now = nanoTime.getAsLong();
    long at = due.get();
    if (now - at >= 0 && due.compareAndSet(at, now + PERIOD.toNanos())) {
      message.write(heldBack.getAndSet(0) + 1);
    } else {
      heldBack.incrementAndGet();
    }
  }
}
