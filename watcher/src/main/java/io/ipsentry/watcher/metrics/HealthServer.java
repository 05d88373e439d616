package io.ipsentry.watcher.metrics;

import io.ipsentry.watcher.metrics.HealthConnections.Answer;
import io.ipsentry.watcher.metrics.HealthConnections.Request;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.OpenMetricsTextFormatWriter;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves {@code /metrics}, {@code /healthz} and {@code /readyz} over plain HTTP, GET and HEAD.
 *
 * <ul>
 *   <li>{@code /metrics}: the Prometheus text format, or OpenMetrics for a scraper that asks for
 *       it;
 *   <li>{@code /healthz}: 200 as long as the process can answer;
 *   <li>{@code /readyz}: 200 when there is no reason against it, else 503 with one reason a line.
 * </ul>
 *
 * <p>Nothing here is secret, but nothing is for the world either: the default address is loopback.
 * At most {@value #MAX_CONNECTIONS} connections are open at a time, further ones are closed at
 * once; a request that is not in within {@value #MAX_REQUEST_SECONDS} s is cut.
 */
public final class HealthServer implements AutoCloseable {
  /** Connections open at a time. */
  public static final int MAX_CONNECTIONS = 64;

  /** Time for a client to send its request, and to take the answer. */
  public static final int MAX_REQUEST_SECONDS = 10;

  private static final Logger logger = LoggerFactory.getLogger(HealthServer.class);
  private static final String OK = "200 OK";
  private static final String TEXT = "text/plain; charset=utf-8";

  private final HealthConnections connections;
  private final Supplier<MetricSnapshots> metrics;
  private final Supplier<List<String>> reasonsNotReady;
  private final ExpositionFormatWriter openMetrics = OpenMetricsTextFormatWriter.create();
  private final ExpositionFormatWriter prometheus = PrometheusTextFormatWriter.create();

  private HealthServer(
      InetSocketAddress address,
      Supplier<MetricSnapshots> metrics,
      Supplier<List<String>> reasonsNotReady)
      throws IOException {
    this.metrics = metrics;
    this.reasonsNotReady = reasonsNotReady;
    connections =
        HealthConnections.start(
            address, MAX_CONNECTIONS, Duration.ofSeconds(MAX_REQUEST_SECONDS), this::answer);
  }

  /**
   * Opens the port and serves.
   *
   * @param address port 0 takes a free one, see {@link #address()}
   * @param metrics called for each scrape, from any thread
   * @param reasonsNotReady called for each question; empty: ready
   * @throws HealthServerException if the address cannot be bound
   */
  public static HealthServer start(
      InetSocketAddress address,
      Supplier<MetricSnapshots> metrics,
      Supplier<List<String>> reasonsNotReady) {
    HealthServer health;
    try {
      health = new HealthServer(address, metrics, reasonsNotReady);
    } catch (IOException e) {
      throw new HealthServerException(
          "cannot serve metrics on "
              + address
              + ": "
              + e.getMessage()
              + "; set another address as metrics in the configuration",
          e);
    }
    logger
        .atInfo()
        .addKeyValue("address", health.address().getAddress().getHostAddress())
        .addKeyValue("port", health.address().getPort())
        .log("metrics, health and readiness are served");
    return health;
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return connections.address();
  }

  /** Closes the port; requests under way may be cut. */
  @Override
  public void close() {
    connections.close();
  }

  private Answer answer(Request request) {
    if (!request.method().equals("GET") && !request.method().equals("HEAD")) {
      return new Answer(
          "405 Method Not Allowed", TEXT, "Allow: GET, HEAD\r\n", "only GET and HEAD\n");
    }
    return switch (request.path()) {
      case "/metrics" -> metrics(request.headers().get("Accept"));
      case "/healthz" -> text(OK, "ok\n");
      case "/readyz" -> readiness();
      default -> text("404 Not Found", "there are /metrics, /healthz and /readyz\n");
    };
  }

  private Answer metrics(@Nullable String accept) {
    ExpositionFormatWriter writer =
        accept != null && openMetrics.accepts(accept) ? openMetrics : prometheus;
    ByteArrayOutputStream body = new ByteArrayOutputStream(16_384);
    try {
      writer.write(body, metrics.get());
    } catch (IOException e) {
      // Of a stream in memory: does not happen.
      throw new UncheckedIOException(e);
    }
    return new Answer(OK, writer.getContentType(), "", body.toString(StandardCharsets.UTF_8));
  }

  private Answer readiness() {
    List<String> reasons = reasonsNotReady.get();
    return reasons.isEmpty()
        ? text(OK, "ready\n")
        : text("503 Service Unavailable", String.join("\n", reasons) + "\n");
  }

  private static Answer text(String status, String body) {
    return new Answer(status, TEXT, "", body);
  }
}
