package io.ipsentry.watcher.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.OpenMetricsTextFormatWriter;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
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
  private static final String TEXT = "text/plain; charset=utf-8";

  private final HttpServer server;
  private final ExecutorService executor;
  private final Supplier<MetricSnapshots> metrics;
  private final Supplier<List<String>> reasonsNotReady;
  private final ExpositionFormatWriter openMetrics = OpenMetricsTextFormatWriter.create();
  private final ExpositionFormatWriter prometheus = PrometheusTextFormatWriter.create();

  private HealthServer(
      HttpServer server,
      Supplier<MetricSnapshots> metrics,
      Supplier<List<String>> reasonsNotReady) {
    this.server = server;
    this.metrics = metrics;
    this.reasonsNotReady = reasonsNotReady;
    executor =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("health-server-", 0).factory());
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
    bound();
    HttpServer server;
    try {
      server = HttpServer.create(address, 0);
    } catch (IOException e) {
      throw new HealthServerException(
          "cannot serve metrics on "
              + address
              + ": "
              + e.getMessage()
              + "; set another address as metrics in the configuration",
          e);
    }
    HealthServer health = new HealthServer(server, metrics, reasonsNotReady);
    server.setExecutor(health.executor);
    server.createContext("/", health::handle);
    server.start();
    logger
        .atInfo()
        .addKeyValue("address", server.getAddress().getAddress().getHostAddress())
        .addKeyValue("port", server.getAddress().getPort())
        .log("metrics, health and readiness are served");
    return health;
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return server.getAddress();
  }

  /** Closes the port; requests under way may be cut. */
  @Override
  public void close() {
    server.stop(0);
    executor.shutdownNow();
  }

  /**
   * Sets the limits of the JDK's server, which are properties of the process and read once, before
   * the first server is made. What an operator set stays.
   */
  private static void bound() {
    limit("jdk.httpserver.maxConnections", MAX_CONNECTIONS);
    limit("sun.net.httpserver.maxReqTime", MAX_REQUEST_SECONDS);
    limit("sun.net.httpserver.maxRspTime", MAX_REQUEST_SECONDS);
  }

  private static void limit(String property, int value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, Integer.toString(value));
    }
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String method = exchange.getRequestMethod();
      if (!method.equals("GET") && !method.equals("HEAD")) {
        exchange.getResponseHeaders().set("Allow", "GET, HEAD");
        respond(exchange, 405, TEXT, "only GET and HEAD\n");
        return;
      }
      switch (exchange.getRequestURI().getPath()) {
        case "/metrics" -> respondMetrics(exchange);
        case "/healthz" -> respond(exchange, 200, TEXT, "ok\n");
        case "/readyz" -> respondReadiness(exchange);
        default -> respond(exchange, 404, TEXT, "there are /metrics, /healthz and /readyz\n");
      }
    }
  }

  private void respondMetrics(HttpExchange exchange) throws IOException {
    String accept = exchange.getRequestHeaders().getFirst("Accept");
    ExpositionFormatWriter writer =
        accept != null && openMetrics.accepts(accept) ? openMetrics : prometheus;
    ByteArrayOutputStream body = new ByteArrayOutputStream(16_384);
    writer.write(body, metrics.get());
    respond(exchange, 200, writer.getContentType(), body.toByteArray());
  }

  private void respondReadiness(HttpExchange exchange) throws IOException {
    List<String> reasons = reasonsNotReady.get();
    if (reasons.isEmpty()) {
      respond(exchange, 200, TEXT, "ready\n");
    } else {
      respond(exchange, 503, TEXT, String.join("\n", reasons) + "\n");
    }
  }

  private static void respond(HttpExchange exchange, int status, String type, String body)
      throws IOException {
    respond(exchange, status, type, body.getBytes(StandardCharsets.UTF_8));
  }

  private static void respond(HttpExchange exchange, int status, String type, byte[] body)
      throws IOException {
    exchange.getResponseHeaders().set("Content-Type", type);
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", Integer.toString(body.length));
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, body.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(body);
    }
  }
}
