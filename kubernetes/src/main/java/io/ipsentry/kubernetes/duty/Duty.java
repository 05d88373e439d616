package io.ipsentry.kubernetes.duty;

import java.time.Duration;

/**
 * Something that the leader keeps doing. Two processes that do it at once do no harm. {@link #step}
 * and {@link #close} are called by one thread at a time.
 */
public interface Duty extends AutoCloseable {
  /** A constant, such as {@code compaction}; label of metrics. */
  String name();

  /**
   * Does what is due, or waits for it. What it throws is logged, and it is called again after a
   * pause.
   *
   * @param patience longest wait
   * @throws InterruptedException if the thread is interrupted while it waits
   */
  void step(Duration patience) throws InterruptedException;

  /** Lets go of what it listens to. */
  @Override
  default void close() {}
}
