package io.ipsentry.conformance.program;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** The metrics, health and readiness of a process on the loopback address. */
final class MetricsPort implements AutoCloseable {
  private final int port = Gateways.freePort();
  private final HttpClient client =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

  int port() {
    return port;
  }

  /** Value of a sample of {@code /metrics}; empty if there is none. */
  OptionalDouble metric(String sample) {
    return body("/metrics")
        .lines()
        .filter(line -> line.startsWith(sample + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(sample.length() + 1)))
        .findFirst();
  }

  /** Status of a path; 0: nobody listens. */
  int status(String path) {
    HttpResponse<String> response = fetch(path);
    return response == null ? 0 : response.statusCode();
  }

  /** The body of a path; empty: nobody listens. */
  String body(String path) {
    HttpResponse<String> response = fetch(path);
    return response == null ? "" : response.body();
  }

  private @Nullable HttpResponse<String> fetch(String path) {
    try {
      return client.send(
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
              .timeout(Duration.ofSeconds(10))
              .build(),
          BodyHandlers.ofString());
    } catch (IOException e) {
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while asking the program", e);
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
