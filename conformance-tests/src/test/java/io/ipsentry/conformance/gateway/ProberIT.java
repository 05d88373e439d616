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
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A prober that asks for what nobody serves, as fast as it can, against nginx and the program. */
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

  /** Connections of the prober; they probe at the same time from the first request on. */
  private static final int CONNECTIONS = 4;

  private static final int REQUESTS = 5_000;

  /** Between two requests of one connection, so that all together send 1,000 a second. */
  private static final Duration PAUSE = Duration.ofMillis(CONNECTIONS);

  @TempDir private Path directory;

  @Test
  void prober_thousandRequestsASecond_getsTwoAnswersAtMostFromTheApplication() throws Exception {
    try (NginxWithRunRig rig = NginxWithRunRig.start(directory, RULES, 403)) {
      int passed = probe(rig);

      assertThat(passed).isLessThanOrEqualTo(2);
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

  private static int probe(NginxWithRunRig rig) throws Exception {
    AtomicInteger passed = new AtomicInteger();
    AtomicInteger sent = new AtomicInteger();
    List<Callable<Void>> probers = new ArrayList<>();
    for (int i = 0; i < CONNECTIONS; i++) {
      probers.add(() -> {
        try (GatewayClient client = new GatewayClient("127.0.0.1", rig.port())) {
          long next = System.nanoTime();
          for (int number = sent.getAndIncrement();
              number < REQUESTS;
              number = sent.getAndIncrement()) {
            String probe = PROBES.get(number % PROBES.size());
            int status = get(client, "203.0.113.7", probe).statusCode();
            assertThat(status).isIn(200, 403);
            if (status == 200) {
              passed.incrementAndGet();
            }
            next += PAUSE.toNanos();
            TimeUnit.NANOSECONDS.sleep(next - System.nanoTime());
          }
        }
        return null;
      });
    }
    probers.add(() -> {
      // Somebody else, all the time.
      try (GatewayClient client = new GatewayClient("127.0.0.1", rig.port())) {
        for (int i = 0; i < 10; i++) {
          assertThat(get(client, "203.0.113.8", "/fine").statusCode()).isEqualTo(200);
        }
      }
      return null;
    });
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Void> done : threads.invokeAll(probers)) {
        done.get();
      }
    }
    return passed.get();
  }

  private static HttpResponse<String> get(GatewayClient client, String as, String target)
      throws IOException, InterruptedException {
    return client.send(client.request(target).header("X-Forwarded-For", as));
  }
}
