package io.ipsentry.kubernetes.api;

import io.fabric8.kubernetes.api.model.StatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Questions about the objects of a namespace, on connections and with credentials of the client,
 * whose answers are read as they come and without its model. Safe for any thread.
 */
public final class ApiRequests {
  /** ConfigMaps. */
  static final Kind CONFIG_MAPS = new Kind("api/v1", "configmaps");

  private static final String JSON = "application/json";

  /** Until an answer begins. */
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  /** Until an answer was read to its end, but for that of a watch, which has none. */
  private static final Duration LONGEST = Duration.ofSeconds(60);

  private final HttpClient http;
  private final String server;
  private final String namespace;

  /**
   * A kind of objects.
   *
   * @param group path of its API, such as {@code apis/coordination.k8s.io/v1}
   * @param plural such as {@code leases}
   */
  public record Kind(String group, String plural) {}

  /**
   * @param http stays the caller's to close
   * @param server address of the API server, ends with a slash
   */
  ApiRequests(HttpClient http, String server, String namespace) {
    this.http = http;
    this.server = server;
    this.namespace = namespace;
  }

  /** Reads an answer. */
  @FunctionalInterface
  public interface Reading<T> {
    /** To its end. */
    T read(InputStream answer) throws IOException;
  }

  /**
   * Asks, and reads the answer.
   *
   * @param what is done, for people
   * @param kind of what is asked for
   * @param name of one; empty: all
   * @param query parameters
   * @throws ApiServerException if it is not answered, or not with what was asked for
   */
  public <T> T ask(
      String what, Kind kind, String name, Map<String, String> query, Reading<T> reading) {
    try (InputStream answer = open(what, kind, name, query)) {
      CompletableFuture<Void> over =
          new CompletableFuture<Void>()
              .completeOnTimeout(null, LONGEST.toMillis(), TimeUnit.MILLISECONDS);
      var ignored = over.thenRun(() -> close(answer));
      try {
        return reading.read(answer);
      } finally {
        over.cancel(false);
      }
    } catch (IOException e) {
      throw new ApiServerException(
          Reason.UNAVAILABLE, "cannot " + what + ": its answer breaks off: " + e.getMessage(), e);
    }
  }

  /**
   * Asks for one.
   *
   * @return empty: there is none of that name
   * @throws ApiServerException as {@link #ask}
   */
  public <T> Optional<T> find(String what, Kind kind, String name, Reading<T> reading) {
    try {
      return Optional.of(ask(what, kind, name, Map.of(), reading));
    } catch (ApiServerException e) {
      if (e.getCause() instanceof KubernetesClientException told
          && told.getCode() == HttpURLConnection.HTTP_NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  static void close(InputStream answer) {
    try {
      answer.close();
    } catch (IOException e) {
      throw new UncheckedIOException("an answer cannot be closed", e);
    }
  }

  /**
   * Asks; the caller reads the answer and closes it.
   *
   * @throws ApiServerException as {@link #ask}
   */
  public InputStream open(String what, Kind kind, String name, Map<String, String> query) {
    return open(what, kind, name, query, JSON, TIMEOUT);
  }

  /**
   * Asks for something that is no object, such as a log; the caller reads the answer and closes it.
   *
   * @param name of the object with its subresource, such as {@code POD/log}
   * @param patience until an answer begins
   * @throws ApiServerException as {@link #ask}
   */
  public InputStream openRaw(
      String what, Kind kind, String name, Map<String, String> query, Duration patience) {
    return open(what, kind, name, query, "*/*", patience);
  }

  private InputStream open(
      String what,
      Kind kind,
      String name,
      Map<String, String> query,
      String accept,
      Duration patience) {
    StringJoiner parameters = new StringJoiner("&");
    query.forEach((key, value) ->
        parameters.add(key + '=' + URLEncoder.encode(value, StandardCharsets.UTF_8)));
    String path = server + kind.group() + "/namespaces/" + namespace + '/' + kind.plural();
    String whole = name.isEmpty() ? path : path + '/' + name;
    HttpRequest request =
        http.newHttpRequestBuilder()
            .uri(URI.create(whole + '?' + parameters))
            .header("Accept", accept)
            .timeout(patience.toMillis(), TimeUnit.MILLISECONDS)
            .build();
    HttpResponse<InputStream> response = await(what, request);
    if (response.code() == HttpURLConnection.HTTP_OK) {
      return response.body();
    }
    try (InputStream answer = response.body()) {
      throw failure(what, Answers.failure(response.code(), answer));
    } catch (IOException e) {
      throw failure(what, new Answers.Failure(response.code(), "", ""));
    }
  }

  private HttpResponse<InputStream> await(String what, HttpRequest request) {
    CompletableFuture<HttpResponse<InputStream>> asked = http.sendAsync(request, InputStream.class);
    try {
      return asked.get();
    } catch (InterruptedException e) {
      boolean ignored = asked.cancel(true);
      Thread.currentThread().interrupt();
      throw new ApiServerException(Reason.UNAVAILABLE, "cannot " + what + ": interrupted", e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new ApiServerException(
          Reason.UNAVAILABLE,
          "cannot " + what + ": " + cause.getClass().getSimpleName() + ' ' + cause.getMessage(),
          e);
    }
  }

  /** What a refusal means, as for all other calls. */
  static ApiServerException failure(String what, Answers.Failure told) {
    return ApiFailures.of(
        what,
        new KubernetesClientException(
            told.message().isEmpty() ? "HTTP " + told.code() : told.message(),
            told.code(),
            new StatusBuilder().withReason(told.reason()).withMessage(told.message()).build()));
  }
}
