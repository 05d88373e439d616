package io.ipsentry.watcher.sink.call;

import io.ipsentry.sink.SinkException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/**
 * Calls servers outside. What it says of a failure names the host, never the rest of a URL, in
 * which there may be a secret. Redirects are not followed: a token goes where it is meant to go.
 * Safe for any thread.
 */
public final class HttpCalls implements AutoCloseable {
  /** Longest wait for a connection. */
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

  /** Longest wait for an answer. */
  private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(15);

  /** Largest answer that is read, in bytes. */
  private static final int MAX_ANSWER_BYTES = 4 << 20;

  private final HttpClient client =
      HttpClient.newBuilder()
          .connectTimeout(CONNECT_TIMEOUT)
          .followRedirects(Redirect.NEVER)
          .build();

  private final InstantSource clock;

  /** Calls by this clock, which tells what a date in an answer means. */
  public HttpCalls(InstantSource clock) {
    this.clock = clock;
  }

  /** The beginning of a request. */
  public static HttpRequest.Builder to(URI uri) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri).timeout(ANSWER_TIMEOUT).header("User-Agent", "ip-sentry");
    // Without TLS the newer version is asked for by an upgrade, which not every server survives.
    return "http".equals(uri.getScheme()) ? request.version(HttpClient.Version.HTTP_1_1) : request;
  }

  /**
   * Sends a request and waits for the answer.
   *
   * @throws SinkException transient, if there is none
   */
  public Answer send(HttpRequest request) {
    String host = request.uri().getHost();
    try {
      HttpResponse<byte[]> response =
          client.send(request, BodyHandlers.limiting(BodyHandlers.ofByteArray(), MAX_ANSWER_BYTES));
      Optional<Duration> retryAfter =
          response.headers().firstValue("Retry-After").flatMap(this::retryAfter);
      return new Answer(response.statusCode(), retryAfter, response.body());
    } catch (IOException e) {
      // Messages of others may repeat what they were sent.
      throw SinkException.transientFailure(
          "no answer from " + host + ": " + e.getClass().getSimpleName(), null);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw SinkException.transientFailure("the call of " + host + " was broken off", null);
    }
  }

  /** Seconds or a date (RFC 9110, 10.2.3). */
  private Optional<Duration> retryAfter(String text) {
    String value = text.strip();
    if (value.matches("[0-9]{1,9}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(value)));
    }
    try {
      Instant until = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      Duration wait = Duration.between(clock.instant(), until);
      return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  /** Ends calls that are under way. */
  @Override
  public void close() {
    client.shutdownNow();
  }
}
