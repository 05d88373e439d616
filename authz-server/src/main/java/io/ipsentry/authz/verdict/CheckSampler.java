package io.ipsentry.authz.verdict;

/**
 * Says which requests of one thread go into {@link RecentChecks}: each while there are few, and
 * about {@code 1} in {@value #MAX_INTERVAL} while there are many. Between two of them it costs the
 * thread a count. Confined to it.
 */
final class CheckSampler {
  private static final int MAX_INTERVAL = 256;

  /** Samples that come closer together than this are too many, milliseconds. */
  private static final long CLOSE = 50;

  /** And those that are further apart are too few. */
  private static final long FAR = 1_000;

  private int interval = 1;
  private int left = 1;
  private long lastMillis = Long.MIN_VALUE;

  /** Counts a request; true: it is one of the sample, and {@link #taken} is to be called. */
  boolean isDue() {
    return --left <= 0;
  }

  /** A sample was taken. */
  void taken(long nowMillis) {
    boolean first = lastMillis == Long.MIN_VALUE;
    long gap = nowMillis - lastMillis;
    if (first || gap > FAR || gap < 0) {
      interval = 1;
    } else if (gap < CLOSE) {
      interval = Math.min(MAX_INTERVAL, 2 * interval);
    }
    lastMillis = nowMillis;
    left = interval;
  }
}
