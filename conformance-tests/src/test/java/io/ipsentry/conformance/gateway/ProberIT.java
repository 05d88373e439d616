package io.ipsentry.conformance.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.Json;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A prober that asks for what nobody serves a thousand times a second, against nginx and the
 * program. The rate that it reached is printed; a busy machine may miss it.
 */
@RequiresProgram("nginx")
final class ProberIT {
  private static final String RULES =
      """
      rules:
        - name: probing
          on: request
          match: { packs: [default], anyStatus: true }
          threshold: 3
          window: 2m
          ban: { for: 24h }
        - name: refused
          match: { status: "403", sources: [nginx] }
          threshold: 5
          window: 2m
          ban: { for: 24h }
      """;

  private static final List<String> PROBES =
      List.of("/.env", "/.git/config", "/wp-login.php", "/.aws/credentials", "/phpmyadmin/");

  /** Requests of the prober that may wait for their answers at once, from the first one on. */
  private static final int AT_ONCE = 16;

  private static final int REQUESTS = 5_000;

  /** Between the moments at which requests are due, whatever became of those before: 1,000/s. */
  private static final Duration INTERVAL = Duration.ofMillis(1);

  @TempDir private Path directory;

  @Test
  void prober_thousandRequestsASecond_getsTwoAnswersAtMostFromTheApplication() throws Exception {
    try (NginxWithRunRig rig = NginxWithRunRig.start(directory, RULES, 403)) {
      Probing probing = probe(rig);

      System.out.println("prober: " + probing);
      assertThat(probing.answered()).isEqualTo(REQUESTS);
      assertThat(probing.passed()).isLessThanOrEqualTo(2);
      assertThat(rig.applicationLog().stream().filter(line -> !line.contains("/fine")))
          .hasSizeLessThanOrEqualTo(2);
      await("gateway's log")
          .atMost(RunningIpSentry.PATIENCE)
          .untilAsserted(() ->
              assertThat(rig.ipSentry().metric("ip_sentry_lines_total{source=\"nginx\"}"))
                  .hasValue(REQUESTS + 10));
      assertThat(
              rig.gatewayLog().stream()
                  .map(Json::object)
                  .filter(line -> "banned".equals(line.get("ip_sentry")))
                  .filter(line -> "203.0.113.7".equals(line.get("client"))))
          .hasSizeGreaterThanOrEqualTo(REQUESTS - 2);
      // One ban, by the inline rule: our own refusals in the log, thousands of 403, made none.
      assertThat(rig.ipSentry().history())
          .singleElement()
          .satisfies(event ->
              assertThat(event)
                  .containsEntry("type", "ban")
                  .containsEntry("ip", "203.0.113.7")
                  .containsEntry("rule", "probing")
                  .containsEntry("hits", "3"));
    }
  }

  /**
   * What became of the requests.
   *
   * @param seconds from when the first one was due to the last answer
   * @param late those sent more than {@link #INTERVAL} after they were due, since all were waiting
   * @param medianMillis from when a request was due to its answer, as the next two
   */
  private record Probing(
      int answered,
      int passed,
      double seconds,
      int late,
      double medianMillis,
      double p99Millis,
      double worstMillis) {
    @Override
    public String toString() {
      return ("%d requests due at %.0f a second, sent and answered at %.0f a second; %d late;"
              + " answered %.1f ms after they were due (median), %.1f ms (p99), %.1f ms (worst);"
              + " %d passed")
          .formatted(
              answered,
              1e9 / INTERVAL.toNanos(),
              answered / seconds,
              late,
              medianMillis,
              p99Millis,
              worstMillis,
              passed);
    }
  }

  private static Probing probe(NginxWithRunRig rig) throws Exception {
    AtomicInteger passed = new AtomicInteger();
    AtomicInteger answered = new AtomicInteger();
    AtomicInteger late = new AtomicInteger();
    AtomicInteger sent = new AtomicInteger();
    double[] latencies = new double[REQUESTS];
    double seconds;
    List<Callable<Void>> probers = new ArrayList<>();
    try (GatewayClient client = new GatewayClient("127.0.0.1", rig.port());
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      // Somebody else, before the first probe and while there are some.
      assertThat(get(client, "203.0.113.8", "/fine").statusCode()).isEqualTo(200);
      long start = System.nanoTime();
      for (int i = 0; i < AT_ONCE; i++) {
        probers.add(() -> {
          for (int number = sent.getAndIncrement();
              number < REQUESTS;
              number = sent.getAndIncrement()) {
            long due = start + number * INTERVAL.toNanos();
            TimeUnit.NANOSECONDS.sleep(due - System.nanoTime());
            if (System.nanoTime() - due > INTERVAL.toNanos()) {
              late.incrementAndGet();
            }
            String probe = PROBES.get(number % PROBES.size());
            int status = get(client, "203.0.113.7", probe).statusCode();
            latencies[number] = (System.nanoTime() - due) / 1e6;
            assertThat(status).isIn(200, 403);
            answered.incrementAndGet();
            if (status == 200) {
              passed.incrementAndGet();
            }
          }
          return null;
        });
      }
      probers.add(() -> {
        for (int i = 1; i < 10; i++) {
          assertThat(get(client, "203.0.113.8", "/fine").statusCode()).isEqualTo(200);
        }
        return null;
      });
      for (Future<Void> done : threads.invokeAll(probers)) {
        done.get();
      }
      seconds = (System.nanoTime() - start) / 1e9;
    }
    Arrays.sort(latencies);
    return new Probing(
        answered.get(),
        passed.get(),
        seconds,
        late.get(),
        latencies[REQUESTS / 2],
        latencies[REQUESTS * 99 / 100],
        latencies[REQUESTS - 1]);
  }

  private static HttpResponse<String> get(GatewayClient client, String as, String target)
      throws IOException, InterruptedException {
    return client.send(client.request(target).header("X-Forwarded-For", as));
  }
}
