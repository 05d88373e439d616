package io.ipsentry.watcher.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class HealthServerTest {
  private final List<String> reasons = new CopyOnWriteArrayList<>();
  private final HttpClient client = HttpClient.newHttpClient();
  private HealthServer server;

  @BeforeEach
  void start() {
    RunMetrics metrics =
        new RunMetrics(
            new FixedStatistics(List.of(), List.of(), List.of(), Map.of()),
            InstantSource.system(),
            "1.2.3");
    server = start(0, metrics::collect);
  }

  @AfterEach
  void stop() {
    server.close();
    client.close();
  }

  @Test
  void metrics_scraped_arePrometheusText() throws IOException, InterruptedException {
    HttpResponse<String> response = get("/metrics");

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("Content-Type"))
        .hasValueSatisfying(type -> assertThat(type).startsWith("text/plain; version=0.0.4"));
    assertThat(response.body()).contains("# TYPE ip_sentry_bans_active gauge");
  }

  @Test
  void metrics_openMetricsAskedFor_areOpenMetrics() throws IOException, InterruptedException {
    HttpResponse<String> response =
        client.send(
            request("/metrics")
                .header("Accept", "application/openmetrics-text; version=1.0.0")
                .build(),
            BodyHandlers.ofString());

    assertThat(response.headers().firstValue("Content-Type"))
        .hasValueSatisfying(type -> assertThat(type).startsWith("application/openmetrics-text"));
    assertThat(response.body()).endsWith("# EOF\n");
  }

  @Test
  void readyz_reasonsAgainstIt_is503WithTheReasons() throws IOException, InterruptedException {
    assertThat(get("/readyz").statusCode()).isEqualTo(200);

    reasons.addAll(List.of("source nginx: no such file", "store: disk full"));
    HttpResponse<String> response = get("/readyz");

    assertThat(response.statusCode()).isEqualTo(503);
    assertThat(response.body()).isEqualTo("source nginx: no such file\nstore: disk full\n");
    assertThat(get("/healthz").statusCode()).isEqualTo(200);
  }

  @Test
  void anyOtherPathOrMethod_isRefused() throws IOException, InterruptedException {
    assertThat(get("/").statusCode()).isEqualTo(404);
    assertThat(get("/metrics/x").statusCode()).isEqualTo(404);
    HttpResponse<String> post =
        client.send(
            request("/healthz").POST(HttpRequest.BodyPublishers.ofString("x")).build(),
            BodyHandlers.ofString());
    assertThat(post.statusCode()).isEqualTo(405);
    assertThat(post.headers().firstValue("Allow")).contains("GET, HEAD");
  }

  @Test
  void head_anyPath_answersWithoutBody() throws IOException, InterruptedException {
    HttpResponse<String> response =
        client.send(request("/healthz").HEAD().build(), BodyHandlers.ofString());

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("Content-Length")).contains("3");
    assertThat(response.body()).isEmpty();
  }

  @Test
  void connect_moreThanTheLimit_isClosedAtOnceAndOthersGoOn() throws IOException {
    List<Socket> idle = new ArrayList<>();
    try {
      for (int i = 0; i < HealthServer.MAX_CONNECTIONS; i++) {
        idle.add(connect());
      }
      // A whole answer on the last of them: the server has accepted all before it.
      Socket last = idle.getLast();
      assertThat(ask(last)).startsWith("HTTP/1.1 200");

      try (Socket surplus = connect()) {
        assertThat(surplus.getInputStream().read()).isEqualTo(-1);
      }
    } finally {
      for (Socket socket : idle) {
        socket.close();
      }
    }
  }

  @Test
  void start_portTaken_saysWhichAndHowToMend() {
    int taken = server.address().getPort();

    assertThatThrownBy(() -> start(taken, MetricSnapshots::of))
        .isInstanceOf(HealthServerException.class)
        .hasMessageContaining(Integer.toString(taken))
        .hasMessageContaining("metrics");
  }

  private HealthServer start(int port, Supplier<MetricSnapshots> metrics) {
    return HealthServer.start(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
        metrics,
        () -> List.copyOf(reasons));
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket();
    socket.setSoTimeout(30_000);
    socket.connect(server.address(), 30_000);
    return socket;
  }

  private static String ask(Socket socket) throws IOException {
    socket
        .getOutputStream()
        .write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    InputStream in = socket.getInputStream();
    return new String(in.readNBytes(12), StandardCharsets.US_ASCII);
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return client.send(request(path).build(), BodyHandlers.ofString());
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(
        URI.create("http://127.0.0.1:" + server.address().getPort() + path));
  }
}
