package io.ipsentry.conformance.soak;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.conformance.gateway.NginxWithRunRig;
import io.ipsentry.conformance.program.Json;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.conformance.soak.Asking.Way;
import io.ipsentry.proto.v1.ActiveBan;
import io.ipsentry.testing.RequiresProgram;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * nginx and {@code run}: some hundred requests a second by nginx, over HTTP and over gRPC, while
 * operators and rules ban and let go, and the configuration changes each second. Every verdict is
 * compared with a model.
 *
 * <p>A quarter of a minute in the build; {@code -Dsoak.minutes=10} for the long form. {@code
 * -Dsoak.seed=…} makes the same choices again.
 */
@RequiresProgram("nginx")
final class SoakIT {
  private static final int OWNERS = 6;
  private static final int SHARED_ASKERS = 2;
  private static final Duration LENGTH =
      Long.getLong("soak.minutes", 0) > 0
          ? Duration.ofMinutes(Long.getLong("soak.minutes", 0))
          : Duration.ofSeconds(15);
  private static final double MOST_HEAP = 1.2;
  private static final long MORE_HEAP_BYTES = 8L << 20;

  /** Of requests about shared clients, by far the most must have one right answer. */
  private static final double FEW = 0.1;

  private static final List<String> NEVER =
      List.of(
          "ip_sentry_checks_overload_total",
          "ip_sentry_checks_malformed_total",
          "ip_sentry_checks_failure_allowed_total",
          "ip_sentry_checks_unauthenticated_total",
          "ip_sentry_checks_unknown_policy_total",
          "ip_sentry_hits_lost_total",
          "ip_sentry_bans_refused_total",
          "ip_sentry_deferred_bans",
          "ip_sentry_lines_unmatched_total",
          "ip_sentry_config_reloads_total{result=\"refused\"}");

  private final long seed = Long.getLong("soak.seed", System.nanoTime());

  @TempDir private Path directory;

  @Test
  void gateways_whileEverythingChanges_areAlwaysToldRight() throws Exception {
    Variant first = Variant.ALL.getFirst();
    try (NginxWithRunRig rig = NginxWithRunRig.start(directory, first::yaml);
        Asking asking = new Asking(rig);
        Operator operator = new Operator(rig.ipSentry().socket())) {
      Soak soak =
          new Soak(
              seed, asking, operator, new Timeline<>(first), System.nanoTime() + LENGTH.toNanos());
      run(soak, rig);
      checkLogs(rig, asking);
    }
  }

  private void run(Soak soak, NginxWithRunRig rig) throws Exception {
    RunningIpSentry program = rig.ipSentry();
    SharedClients shared = new SharedClients(soak);
    CanaryClients canary =
        new CanaryClients(
            soak,
            variant -> rig.configure(variant::yaml),
            () ->
                (long) program.metric("ip_sentry_config_reloads_total{result=\"ok\"}").orElse(-1));
    canary.ban();
    List<Soak.Part> models = new ArrayList<>(List.of(shared, canary, new NewClients(soak)));
    for (int i = 0; i < OWNERS; i++) {
      models.add(new OwnedClients(soak, i));
    }
    List<Soak.Part> parts = new ArrayList<>(models);
    for (int i = 0; i < SHARED_ASKERS; i++) {
      int thread = i;
      parts.add(() -> shared.ask(thread));
    }
    parts.add(canary::ask);
    Memory memory = new Memory(soak, program, LENGTH);
    parts.add(memory);
    try (ExecutorService threads = Executors.newFixedThreadPool(parts.size())) {
      List<Future<?>> running = new ArrayList<>();
      for (Soak.Part part : parts) {
        running.add(
            threads.submit(() -> {
              soak.run(part);
              return null;
            }));
      }
      awaitAll(running);
    }
    memory.look();

    Set<String> bans =
        soak.operator.list().stream().map(ActiveBan::getIp).collect(Collectors.toSet());
    models.forEach(model -> model.settle(bans));
    assertThat(bans).as("seed %d: bans that nobody knows", seed).isEmpty();
    report(soak, shared, canary);
    checkMetrics(program, soak.asking);
    assertThat(canary.changes()).isGreaterThan(2);
    assertThat(soak.exact.sum()).isGreaterThan(200);
    assertThat(shared.either.sum()).isLessThan((long) (FEW * shared.asked.sum()));
    assertThat(soak.atTheEndOfBans.sum()).isLessThan((long) (FEW * soak.exact.sum()));
    assertThat(memory.last())
        .as("live bytes of the heap, %d at first", memory.first())
        .isLessThan((long) (memory.first() * MOST_HEAP) + MORE_HEAP_BYTES);
  }

  private static void report(Soak soak, SharedClients shared, CanaryClients canary) {
    System.out.printf(
        "soak: %d s, asked by nginx %d, over HTTP %d, over gRPC %d; verdicts with one right answer"
            + " %d, at the end of a ban %d, beside a change of a shared client %d of %d, beside a"
            + " change of the configuration %d of %d; %d configurations%n",
        LENGTH.toSeconds(),
        soak.asking.asked(Way.NGINX),
        soak.asking.asked(Way.HTTP),
        soak.asking.asked(Way.GRPC),
        soak.exact.sum(),
        soak.atTheEndOfBans.sum(),
        shared.either.sum(),
        shared.asked.sum(),
        canary.either.sum(),
        canary.asked.sum(),
        canary.changes());
  }

  /** The failure that came first to a model, not what followed from it in others. */
  private static void awaitAll(List<Future<?>> running) throws Exception {
    ExecutionException failure = null;
    for (Future<?> part : running) {
      try {
        part.get();
      } catch (ExecutionException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private static void checkMetrics(RunningIpSentry program, Asking asking) {
    String metrics = program.metrics();
    assertThat(sum(metrics, "ip_sentry_checks_total{", "transport=\"http\""))
        .isEqualTo(asking.asked(Way.NGINX) + asking.asked(Way.HTTP));
    assertThat(sum(metrics, "ip_sentry_checks_total{", "transport=\"grpc\""))
        .isEqualTo(asking.asked(Way.GRPC));
    assertThat(sum(metrics, "ip_sentry_checks_total{", "verdict=\"error\"")).isZero();
    assertThat(sum(metrics, "ip_sentry_checks_total{", "verdict=\"not-synced\"")).isZero();
    assertThat(NEVER).allSatisfy(name -> assertThat(sum(metrics, name, "")).as(name).isZero());
    assertThat(sum(metrics, "ip_sentry_config_last_reload_ok", "")).isOne();
  }

  private static long sum(String metrics, String begin, String within) {
    return (long)
        metrics
            .lines()
            .filter(line -> line.startsWith(begin) && line.contains(within))
            .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
            .sum();
  }

  private void checkLogs(NginxWithRunRig rig, Asking asking) throws Exception {
    assertThat(rig.ipSentry().log().lines().map(Json::object))
        .filteredOn(line -> !"info".equals(line.get("level")))
        .isEmpty();
    assertThat(rig.gatewayErrors()).isEmpty();
    // An empty verdict would be a request that nginx let pass because it got no answer.
    assertThat(
            rig.gatewayLog().stream()
                .map(Json::object)
                .collect(
                    Collectors.groupingBy(
                        line -> line.get("ip_sentry") + " " + line.get("status"),
                        Collectors.counting()))
                .keySet())
        .contains("allowed 200", "allowed 404", "banned 403")
        .isSubsetOf("allowed 200", "allowed 404", "banned 403", "shadow 200");
    assertThat(rig.gatewayLog()).hasSize((int) asking.asked(Way.NGINX));
  }

  /** What is alive in the heap of the program, looked at each minute. */
  private static final class Memory implements Soak.Part {
    private final Soak soak;
    private final RunningIpSentry program;
    private final Duration between;
    private final long began = System.nanoTime();
    private long first;
    private long last;

    Memory(Soak soak, RunningIpSentry program, Duration length) {
      this.soak = soak;
      this.program = program;
      Duration half = length.dividedBy(2);
      between = half.compareTo(Duration.ofMinutes(1)) < 0 ? half : Duration.ofMinutes(1);
    }

    /** After the first half, or minute, all that grows with use at first has grown. */
    @Override
    public void run() throws InterruptedException {
      long due = began + between.toNanos();
      while (soak.goesOn()) {
        TimeUnit.MILLISECONDS.sleep(100);
        if (System.nanoTime() - due >= 0) {
          look();
          due += between.toNanos();
        }
      }
    }

    void look() {
      last = program.liveHeapBytes();
      first = first == 0 ? last : first;
      System.out.printf(
          "soak: %d s, live heap %,d bytes, resident %,d bytes%n",
          TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began), last, program.residentBytes());
    }

    long first() {
      return first;
    }

    long last() {
      return last;
    }
  }
}
