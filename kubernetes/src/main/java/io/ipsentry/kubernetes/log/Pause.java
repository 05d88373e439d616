package io.ipsentry.kubernetes.log;

import java.time.Duration;

/** Waits before something is tried again, or for the watch to show something. */
interface Pause {
  /** Shortest wait between attempts. */
  Duration FIRST = Duration.ofMillis(50);

  /** Longest wait. */
  Duration LONGEST = Duration.ofSeconds(5);

  /**
   * Waits.
   *
   * @param attempt how often it was tried, from 1: the wait doubles with each, up to {@link
   *     #LONGEST}
   * @return false: the log is being closed, do not try again
   */
  boolean await(int attempt);

  /**
   * Waits until an entry is known, at most a quarter of a second.
   *
   * @return false: the log is being closed, do not wait again
   */
  boolean awaitEntry(LogReplica replica, long index);

  /** How long to wait, without jitter. */
  static Duration length(int attempt) {
    long millis = FIRST.toMillis() << Math.min(attempt - 1, 10);
    return Duration.ofMillis(Math.min(millis, LONGEST.toMillis()));
  }
}
