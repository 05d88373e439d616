package io.ipsentry.bench.compare;

import io.ipsentry.bench.compare.Subject.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** All raw results of a directory, by what they measure. */
final class Results {
  private final Map<Metric, Map<String, Spread>> measured = new EnumMap<>(Metric.class);
  private final Map<Metric, Map<String, String>> absent = new EnumMap<>(Metric.class);
  private final Map<String, Map<String, String>> facts = new LinkedHashMap<>();

  private Results() {}

  /** One subject of a metric that is better than another. */
  record Lost(Metric metric, String own, Spread ownSpread, String other, Spread otherSpread) {
    /** How many times better the other is, by medians; infinite where one is 0. */
    double factor() {
      double more = Math.max(ownSpread.median(), otherSpread.median());
      double less = Math.min(ownSpread.median(), otherSpread.median());
      return less > 0 ? more / less : Double.POSITIVE_INFINITY;
    }
  }

  /** Reads the files {@code *.jsonl} of a directory; the facts of each by its name. */
  static Results read(Path directory) throws IOException {
    Results results = new Results();
    Map<Metric, Map<String, List<Double>>> values = new EnumMap<>(Metric.class);
    List<Path> files;
    try (Stream<Path> found = Files.list(directory)) {
      files = found.filter(file -> file.toString().endsWith(".jsonl")).sorted().toList();
    }
    for (Path file : files) {
      String part = file.getFileName().toString().replace(".jsonl", "");
      for (Raw line : Raw.read(file)) {
        switch (line) {
          case Raw.Measured one -> {
            Metric metric = Metric.of(one.metric());
            values
                .computeIfAbsent(metric, _ -> new LinkedHashMap<>())
                .computeIfAbsent(one.subject(), _ -> new ArrayList<>())
                .add(one.value());
          }
          case Raw.Absent(String metric, String subject, String reason) ->
              results
                  .absent
                  .computeIfAbsent(Metric.of(metric), _ -> new LinkedHashMap<>())
                  .put(subject, reason);
          case Raw.Fact(String name, String value) ->
              results.facts.computeIfAbsent(part, _ -> new LinkedHashMap<>()).put(name, value);
        }
      }
    }
    values.forEach((metric, subjects) -> {
      Map<String, Spread> spreads = new LinkedHashMap<>();
      subjects.forEach((subject, rounds) -> spreads.put(subject, Spread.of(rounds)));
      results.measured.put(metric, spreads);
    });
    return results;
  }

  /** Of the measured ones, in the order in which they were measured. */
  Map<String, Spread> of(Metric metric) {
    return measured.getOrDefault(metric, Map.of());
  }

  /** Those without a number, with the reason. */
  Map<String, String> absent(Metric metric) {
    return absent.getOrDefault(metric, Map.of());
  }

  boolean has(Section section) {
    return Metric.of(section).stream()
        .anyMatch(metric -> measured.containsKey(metric) || absent.containsKey(metric));
  }

  Optional<Spread> of(Metric metric, String subject) {
    @Nullable Spread spread = of(metric).get(subject);
    return Optional.ofNullable(spread);
  }

  /** By file. */
  Map<String, Map<String, String>> facts() {
    return facts;
  }

  /** Where another subject of this kind is better, in the order of the metrics. */
  List<Lost> lost(Kind to) {
    List<Lost> lost = new ArrayList<>();
    measured.forEach((metric, subjects) ->
        subjects.forEach((own, spread) -> {
          if (Subject.kind(own) != Kind.OWN) {
            return;
          }
          subjects.forEach((other, otherSpread) -> {
            if (Subject.kind(other) == to
                && metric.isBetter(otherSpread.median(), spread.median())) {
              lost.add(new Lost(metric, own, spread, other, otherSpread));
            }
          });
        }));
    return lost;
  }
}
