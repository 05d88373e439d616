package io.ipsentry.bench.compare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * A scenario in a whole cluster, played and judged by its test in {@code conformance-tests}. What
 * the test writes to {@code target/stage} becomes raw results; a test that fails ends the run.
 */
final class Scenario implements Bench.Part {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MODULE = "conformance-tests";
  private static final int ROUNDS = 5;

  private final String test;
  private final List<String> options;

  /** Stands for the others where there is no number. */
  private final Metric metric;

  /** By the name of what the test writes. */
  private final Map<String, BiConsumer<Bench, JsonNode>> readers;

  private Scenario(
      String test,
      List<String> options,
      Metric metric,
      Map<String, BiConsumer<Bench, JsonNode>> readers) {
    this.test = test;
    this.options = options;
    this.metric = metric;
    this.readers = readers;
  }

  /** Probers, and those who guess passwords. */
  static Scenario attacks() {
    return new Scenario(
        "StageAttacksIT",
        List.of(),
        Metric.CLUSTER_DROP_P99,
        Map.of("probing", Scenario::probing, "guessing", Scenario::guessing));
  }

  /** What fails while it is attacked, for as long as each build has it fail. */
  static Scenario faults() {
    return new Scenario(
        "StageFaultsIT", List.of(), Metric.CLUSTER_BANNED, Map.of("faults", Scenario::faults));
  }

  /** Two minutes of attacks, a new attacker each second. */
  static Scenario soak() {
    return new Scenario(
        "StageSoakIT",
        List.of("-Dstage.soak=PT2M"),
        Metric.CLUSTER_MEMORY,
        Map.of("soak", Scenario::soak));
  }

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    if (bench.isQuick()) {
      return;
    }
    Optional<String> reason = bench.leftOut(Subject.IP_SENTRY);
    reason = reason.isPresent() ? reason : Parts.needs("ip", "nginx", "ipset", "iptables-legacy");
    if (reason.isPresent()) {
      bench.absent(metric, Subject.IP_SENTRY, reason.get());
      return;
    }
    Path written = bench.root().resolve(MODULE).resolve("target/stage");
    for (String name : readers.keySet()) {
      // Of another run.
      boolean ignored = Files.deleteIfExists(written.resolve(name + ".json"));
    }
    play(bench);
    for (Map.Entry<String, BiConsumer<Bench, JsonNode>> reader : readers.entrySet()) {
      Path numbers = written.resolve(reader.getKey() + ".json");
      if (Files.exists(numbers)) {
        reader.getValue().accept(bench, JSON.readTree(numbers.toFile()));
      } else {
        bench.absent(metric, Subject.IP_SENTRY, test + " was skipped: there is no API server here");
      }
    }
  }

  private void play(Bench bench) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                bench.root().resolve("mvnw").toString(),
                "-B",
                "-ntp",
                "-Dquick",
                "-pl",
                MODULE,
                "-am",
                "verify",
                "-Dtest=none",
                "-Dit.test=" + test,
                "-Dsurefire.failIfNoSpecifiedTests=false",
                "-Dfailsafe.failIfNoSpecifiedTests=false",
                "-Dstage.rounds=" + bench.rounds(ROUNDS)));
    command.addAll(options);
    ProcessBuilder maven =
        new ProcessBuilder(command).directory(bench.root().toFile()).redirectErrorStream(true);
    maven.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = maven.start();
    String told = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IllegalStateException(test + " ended badly: " + told);
    }
  }

  // ---- what the tests write

  private static void probing(Bench bench, JsonNode numbers) {
    numbers
        .required("lineToDropMillis")
        .properties()
        .forEach(node -> {
          int round = 1;
          for (JsonNode each : node.getValue().required("rounds")) {
            bench.add(Metric.CLUSTER_DROP_P50, node.getKey(), round, value(each, "p50"));
            bench.add(Metric.CLUSTER_DROP_P99, node.getKey(), round, value(each, "p99"));
            round++;
          }
        });
    for (JsonNode wave : numbers.required("waves")) {
      int addresses = wave.required("addresses").intValue();
      String subject =
          wave.required("way").textValue().equals("log") ? Prober.BY_LOG : Prober.INLINE;
      Metric answered =
          addresses > 1
              ? Metric.CLUSTER_ANSWERED_SWARM
              : Metric.of("cluster-answered-" + wave.required("rate").intValue());
      int round = wave.required("round").intValue() + 1;
      bench.add(answered, subject, round, value(wave, "passed") / addresses);
    }
  }

  private static void guessing(Bench bench, JsonNode numbers) {
    guessed(bench, "guesses without a pause, over IPv4", value(numbers, "guessesAnswered4"));
    guessed(bench, "guesses without a pause, over IPv6", value(numbers, "guessesAnswered6"));
    guessed(bench, "a walk through a /64", value(numbers, "walkPassed"));
  }

  private static void guessed(Bench bench, String what, double answered) {
    bench.add(Metric.CLUSTER_GUESSED, what, 1, answered);
  }

  private static void faults(Bench bench, JsonNode numbers) {
    for (JsonNode each : numbers.required("faults")) {
      String fault = each.required("fault").textValue();
      bench.add(Metric.CLUSTER_FAULT, fault, 1, value(each, "faultSeconds"));
      bench.add(Metric.CLUSTER_BANNED, fault, 1, value(each, "bannedSeconds"));
    }
    numbers
        .required("residentMiB")
        .properties()
        .forEach(process ->
            bench.add(
                Metric.CLUSTER_MEMORY_FAULTS,
                process.getKey(),
                1,
                process.getValue().doubleValue()));
  }

  private static void soak(Bench bench, JsonNode numbers) {
    numbers
        .required("residentMiB")
        .properties()
        .forEach(process ->
            bench.add(
                Metric.CLUSTER_MEMORY, process.getKey(), 1, value(process.getValue(), "late")));
    numbers
        .required("lagSeconds")
        .properties()
        .forEach(
            lag -> bench.add(Metric.CLUSTER_LAG, lag.getKey(), 1, value(lag.getValue(), "max")));
  }

  private static double value(JsonNode of, String key) {
    return of.required(key).doubleValue();
  }
}
