package io.ipsentry.watcher.metrics;

import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import java.util.concurrent.atomic.LongAdder;

/**
 * How long something took, in buckets from 0.25 ms to 10 s.
 *
 * <p>Safe for any thread; recording takes no lock and allocates nothing. A snapshot taken meanwhile
 * may miss what is being recorded, but never counts it twice.
 */
public final class LatencyHistogram {
  /** Upper bounds in seconds; the last bucket takes everything. */
  private static final double[] BOUNDS = {
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    Double.POSITIVE_INFINITY
  };

  private static final double NANOS_PER_SECOND = 1e9;

  private final LongAdder[] counts = new LongAdder[BOUNDS.length];
  private final LongAdder sumNanos = new LongAdder();

  public LatencyHistogram() {
    for (int i = 0; i < counts.length; i++) {
      counts[i] = new LongAdder();
    }
  }

  /** Adds one duration; a negative one, as of a clock that was set back, counts as zero. */
  public void recordNanos(long nanos) {
    long elapsed = Math.max(0, nanos);
    int bucket = 0;
    while (elapsed > BOUNDS[bucket] * NANOS_PER_SECOND) {
      bucket++;
    }
    counts[bucket].increment();
    sumNanos.add(elapsed);
  }

  /** As a metric. */
  public HistogramSnapshot snapshot(String name, String help) {
    long[] now = new long[counts.length];
    for (int i = 0; i < now.length; i++) {
      now[i] = counts[i].sum();
    }
    double sum = sumNanos.sum() / NANOS_PER_SECOND;
    return HistogramSnapshot.builder()
        .name(name)
        .help(help)
        .dataPoint(
            HistogramDataPointSnapshot.builder()
                .labels(Labels.EMPTY)
                .classicHistogramBuckets(ClassicHistogramBuckets.of(BOUNDS, now))
                .sum(sum)
                .build())
        .build();
  }
}
