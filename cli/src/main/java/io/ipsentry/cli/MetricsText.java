package io.ipsentry.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/** What a process says under {@code /metrics}, in the text format of Prometheus. Immutable. */
final class MetricsText {
  private final List<Sample> samples = new ArrayList<>();

  private record Sample(String name, String labels, double value) {}

  MetricsText(String text) {
    text.lines().filter(line -> !line.startsWith("#")).forEach(this::add);
  }

  private void add(String line) {
    int end = line.lastIndexOf(' ');
    int labels = line.indexOf('{');
    if (end <= 0) {
      return;
    }
    try {
      double value = Double.parseDouble(line.substring(end + 1));
      samples.add(
          labels < 0
              ? new Sample(line.substring(0, end), "", value)
              : new Sample(line.substring(0, labels), line.substring(labels, end), value));
    } catch (NumberFormatException e) {
      // Such as +Inf or a stamp: nothing that is looked at here.
      return;
    }
  }

  /** Sum over all labels; empty: there is no such metric. */
  OptionalDouble sum(String name) {
    return samples.stream()
        .filter(sample -> sample.name().equals(name))
        .mapToDouble(Sample::value)
        .reduce(Double::sum);
  }

  /** As {@link #sum}; 0 where there is no such metric. */
  double value(String name) {
    return sum(name).orElse(0);
  }

  /** The values that a label has in samples of a metric, in their order. */
  List<String> labels(String name, String label) {
    String key = label + "=\"";
    return samples.stream()
        .filter(sample -> sample.name().equals(name) && sample.labels().contains(key))
        .map(sample -> {
          int from = sample.labels().indexOf(key) + key.length();
          return sample.labels().substring(from, sample.labels().indexOf('"', from));
        })
        .toList();
  }
}
