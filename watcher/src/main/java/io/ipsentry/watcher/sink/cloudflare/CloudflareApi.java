package io.ipsentry.watcher.sink.cloudflare;

import com.fasterxml.jackson.databind.JsonNode;
import io.ipsentry.config.SinkConfig;
import io.ipsentry.config.SinkConfig.ApiKey;
import io.ipsentry.config.SinkConfig.ApiToken;
import io.ipsentry.sink.SinkException;
import io.ipsentry.watcher.sink.call.Answer;
import io.ipsentry.watcher.sink.call.HttpCalls;
import io.ipsentry.watcher.sink.call.Said;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Requests of the API v4 of Cloudflare for access rules, and what its errors mean. Safe for any
 * thread.
 */
final class CloudflareApi {
  /** A rule of the same target is there already. */
  static final int DUPLICATE = 10009;

  /** There is no rule of this id. */
  private static final int NOT_FOUND = 10001;

  /** The token, the key or the e-mail is wrong, or may not do this. */
  private static final Set<Integer> NOT_ALLOWED =
      Set.of(6003, 9103, 9106, 9107, 9109, 10000, 7003, 7000);

  private static final List<String> NO_ROOM =
      List.of(
          "quota",
          "maximum number",
          "limit reached",
          "limit exceeded",
          "exceeded the limit",
          "too many rules");

  /** Cloudflare lets nobody in for so long who made too many requests. */
  private static final Duration THROTTLED = Duration.ofMinutes(5);

  private final SinkConfig.Cloudflare config;
  private final HttpCalls calls;
  private final CredentialBudget budget;

  CloudflareApi(SinkConfig.Cloudflare config, HttpCalls calls, CredentialBudget budget) {
    this.config = config;
    this.calls = calls;
    this.budget = budget;
  }

  /** How a request ended that need not have gone well. */
  sealed interface Outcome {
    /** With this document. */
    record Done(JsonNode document) implements Outcome {}

    /** There is another rule for the target. */
    record Duplicate() implements Outcome {}

    /** There is no such rule. */
    record Gone() implements Outcome {}
  }

  Outcome get(Map<String, String> query) {
    String text =
        new TreeMap<>(query)
            .entrySet().stream()
                .map(each -> each.getKey() + "=" + encoded(each.getValue()))
                .collect(Collectors.joining("&"));
    return send(request("?" + text).GET().build(), false);
  }

  Outcome post(String body) {
    return send(request("").POST(BodyPublishers.ofString(body)).build(), true);
  }

  Outcome patch(String id, String body) {
    return send(
        request("/" + encoded(id)).method("PATCH", BodyPublishers.ofString(body)).build(), true);
  }

  Outcome delete(String id) {
    return send(request("/" + encoded(id)).DELETE().build(), false);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private HttpRequest.Builder request(String suffix) {
    HttpRequest.Builder request =
        HttpCalls.to(
                URI.create(
                    config.api()
                        + "/"
                        + config.scope().path()
                        + "/firewall/access_rules/rules"
                        + suffix))
            .header("Content-Type", "application/json");
    return switch (config.credential()) {
      case ApiToken token -> request.header("Authorization", "Bearer " + token.secret().value());
      case ApiKey key ->
          request.header("X-Auth-Email", key.email()).header("X-Auth-Key", key.secret().value());
    };
  }

  private Outcome send(HttpRequest request, boolean aboutOneRule) {
    budget.acquire();
    boolean well = false;
    try {
      Answer answer = calls.send(request);
      well = answer.status() < 500 && answer.status() != 429;
      return judge(answer, aboutOneRule);
    } finally {
      budget.answered(well);
    }
  }

  private Outcome judge(Answer answer, boolean aboutOneRule) {
    JsonNode document = answer.json();
    if (answer.isSuccess() && document.path("success").asBoolean(false)) {
      return new Outcome.Done(document);
    }
    List<Integer> codes = new ArrayList<>();
    document.path("errors").forEach(error -> codes.add(error.path("code").asInt()));
    String message = message(answer, document);
    if (answer.status() == 429) {
      throw SinkException.busy(message, answer.retryAfter().orElse(THROTTLED));
    }
    if (answer.status() >= 500 || document.isMissingNode() && answer.isSuccess()) {
      throw answer
          .retryAfter()
          .map(wait -> SinkException.busy(message, wait))
          .orElseGet(() -> SinkException.transientFailure(message, null));
    }
    if (codes.contains(DUPLICATE)) {
      return new Outcome.Duplicate();
    }
    if (codes.contains(NOT_FOUND)) {
      return new Outcome.Gone();
    }
    if (answer.status() == 401
        || answer.status() == 403
        || codes.stream().anyMatch(NOT_ALLOWED::contains)) {
      throw SinkException.refused(message);
    }
    String lower = message.toLowerCase(Locale.ROOT);
    if (aboutOneRule && NO_ROOM.stream().anyMatch(lower::contains)) {
      throw SinkException.full(message);
    }
    if (answer.status() == 404) {
      return new Outcome.Gone();
    }
    throw aboutOneRule ? SinkException.content(message) : SinkException.refused(message);
  }

  private String message(Answer answer, JsonNode document) {
    List<String> said = new ArrayList<>();
    document
        .path("errors")
        .forEach(error ->
            said.add(error.path("message").asText() + " (" + error.path("code").asInt() + ")"));
    String errors = said.isEmpty() ? "no reason given" : String.join("; ", said);
    return "Cloudflare answered "
        + answer.status()
        + ": "
        + Said.of(errors, config.credential().secret());
  }
}
