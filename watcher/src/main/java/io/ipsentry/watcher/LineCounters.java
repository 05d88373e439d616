package io.ipsentry.watcher;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the lines of one source. Written by one thread, read by any.
 *
 * <p>A line is exactly one of: part of a longer one, unmatched (not of the format), or matched by
 * the format; of the last, {@code hits} count and {@code withoutAddress} would have.
 */
final class LineCounters {
  private final AtomicLong lines = new AtomicLong();
  private final AtomicLong unmatched = new AtomicLong();
  private final AtomicLong hitLines = new AtomicLong();
  private final AtomicLong withoutAddress = new AtomicLong();

  /**
   * A plain store: whatever the reading thread does between two reads publishes it. An ordered one
   * is a full fence to the compiler that a short replay runs with, and there is one for each line.
   */
  private static void increment(AtomicLong counter) {
    counter.setPlain(counter.getPlain() + 1);
  }

  void line() {
    increment(lines);
  }

  void unmatchedLine() {
    increment(unmatched);
  }

  void hitLine() {
    increment(hitLines);
  }

  void lineWithoutAddress() {
    increment(withoutAddress);
  }

  /** Lines read, the empty ones and parts of longer ones included. */
  long lines() {
    return lines.get();
  }

  /** Lines that are not of the format. */
  long unmatched() {
    return unmatched.get();
  }

  /** Lines that were a hit for at least one rule. */
  long hitLines() {
    return hitLines.get();
  }

  /** Lines that a rule matched but in which no client address could be found. */
  long withoutAddress() {
    return withoutAddress.get();
  }
}
