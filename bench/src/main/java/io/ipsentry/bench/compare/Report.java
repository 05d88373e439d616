package io.ipsentry.bench.compare;

import io.ipsentry.bench.compare.Results.Lost;
import io.ipsentry.bench.compare.Subject.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Turns raw results into {@code README.md} and a chart a section. Every number in it comes from the
 * raw results; the bounds of {@link Bar} are goals.
 */
final class Report {
  /** Facts of the machine and the run, as opposed to those of a part. */
  static final String RUN = "run";

  private static final String HEAD =
      """
      # Benchmarks

      <!-- Written by bench/compare from raw results. Do not edit: run it again. -->

      ip-sentry beside fail2ban, CrowdSec and what limits all of them, on one machine, in one run, in rounds that take turns. A number is the median of the rounds; in brackets the lowest
      and the highest. Rows of one table may be compared, rows of different machines may not. `bench/compare` measures all of this anew and writes this page.

      """;

  private final Results results;
  private final StringBuilder text = new StringBuilder(HEAD);

  private Report(Results results) {
    this.results = results;
  }

  /**
   * Writes the report.
   *
   * @param raw directory with the files {@code *.jsonl}, and flame graphs {@code *.svg} with a line
   *     each in {@code *.txt}
   * @param to directory, made if there is none; charts of this report there are replaced
   */
  static void write(Path raw, Path to) throws IOException {
    Files.createDirectories(to);
    Results results = Results.read(raw);
    Report report = new Report(results);
    report.machine();
    report.lost();
    report.bars();
    for (Section section : Section.values()) {
      if (results.has(section)) {
        boolean isDrawn = Chart.draw(results, section, to.resolve(section.id + ".png"));
        report.section(section, isDrawn);
      }
    }
    report.profiles(raw, to);
    Files.writeString(to.resolve("README.md"), report.text);
  }

  private void machine() {
    line("| | |\n|---|---|");
    results
        .facts()
        .getOrDefault(RUN, Map.of())
        .forEach((name, value) -> line("| " + name + " | " + value + " |"));
    line(
        "\n"
            + "When each part was measured, and what the machine did before (load: processes that"
            + " run or wait, over the last minute):\n");
    Set<String> names = new LinkedHashSet<>();
    results
        .facts()
        .forEach((part, facts) -> {
          if (!part.equals(RUN)) {
            names.addAll(facts.keySet());
          }
        });
    line("| part | " + String.join(" | ", names) + " |");
    line("|---|" + "---|".repeat(names.size()));
    results
        .facts()
        .forEach((part, facts) -> {
          if (!part.equals(RUN)) {
            List<String> cells = new ArrayList<>();
            names.forEach(name -> cells.add(facts.getOrDefault(name, "")));
            line("| " + part + " | " + String.join(" | ", cells) + " |");
          }
        });
    line("");
  }

  private void lost() {
    line("## Where ip-sentry loses\n");
    List<Lost> lost = results.lost(Kind.PEER);
    if (lost.isEmpty()) {
      line("In no row of these tables is a peer better by its median.\n");
    } else {
      line("To a peer, by the medians:\n");
      lost.forEach(this::lost);
      line("");
    }
    List<Lost> beyond = results.lost(Kind.LIMIT);
    if (!beyond.isEmpty()) {
      line("To a limit, which does only part of the work:\n");
      beyond.forEach(this::lost);
      line("");
    }
  }

  private void lost(Lost lost) {
    String times = Double.isInfinite(lost.factor()) ? "" : ", " + number(lost.factor()) + " times";
    String doubt = lost.ownSpread().overlaps(lost.otherSpread()) ? "; the rounds overlap" : "";
    line(
        "* [%s](#%s), %s: %s %s, %s %s %s%s%s"
            .formatted(
                lost.metric().section.title,
                lost.metric().section.anchor(),
                lost.metric().title,
                lost.own(),
                number(lost.ownSpread().median()),
                lost.other(),
                number(lost.otherSpread().median()),
                lost.metric().unit,
                times,
                doubt));
  }

  private void bars() {
    line("## What is to be reached\n");
    line("| | | bound | measured | |\n|---|---|---|---|---|");
    for (Bar bar : Bar.ALL) {
      Optional<Spread> spread = results.of(bar.metric(), bar.subject());
      Optional<Spread> base = bar.than().flatMap(than -> results.of(bar.metric(), than));
      if (spread.isEmpty() || bar.than().isPresent() && base.isEmpty()) {
        continue;
      }
      double value = spread.get().median() / base.map(Spread::median).orElse(1.0);
      boolean isReached = value == bar.bound() || bar.metric().isBetter(value, bar.bound());
      String unit = bar.than().map(than -> "of " + than).orElse(bar.metric().unit);
      line(
          "| %s, %s | %s | %s %s %s | %s | %s |"
              .formatted(
                  bar.metric().section.title,
                  bar.metric().title,
                  bar.subject(),
                  bar.metric().isMoreBetter ? "at least" : "at most",
                  number(bar.bound()),
                  unit,
                  number(value),
                  isReached ? "reached" : "**missed**"));
    }
    line("");
  }

  private void section(Section section, boolean isDrawn) {
    line("## " + section.title + "\n");
    line(section.text + "\n");
    if (isDrawn) {
      line("![" + section.title + "](" + section.id + ".png)\n");
    }
    List<Metric> metrics = Metric.of(section);
    Set<String> subjects = new LinkedHashSet<>();
    metrics.forEach(metric -> subjects.addAll(results.of(metric).keySet()));
    metrics.forEach(metric -> subjects.addAll(results.absent(metric).keySet()));
    List<String> head = metrics.stream().map(metric -> metric.title + ", " + metric.unit).toList();
    line("| | " + String.join(" | ", head) + " |");
    line("|---|" + "---|".repeat(metrics.size()));
    List<String> notes = new ArrayList<>();
    for (String subject : subjects) {
      List<String> cells = new ArrayList<>();
      for (Metric metric : metrics) {
        cells.add(cell(metric, subject));
        Optional.ofNullable(results.absent(metric).get(subject))
            .map(reason -> "* " + subject + ", " + metric.title + ": " + reason)
            .ifPresent(notes::add);
      }
      line("| " + subject + " | " + String.join(" | ", cells) + " |");
    }
    line("");
    if (!notes.isEmpty()) {
      line("Without a number:\n");
      notes.forEach(this::line);
      line("");
    }
  }

  private String cell(Metric metric, String subject) {
    return results
        .of(metric, subject)
        .map(spread ->
            "%s (%s to %s, %d %s)"
                .formatted(
                    number(spread.median()),
                    number(spread.least()),
                    number(spread.most()),
                    spread.rounds(),
                    spread.rounds() == 1 ? "round" : "rounds"))
        .orElse("–");
  }

  private void profiles(Path raw, Path to) throws IOException {
    List<Path> graphs;
    try (Stream<Path> found = Files.list(raw)) {
      graphs = found.filter(file -> file.toString().endsWith(".svg")).sorted().toList();
    }
    if (graphs.isEmpty()) {
      return;
    }
    line("## Profiles\n");
    line(
        """
        Where the hot paths spend their processor time, by flight recordings of `bench/compare profile`: flame graphs (a box is a method, as wide as its share with what it calls; what is
        below one percent is left out) and the methods with the most time of their own. Point at a box to read its name.
        """);
    for (Path graph : graphs) {
      String name = graph.getFileName().toString();
      Files.copy(graph, to.resolve(name), StandardCopyOption.REPLACE_EXISTING);
      line(Files.readString(raw.resolve(name.replace(".svg", ".txt"))));
      line("![" + name.replace(".svg", "") + "](" + name + ")\n");
    }
  }

  private void line(String line) {
    text.append(line).append('\n');
  }

  /** Three digits that count; no exponent. */
  static String number(double value) {
    if (value == 0) {
      return "0";
    }
    if (value == Math.rint(value) && Math.abs(value) < 1_000) {
      return String.format(Locale.ROOT, "%.0f", value);
    }
    int before = (int) Math.floor(Math.log10(Math.abs(value))) + 1;
    if (before >= 3) {
      double step = Math.pow(10, before - 3);
      return String.format(Locale.ROOT, "%,.0f", Math.rint(value / step) * step);
    }
    return String.format(Locale.ROOT, "%." + Math.min(3 - before, 4) + "f", value);
  }
}
