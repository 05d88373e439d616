package io.ipsentry.conformance.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.stage.DropProbe;
import io.ipsentry.stage.LoggedLine;
import io.ipsentry.stage.Stage;
import io.ipsentry.stage.StageNode;
import io.ipsentry.stage.Wave;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Probers at three rates from one address each, and from a thousand addresses at once; and how long
 * it takes from the line that decides to the first packet that each node drops. Rounds are
 * interleaved: what else the machine does falls on all kinds alike.
 */
final class ProbingScenario {
  private static final Duration SOON = Duration.ofSeconds(90);
  private static final int THRESHOLD = 3;
  private static final int SWARM = 1_000;
  private static final int MAX_PURSUITS = 10;
  private static final int PURSUIT_RATE = 200;
  private static final Duration A_WHILE = Duration.ofSeconds(6);
  private static final Duration LOOK = Duration.ofMillis(50);
  private static final int SWARM_RATE = 1_000;
  private static final int SAMPLES_A_ROUND = 12;

  /**
   * Attackers before the first round. A hundred times is what a JVM runs a method before it
   * compiles it, and who is measured is to be a cluster that has run for a day.
   */
  private static final int FIRST = 72;

  /** Requests of a wave by its rate: long enough for a ban on a quiet machine, and short. */
  private static final Map<Integer, Integer> REQUESTS =
      new TreeMap<>(Map.of(10, 8, 100, 60, 1_000, 800));

  private final Stage stage;
  private final Attackers attackers;
  private final int rounds;
  private final List<Row> waves = new ArrayList<>();

  /** By node: milliseconds from line to drop, by round. */
  private final Map<String, List<List<Double>>> drops = new TreeMap<>();

  ProbingScenario(Stage stage, Attackers attackers, int rounds) {
    this.stage = stage;
    this.attackers = attackers;
    this.rounds = rounds;
  }

  /** How it is judged whether a request becomes a hit. */
  private enum Way {
    INLINE("inline", "/.env"),
    LOG("log", "/.git/config");

    private final String label;
    private final String target;

    Way(String label, String target) {
      this.label = label;
      this.target = target;
    }
  }

  /**
   * What became of a wave, as it stands in the report.
   *
   * @param late requests that were sent more than a millisecond after they were due
   * @param passed requests that the application answered
   * @param refused requests that the gateway refused; the rest was dropped
   */
  private record Row(
      String way,
      int round,
      int addresses,
      int family,
      int rate,
      int sent,
      int late,
      int passed,
      int refused) {}

  void run() throws InterruptedException, ExecutionException, TimeoutException {
    try (DropProbe probe = new DropProbe(stage)) {
      // What is loaded and compiled at the first attacks is not what is to be seen.
      sample(probe, new ArrayList<>(), FIRST);
      for (Way way : Way.values()) {
        var ignored = wave(way, 0, List.of(attackers.next(false)), 1_000, 800);
      }
      for (int round = 0; round < rounds; round++) {
        List<List<Double>> samples = new ArrayList<>();
        sample(probe, samples, SAMPLES_A_ROUND);
        for (StageNode node : stage.nodes()) {
          drops
              .computeIfAbsent(node.name(), name -> new ArrayList<>())
              .add(samples.stream().map(sample -> sample.get(node.number())).toList());
        }
        for (Map.Entry<Integer, Integer> kind : REQUESTS.entrySet()) {
          for (Way way : Way.values()) {
            List<String> one = List.of(attackers.next(round % 2 == 1));
            waves.add(wave(way, round, one, kind.getKey(), kind.getValue()));
          }
        }
      }
    }
    for (Way way : Way.values()) {
      List<String> swarm =
          IntStream.range(0, SWARM).mapToObj(i -> attackers.next(way == Way.INLINE)).toList();
      waves.add(wave(way, 0, swarm, SWARM_RATE, SWARM * (THRESHOLD + 1)));
    }
    report();
    assertThat(StageReport.median(passed(Way.INLINE, 1_000))).isLessThan(THRESHOLD);
  }

  private Row wave(Way way, int round, List<String> from, int rate, int requests)
      throws InterruptedException, ExecutionException, TimeoutException {
    StageNode node = stage.nodes().get(round % stage.nodes().size());
    Wave.Result result =
        stage
            .outside()
            .attack(from, node, way.target, requests, rate)
            .get(SOON.toSeconds(), TimeUnit.SECONDS);
    pursue(way, node, from);
    awaitDropped(from);
    Row row =
        new Row(
            way.label,
            round,
            from.size(),
            from.getFirst().contains(":") ? 6 : 4,
            rate,
            result.sent(),
            result.late(),
            result.passed(),
            result.refused());
    System.out.printf(
        Locale.ROOT,
        "stage: probing by %s, %d addresses of IPv%s, %d/s: %d sent, %d passed, %d refused by the"
            + " gateway, the rest dropped%n",
        way.label,
        from.size(),
        row.family(),
        rate,
        result.sent(),
        result.passed(),
        result.refused());
    return row;
  }

  /**
   * Who is not dropped after a while goes on: on a machine with much to do not every request of
   * many became one, and an attacker does not stop at that.
   */
  private void pursue(Way way, StageNode node, List<String> from)
      throws InterruptedException, ExecutionException, TimeoutException {
    List<String> left = notDropped(node, from);
    for (int i = 0; i < MAX_PURSUITS && !left.isEmpty(); i++) {
      var ignored =
          stage
              .outside()
              .attack(left, node, way.target, left.size() * THRESHOLD, PURSUIT_RATE)
              .get(SOON.toSeconds(), TimeUnit.SECONDS);
      left = notDropped(node, left);
    }
  }

  /** Who is not, as soon as all are, and else after a while. */
  private static List<String> notDropped(StageNode node, List<String> from) {
    boolean isSix = from.getFirst().contains(":");
    long begun = System.nanoTime();
    List<String> left = from;
    while (!left.isEmpty() && System.nanoTime() - begun < A_WHILE.toNanos()) {
      Set<String> kernel = isSix ? node.kernel6() : node.kernel();
      left = from.stream().filter(each -> !kernel.contains(Attackers.banned(each))).toList();
      LockSupport.parkNanos(LOOK.toNanos());
    }
    return left;
  }

  private void awaitDropped(List<String> from) {
    boolean isSix = from.getFirst().contains(":");
    List<String> elements = from.stream().map(Attackers::banned).toList();
    for (StageNode node : stage.nodes()) {
      await("dropped by " + node.name())
          .atMost(SOON)
          .pollDelay(Duration.ZERO)
          .untilAsserted(() -> {
            Set<String> kernel = isSix ? node.kernel6() : node.kernel();
            assertThat(elements.stream().filter(element -> !kernel.contains(element))).isEmpty();
          });
    }
  }

  /** Attackers one after the other: three lines, and then no packet more. */
  private void sample(DropProbe probe, List<List<Double>> samples, int count)
      throws InterruptedException, ExecutionException, TimeoutException {
    for (int i = 0; i < count; i++) {
      // Not by turns: one of each family follows one of either.
      String attacker = attackers.next(i % 4 >= 2);
      AtomicInteger lines = new AtomicInteger();
      AtomicLong decisive = new AtomicLong();
      Consumer<LoggedLine> listener =
          line -> {
            if (line.line().contains("\"client\":\"" + attacker + "\"")
                && lines.incrementAndGet() == THRESHOLD) {
              decisive.set(line.nanos());
            }
          };
      stage.onLine(listener);
      StageNode node = stage.nodes().get(i % stage.nodes().size());
      AtomicReference<Future<Wave.Result>> wave = new AtomicReference<>();
      List<Long> dropped =
          probe.awaitDrops(
              attacker,
              () ->
                  wave.set(
                      stage
                          .outside()
                          .attack(List.of(attacker), node, Way.LOG.target, THRESHOLD, 500)),
              SOON);
      Wave.Result ignored = wave.get().get(SOON.toSeconds(), TimeUnit.SECONDS);
      stage.offLine(listener);
      assertThat(lines).hasValue(THRESHOLD);
      samples.add(dropped.stream().map(moment -> (moment - decisive.get()) / 1e6).toList());
    }
  }

  // ---- the numbers

  private void report() {
    StageReport report = new StageReport("probing");
    report.put("rounds", rounds);
    report.put("threshold", THRESHOLD);
    report.put("waves", waves);
    List<Map<String, Object>> medians = new ArrayList<>();
    for (Way way : Way.values()) {
      for (int rate : REQUESTS.keySet()) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("way", way.label);
        row.put("rate", rate);
        row.put("passed", StageReport.median(passed(way, rate)));
        medians.add(row);
      }
    }
    report.put("medians", medians);
    Map<String, Map<String, Object>> byNode = new LinkedHashMap<>();
    drops.forEach((node, byRound) -> byNode.put(node, summary(byRound)));
    report.put("lineToDropMillis", byNode);
    report.write();
    medians.forEach(row -> System.out.println("stage: probing, median of rounds: " + row));
    byNode.forEach((node, summary) ->
        System.out.printf(
            Locale.ROOT,
            "stage: from line to drop on %s, ms: p50 %s, p99 %s, max %s; median of the rounds' p99"
                + " %s%n",
            node,
            summary.get("p50"),
            summary.get("p99"),
            summary.get("max"),
            summary.get("medianOfRoundsP99")));
  }

  private List<Double> passed(Way way, int rate) {
    return waves.stream()
        .filter(row -> row.way().equals(way.label) && row.rate() == rate && row.addresses() == 1)
        .map(row -> (double) row.passed())
        .toList();
  }

  private static Map<String, Object> summary(List<List<Double>> byRound) {
    List<Double> all = byRound.stream().flatMap(List::stream).toList();
    Map<String, Object> summary = StageReport.summary(all);
    List<Map<String, Object>> rounds = byRound.stream().map(StageReport::summary).toList();
    List<Double> worst = rounds.stream().map(round -> (Double) round.get("p99")).toList();
    summary.put("medianOfRoundsP99", StageReport.median(worst));
    summary.put("rounds", rounds);
    summary.put("millis", all);
    return summary;
  }
}
