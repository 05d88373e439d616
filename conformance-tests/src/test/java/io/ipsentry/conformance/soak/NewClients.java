package io.ipsentry.conformance.soak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.conformance.soak.Asking.Way;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Clients that come once: each probes in all ways at the same time, and exactly {@code threshold −
 * 1} of its requests pass; and each second one asks for what nginx logs as not found, is banned by
 * its log, and let go again.
 */
final class NewClients implements Soak.Part {
  private static final int AT_ONCE = 12;
  private static final Duration PAUSE = Duration.ofSeconds(1);

  private final Soak soak;

  /** Clients so far. */
  private int count;

  NewClients(Soak soak) {
    this.soak = soak;
  }

  @Override
  public void run() throws Exception {
    Pace pace = new Pace(PAUSE);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      while (soak.goesOn()) {
        pace.await();
        count++;
        probeAtOnce(threads, address(0, count));
        if (count % 2 == 0) {
          beBannedByTheLog(address(1, count));
        }
      }
    }
  }

  private static String address(int half, int number) {
    return "198.18.%d.%d".formatted(half * 128 + number / 250, number % 250 + 1);
  }

  private void probeAtOnce(ExecutorService threads, String client) throws Exception {
    List<Callable<Boolean>> probes = new ArrayList<>();
    for (int i = 0; i < AT_ONCE; i++) {
      Way way = Way.ALL.get(i % Way.ALL.size());
      probes.add(() -> soak.asking.ask(way, client, "/.env").refused());
    }
    int passed = 0;
    for (Future<Boolean> refused : threads.invokeAll(probes)) {
      passed += refused.get() ? 0 : 1;
    }
    assertThat(passed).as("seed %d: %s", soak.seed, client).isEqualTo(Variant.THRESHOLD - 1);
    soak.exact.add(AT_ONCE);
    expect(client, true);
  }

  private void beBannedByTheLog(String client) {
    for (int i = 0; i < Variant.THRESHOLD; i++) {
      String target = "/missing/" + i;
      assertThat(soak.asking.ask(Way.NGINX, client, target).refused())
          .as("seed %d: %s", soak.seed, client)
          .isFalse();
      soak.exact.increment();
    }
    await("ban of " + client + " by the log, seed " + soak.seed)
        .atMost(RunningIpSentry.PATIENCE)
        .pollInterval(Duration.ofMillis(10))
        .until(() -> soak.operator.get(client).getBanned());
    expect(client, true);
    assertThat(soak.operator.unban(client)).isTrue();
    expect(client, false);
  }

  private void expect(String client, boolean refused) {
    for (Way way : Way.ALL) {
      assertThat(soak.asking.ask(way, client, "/orders").refused())
          .as("seed %d: %s by %s", soak.seed, client, way)
          .isEqualTo(refused);
      soak.exact.increment();
    }
  }

  @Override
  public void settle(Set<String> bans) {
    for (int number = 1; number <= count; number++) {
      boolean listed = bans.remove(address(0, number));
      if (number <= count - 2 * Variant.BAN_SECONDS) {
        assertThat(listed).as("seed %d: client %d", soak.seed, number).isFalse();
      }
    }
  }
}
