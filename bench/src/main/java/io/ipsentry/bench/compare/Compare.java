package io.ipsentry.bench.compare;

import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Measures what is asked for, or what is not measured yet, and writes the report. Started by {@code
 * bench/compare}, where its arguments are described.
 */
public final class Compare {
  private static final String REPORT = "report";

  /** Raw results, logs and the report of a quick run have their own places. */
  private static final String QUICK = "-quick";

  private final List<String> program = new ArrayList<>();
  private final List<String> asked = new ArrayList<>();
  private final Map<String, String> options = new LinkedHashMap<>();
  private final AtomicBoolean isEnding = new AtomicBoolean();
  private boolean isQuick;

  private Compare(String[] arguments) {
    for (int i = 0; i < arguments.length; i++) {
      String argument = arguments[i];
      switch (argument) {
        case "--quick" -> isQuick = true;
        case "--root", "--work", "--to", "--only", "--rounds" ->
            options.put(argument, arguments[++i]);
        case "--program" -> {
          // The rest is how ip-sentry is started.
          program.addAll(List.of(arguments).subList(i + 1, arguments.length));
          i = arguments.length;
        }
        default -> asked.add(argument);
      }
    }
  }

  /** Runs it. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    Locale.setDefault(Locale.ROOT);
    new Compare(arguments).run();
  }

  private Path path(String option, Path otherwise) {
    String given = options.get(option);
    return given == null ? otherwise : Path.of(given).toAbsolutePath();
  }

  private void run() throws IOException, InterruptedException {
    Path root = path("--root", Path.of("").toAbsolutePath());
    Path work = path("--work", root.resolve("bench/target"));
    Path raw = Files.createDirectories(work.resolve("compare" + (isQuick ? QUICK : "")));
    Path to = path("--to", isQuick ? raw.resolve(REPORT) : root.resolve("docs/benchmarks"));
    String only = options.getOrDefault("--only", "");
    for (String part : parts(raw)) {
      Path scratch = Files.createTempDirectory(Path.of("/tmp"), "ipsc");
      Thread hook = new Thread(() -> abandon(scratch), "abandon");
      Runtime.getRuntime().addShutdownHook(hook);
      try {
        Bench bench =
            new Bench(
                program,
                root,
                raw,
                scratch,
                only.isEmpty() ? Set.of() : Set.of(only.split(",")),
                isQuick,
                Integer.parseInt(options.getOrDefault("--rounds", "100")),
                new ArrayList<>());
        measure(bench, raw, part);
      } finally {
        if (!isEnding.get()) {
          Bench.delete(scratch);
          Runtime.getRuntime().removeShutdownHook(hook);
        }
      }
    }
    Raw.write(raw.resolve(Report.RUN + ".jsonl"), Machine.facts());
    Report.write(raw, to);
    System.err.println("compare: the report is " + to.resolve("README.md"));
  }

  /** Broken off: what was started must not go on. */
  private void abandon(Path scratch) {
    isEnding.set(true);
    ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
    if (Programs.find("ip").isPresent()) {
      Programs.run("ip", "netns", "list")
          .lines()
          .map(line -> line.split(" ", 2)[0])
          .filter(name -> name.startsWith("ipsentry-" + Bench.NAMESPACES))
          // The main thread may do the same at this moment.
          .forEach(name -> Programs.run("sh", "-c", "ip netns delete " + name + " || :"));
    }
    try {
      Bench.delete(scratch);
    } catch (IOException e) {
      System.err.println("compare: " + scratch + " is left: " + e);
    }
  }

  private static void measure(Bench bench, Path raw, String part)
      throws IOException, InterruptedException {
    bench.say("measures " + part);
    String load = Machine.load();
    Instant begin = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    Objects.requireNonNull(Parts.ALL.get(part)).measure(bench);
    long seconds = ChronoUnit.SECONDS.between(begin, Instant.now());
    bench.found().add(new Raw.Fact("begun", begin.toString()));
    Machine.checkout(bench.root())
        .ifPresent(found -> bench.found().add(new Raw.Fact("checkout", found)));
    Machine.build(bench.root()).ifPresent(found -> bench.found().add(new Raw.Fact("built", found)));
    bench.found().add(new Raw.Fact("load before", load));
    bench.found().add(new Raw.Fact("load at its end", Machine.load()));
    bench.found().add(new Raw.Fact("took", seconds + " s"));
    Raw.write(raw.resolve(part + ".jsonl"), bench.found());
  }

  /** Those that were asked for by name or its beginning; else those without a result. */
  private List<String> parts(Path raw) {
    List<String> parts = new ArrayList<>();
    for (String name : asked) {
      List<String> meant =
          Parts.ALL.keySet().stream()
              .filter(part -> part.equals(name) || part.startsWith(name + "-"))
              .toList();
      if (meant.isEmpty() && !name.equals(REPORT)) {
        throw new IllegalArgumentException(
            "no part " + name + "; there are " + Parts.ALL.keySet() + " and " + REPORT);
      }
      parts.addAll(meant);
    }
    if (asked.isEmpty()) {
      Parts.ALL.keySet().stream()
          .filter(part -> !Files.exists(raw.resolve(part + ".jsonl")))
          .forEach(parts::add);
    }
    return parts;
  }
}
