package io.ipsentry.conformance.stage;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.conformance.stage.Offender.Way;
import io.ipsentry.stage.Bystanders;
import io.ipsentry.stage.Stage;
import io.ipsentry.stage.StageProcess;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;

/**
 * A long day: an attacker a second, whom nobody knew before, and everybody else as ever. Each five
 * seconds it is looked how much memory each process has and what waits in it. Confined to one
 * thread.
 */
final class SoakScenario {
  private static final Duration BETWEEN_ATTACKERS = Duration.ofSeconds(1);
  private static final int ATTACKERS_A_LOOK = 5;

  /** So many who are dropped go on to ask. */
  private static final int MAX_KNOCKING = 30;

  /** What memory may have grown by since the warm-up: this, or a tenth. */
  private static final double GROWTH_MIB = 12;

  private static final double GROWTH_SHARE = 0.1;

  /** What may wait for so long, on a machine that does other things too. */
  private static final double MAX_LAG_SECONDS = 15;

  private static final double MEDIAN_LAG_SECONDS = 1;

  /** How long something waits, in each kind of process. */
  private static final List<String> LAGS =
      List.of(
          "ip_sentry_enforcer_lag_seconds",
          "ip_sentry_report_waiting_age_seconds",
          "ip_sentry_pod_lag_seconds{source=\"gateway\"}",
          "ip_sentry_pod_lag_seconds{source=\"shop\"}");

  private static final Way[] WAYS = {Way.REQUEST, Way.LINE, Way.LOGIN};

  private final Stage stage;
  private final Bystanders bystanders;
  private final Assault assault;
  private final Judgement judgement;
  private final Deque<Offender> attacking = new ArrayDeque<>();
  private final Deque<Offender> knocking = new ArrayDeque<>();

  /** By process: MiB, at each look. */
  private final Map<String, List<Double>> memory = new TreeMap<>();

  /** By process and metric: seconds, at each look. */
  private final Map<String, List<Double>> lags = new TreeMap<>();

  /** From the first request of an attacker until all nodes were seen to drop him. */
  private final List<Double> secondsToDrop = new ArrayList<>();

  SoakScenario(Stage stage, Bystanders bystanders, Assault assault) {
    this.stage = stage;
    this.bystanders = bystanders;
    this.assault = assault;
    judgement = new Judgement(stage, bystanders, assault, List.of());
  }

  void run(Duration length) {
    long begun = System.nanoTime();
    long next = begun;
    for (int i = 0; next - begun < length.toNanos(); i++) {
      boolean isExact = i % 4 == 3;
      attacking.add(assault.begin(isExact ? Way.REQUEST : WAYS[i % WAYS.length], isExact));
      if (i % ATTACKERS_A_LOOK == 0) {
        look();
      }
      next += BETWEEN_ATTACKERS.toNanos();
      for (long left = next - System.nanoTime(); left > 0; left = next - System.nanoTime()) {
        LockSupport.parkNanos(left);
      }
    }
    judgement.awaitBanned(assault.all());
    judgement.judge("soak");
    report(length);
    errors();
    memory.forEach(SoakScenario::isFlat);
    lags.forEach((what, seconds) -> {
      assertThat(StageReport.median(seconds)).as(what).isLessThanOrEqualTo(MEDIAN_LAG_SECONDS);
      assertThat(seconds).as(what).allMatch(lag -> lag <= MAX_LAG_SECONDS);
    });
  }

  private void look() {
    for (StageProcess process : judgement.processes()) {
      memory
          .computeIfAbsent(process.name(), name -> new ArrayList<>())
          .add(process.residentBytes() / 1024.0 / 1024.0);
      String metrics = process.metrics();
      for (String lag : LAGS) {
        StageProcess.sample(metrics, lag)
            .ifPresent(seconds ->
                lags.computeIfAbsent(process.name() + " " + lag, name -> new ArrayList<>())
                    .add(seconds));
      }
    }
    for (Iterator<Offender> each = attacking.iterator(); each.hasNext(); ) {
      Offender offender = each.next();
      if (stage.nodes().stream().allMatch(node -> node.drops(offender.address()))) {
        each.remove();
        offender.isDropped();
        secondsToDrop.add(
            Duration.between(offender.begun(), stage.clock().instant()).toMillis() / 1e3);
        knocking.add(offender);
      }
    }
    while (knocking.size() > MAX_KNOCKING) {
      knocking.remove().leave();
    }
  }

  private void errors() {
    for (StageProcess process : judgement.processes()) {
      assertThat(process.log().stream().filter(line -> line.contains("\"level\":\"error\"")))
          .as("errors of %s", process.name())
          .isEmpty();
    }
  }

  private static void isFlat(String process, List<Double> mib) {
    double warm = warm(mib);
    assertThat(late(mib))
        .as("resident memory of %s, MiB, %s", process, mib)
        .isLessThanOrEqualTo(warm + Math.max(GROWTH_MIB, GROWTH_SHARE * warm));
  }

  /** Of the second quarter. */
  private static double warm(List<Double> all) {
    return StageReport.median(all.subList(all.size() / 4, all.size() / 2));
  }

  /** Of the last quarter. */
  private static double late(List<Double> all) {
    return StageReport.median(all.subList(all.size() * 3 / 4, all.size()));
  }

  private void report(Duration length) {
    StageReport report = new StageReport("soak");
    report.put("seconds", length.toSeconds());
    report.put("attackers", assault.all().size());
    report.put("bystandersAnswered", bystanders.answered());
    report.put("secondsToDrop", StageReport.summary(secondsToDrop));
    Map<String, Object> resident = new LinkedHashMap<>();
    memory.forEach((process, mib) -> {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("warm", Math.round(warm(mib)));
      row.put("late", Math.round(late(mib)));
      row.put("max", Math.round(mib.stream().mapToDouble(Double::doubleValue).max().orElse(0)));
      resident.put(process, row);
      System.out.printf(Locale.ROOT, "stage: resident memory of %s, MiB: %s%n", process, row);
    });
    report.put("residentMiB", resident);
    Map<String, Object> waited = new LinkedHashMap<>();
    lags.forEach((what, seconds) -> waited.put(what, StageReport.summary(seconds)));
    report.put("lagSeconds", waited);
    report.write();
    System.out.printf(
        "stage: %d attackers in %s, %d requests of others answered; from the first request to the"
            + " drop seen, s: %s; lags: %s%n",
        assault.all().size(),
        length,
        bystanders.answered(),
        StageReport.summary(secondsToDrop),
        waited);
  }
}
