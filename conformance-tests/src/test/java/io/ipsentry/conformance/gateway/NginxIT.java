package io.ipsentry.conformance.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real nginx and its own access log, rotated with its own signal. Clients stand behind a proxy
 * on loopback that nginx trusts, so that they have addresses that can be banned.
 */
@RequiresProgram("nginx")
final class NginxIT {
  private static final Duration PATIENCE = RunningIpSentry.PATIENCE;

  @TempDir private Path directory;
  private final HttpClient client = HttpClient.newHttpClient();
  private int port;
  private int requests;
  private Nginx nginx;
  private RunningIpSentry ipSentry;

  @BeforeEach
  void start() throws IOException {
    port = freePort();
    nginx =
        Nginx.start(
            UnaryOperator.identity(),
            directory,
            List.of("127.0.0.1:" + port),
            "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;");
    Nginx.awaitListening(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    ipSentry =
        RunningIpSentry.start(
            directory,
            """
            sources:
              - name: nginx
                file: %s
                format: combined
            rules:
              - name: probing
                match: { packs: [default] }
                threshold: 3
                distinct: 2
                window: 10m
                ban: { for: 24h }
            trustedProxies: []
            """
                .formatted(nginx.accessLog()));
  }

  @AfterEach
  void stop() {
    if (ipSentry != null) {
      ipSentry.close();
    }
    if (nginx != null) {
      nginx.close();
    }
    client.close();
  }

  @Test
  void probe_twoPatterns_isBannedWithinASecondAndSeenInListAndHistory()
      throws IOException, InterruptedException {
    assertThat(get("203.0.113.7", "/wp-login.php")).isEqualTo(404);
    assertThat(get("203.0.113.9", "/index.html")).isEqualTo(200);
    Instant asked = Instant.now();
    assertThat(get("203.0.113.7", "/.env")).isEqualTo(404);

    Map<String, String> ban = awaitBan("203.0.113.7");

    assertThat(Duration.between(asked, Instant.parse(ban.getOrDefault("at", ""))))
        .isBetween(Duration.ZERO, Duration.ofSeconds(1));
    assertThat(ban)
        .containsEntry("type", "ban")
        .containsEntry("rule", "probing")
        .containsEntry("hits", "2")
        .containsEntry("seen_as", "peer");
    assertThat(ipSentry.list()).extracting(row -> row.get("ip")).containsExactly("203.0.113.7");
  }

  @Test
  void probe_acrossRotation_isCountedExactly() throws IOException, InterruptedException {
    assertThat(get("203.0.113.7", "/.env")).isEqualTo(404);
    nginx.renameLog();
    // Still written to the renamed file.
    assertThat(get("203.0.113.8", "/.env")).isEqualTo(404);
    assertThat(get("203.0.113.7", "/.git/config")).isEqualTo(404);
    nginx.reopenLog();
    assertThat(get("203.0.113.8", "/.aws/credentials")).isEqualTo(404);
    // One pattern, twice: one hit short of a ban, so that a line read twice would show.
    assertThat(get("203.0.113.10", "/.env")).isEqualTo(404);
    nginx.renameLog();
    assertThat(get("203.0.113.10", "/.env")).isEqualTo(404);
    nginx.reopenLog();
    assertThat(get("203.0.113.11", "/.env")).isEqualTo(404);
    assertThat(get("203.0.113.11", "/.env")).isEqualTo(404);
    assertThat(get("203.0.113.11", "/.env")).isEqualTo(404);

    assertThat(awaitBan("203.0.113.7")).containsEntry("hits", "2");
    assertThat(awaitBan("203.0.113.8")).containsEntry("hits", "2");
    assertThat(awaitBan("203.0.113.11")).containsEntry("hits", "3");
    await("all lines read")
        .atMost(PATIENCE)
        .untilAsserted(() ->
            assertThat(ipSentry.metric("ip_sentry_lines_total{source=\"nginx\"}"))
                .hasValue(requests));
    assertThat(ipSentry.metric("ip_sentry_hits_total{rule=\"probing\"}")).hasValue(9);
    assertThat(ipSentry.history()).hasSize(3);
  }

  @Test
  void restart_betweenProbes_goesOnCountingAndBansNobodyTwice()
      throws IOException, InterruptedException {
    assertThat(get("203.0.113.7", "/.env")).isEqualTo(404);
    assertThat(get("203.0.113.7", "/.git/config")).isEqualTo(404);
    awaitBan("203.0.113.7");
    assertThat(get("203.0.113.8", "/.env")).isEqualTo(404);
    await("line read")
        .atMost(PATIENCE)
        .until(() -> ipSentry.metric("ip_sentry_lines_total{source=\"nginx\"}").orElse(0) == 3);

    assertThat(ipSentry.stop()).isZero();
    // Written while nobody reads, and rotated away meanwhile.
    assertThat(get("203.0.113.12", "/.env")).isEqualTo(404);
    nginx.renameLog();
    nginx.reopenLog();
    assertThat(get("203.0.113.12", "/.ssh/id_rsa")).isEqualTo(404);
    ipSentry.start();
    assertThat(get("203.0.113.8", "/.ssh/id_rsa")).isEqualTo(404);

    assertThat(awaitBan("203.0.113.8")).containsEntry("hits", "2");
    assertThat(awaitBan("203.0.113.12")).containsEntry("hits", "2");
    assertThat(ipSentry.history())
        .extracting(event -> event.get("ip"))
        .containsExactlyInAnyOrder("203.0.113.7", "203.0.113.8", "203.0.113.12");
  }

  private Map<String, String> awaitBan(String address) {
    await("ban of " + address)
        .atMost(PATIENCE)
        .until(() -> ipSentry.list().stream().anyMatch(row -> address.equals(row.get("ip"))));
    List<Map<String, String>> bans =
        ipSentry.history().stream().filter(event -> address.equals(event.get("ip"))).toList();
    assertThat(bans).as("events of %s", address).hasSize(1);
    return bans.getFirst();
  }

  private int get(String address, String path) throws IOException, InterruptedException {
    requests++;
    return client
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .header("X-Forwarded-For", address)
                .build(),
            BodyHandlers.discarding())
        .statusCode();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }
}
