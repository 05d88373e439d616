package io.ipsentry.bench.compare;

import java.util.List;

/**
 * Several measurements of the same.
 *
 * @param rounds how many
 */
record Spread(double least, double median, double most, int rounds) {

  static Spread of(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int middle = sorted.length / 2;
    double median =
        sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    return new Spread(sorted[0], median, sorted[sorted.length - 1], sorted.length);
  }

  boolean overlaps(Spread other) {
    return least <= other.most && other.least <= most;
  }
}
