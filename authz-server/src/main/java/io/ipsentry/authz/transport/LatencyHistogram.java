package io.ipsentry.authz.transport;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Durations counted by powers of two from 16 µs to 1 s, which is fine enough to see a proxy's
 * timeout come near. Safe for any thread.
 */
public final class LatencyHistogram {
  private static final int BUCKETS = 17;
  private static final long FIRST_BOUND_NANOS = 1 << 14;

  private static final int NANOS = BUCKETS + 1;

  /** By bucket, and all nanoseconds. */
  private final ThreadCounts counts = new ThreadCounts(BUCKETS + 2);

  /**
   * What was counted.
   *
   * @param boundsSeconds inclusive upper bounds of the buckets, rising; the last bucket has none
   * @param counts in each bucket, one more than there are bounds
   * @param sumSeconds of all durations
   */
  public record Snapshot(List<Double> boundsSeconds, List<Long> counts, double sumSeconds) {
    public Snapshot {
      boundsSeconds = List.copyOf(boundsSeconds);
      counts = List.copyOf(counts);
    }

    /** Durations counted. */
    public long count() {
      return counts.stream().mapToLong(Long::longValue).sum();
    }
  }

  /** Counts a duration. */
  public void record(long durationNanos) {
    record(durationNanos, 1);
  }

  /**
   * Counts a duration for several.
   *
   * @param times how many it stands for
   */
  public void record(long durationNanos, int times) {
    long above = Math.max(0, durationNanos - 1) / FIRST_BOUND_NANOS;
    int bucket = Long.SIZE - Long.numberOfLeadingZeros(above);
    counts.add(Math.min(bucket, BUCKETS), times, NANOS, times * durationNanos);
  }

  /** The counts now; not of one moment. */
  public Snapshot snapshot() {
    Double[] bounds = new Double[BUCKETS];
    Arrays.setAll(bounds, i -> (FIRST_BOUND_NANOS << i) / 1e9);
    return new Snapshot(
        List.of(bounds),
        IntStream.rangeClosed(0, BUCKETS).mapToObj(counts::sum).toList(),
        counts.sum(NANOS) / 1e9);
  }
}
