package io.ipsentry.conformance.stage;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Numbers of a scenario, as {@code target/stage/NAME.json}: {@code scenario}, {@code at}, {@code
 * processors}, {@code load} (of the machine, over the minute before), and what the scenario puts
 * there. Confined to one thread.
 */
final class StageReport {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private final String name;
  private final Map<String, Object> numbers = new LinkedHashMap<>();

  StageReport(String name) {
    this.name = name;
  }

  /** Maps, lists, texts and numbers. */
  void put(String key, Object value) {
    numbers.put(key, value);
  }

  /** Writes it. */
  void write() {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("scenario", name);
    all.put("at", Instant.now().toString());
    all.put("processors", Runtime.getRuntime().availableProcessors());
    all.put("load", ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    all.putAll(numbers);
    try {
      Path directory = Files.createDirectories(Path.of("target", "stage"));
      JSON.writeValue(directory.resolve(name + ".json").toFile(), all);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the report", e);
    }
  }

  /**
   * Of measured values: {@code n}, {@code p50}, {@code p99}, {@code max}, by rank, rounded to a
   * tenth.
   */
  static Map<String, Object> summary(Collection<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("n", sorted.length);
    summary.put("p50", tenth(rank(sorted, 0.5)));
    summary.put("p99", tenth(rank(sorted, 0.99)));
    summary.put("max", tenth(rank(sorted, 1)));
    return summary;
  }

  /** The value in the middle, the lower one of two. */
  static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return rank(sorted, 0.5);
  }

  private static double rank(double[] sorted, double share) {
    if (sorted.length == 0) {
      throw new IllegalArgumentException("nothing was measured: " + Arrays.toString(sorted));
    }
    return sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
  }

  private static double tenth(double value) {
    return Math.round(value * 10) / 10.0;
  }
}
