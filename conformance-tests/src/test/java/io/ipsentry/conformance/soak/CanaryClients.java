package io.ipsentry.conformance.soak;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.conformance.soak.Asking.Answer;
import io.ipsentry.conformance.soak.Asking.Way;
import java.time.Duration;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/** Changes the configuration about each second; and a banned client whose refusal depends on it. */
final class CanaryClients implements Soak.Part {
  private static final String CLIENT = "203.0.113.200";
  private static final Duration BETWEEN_CHANGES = Duration.ofMillis(800);
  private static final Duration BETWEEN_REQUESTS = Duration.ofMillis(25);

  /** Requests that ran beside a change which made a difference. */
  final LongAdder either = new LongAdder();

  final LongAdder asked = new LongAdder();

  private final Soak soak;
  private final Consumer<Variant> configure;
  private final LongSupplier taken;
  private int changes;

  /**
   * @param configure writes the file
   * @param taken how often the program took a new file
   */
  CanaryClients(Soak soak, Consumer<Variant> configure, LongSupplier taken) {
    this.soak = soak;
    this.configure = configure;
    this.taken = taken;
  }

  int changes() {
    return changes;
  }

  /** Changes the configuration. */
  @Override
  public void run() throws InterruptedException {
    Pace pace = new Pace(BETWEEN_CHANGES);
    while (soak.goesOn()) {
      pace.await();
      changes++;
      Variant next = Variant.ALL.get(changes % Variant.ALL.size());
      soak.variants.begin(next, System.nanoTime());
      configure.accept(next);
      long patience = System.nanoTime() + RunningIpSentry.PATIENCE.toNanos();
      while (taken.getAsLong() < changes) {
        assertThat(System.nanoTime() - patience).as("reload %d", changes).isNegative();
        TimeUnit.MILLISECONDS.sleep(10);
      }
      soak.variants.end(System.nanoTime());
    }
  }

  void ban() {
    assertThat(soak.operator.ban(CLIENT, Duration.ofHours(24))).isPresent();
  }

  /** Asks about the client. */
  void ask() {
    Random random = new Random(soak.seed ^ 0xca4a);
    Pace pace = new Pace(BETWEEN_REQUESTS);
    while (soak.goesOn()) {
      pace.await();
      Way way = random.nextBoolean() ? Way.HTTP : Way.GRPC;
      Answer answer = soak.asking.ask(way, "canary", CLIENT, "/orders");
      soak.checkText(answer, CLIENT);
      Set<Boolean> possible =
          soak.variants.possible(answer.fromNanos(), answer.toNanos()).stream()
              .map(Variant::canaryRefuses)
              .collect(Collectors.toSet());
      assertThat(possible).as("seed %d: %s", soak.seed, way).contains(answer.refused());
      asked.increment();
      (possible.size() == 1 ? soak.exact : either).increment();
    }
  }

  @Override
  public void settle(Set<String> bans) {
    assertThat(bans.remove(CLIENT)).isTrue();
  }
}
