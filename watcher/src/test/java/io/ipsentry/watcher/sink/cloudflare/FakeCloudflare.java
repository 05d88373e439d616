package io.ipsentry.watcher.sink.cloudflare;

import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.ok;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.extension.ResponseDefinitionTransformerV2;
import com.github.tomakehurst.wiremock.http.Fault;
import com.github.tomakehurst.wiremock.http.Request;
import com.github.tomakehurst.wiremock.http.ResponseDefinition;
import com.github.tomakehurst.wiremock.stubbing.ServeEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The access rules of the API v4 of Cloudflare, as developers.cloudflare.com/api describes them:
 * create, list by pages, edit, delete, in any scope; error documents with their codes. Faults on
 * demand.
 */
final class FakeCloudflare implements AutoCloseable {
  static final String TOKEN = "marker-SeCrEt-0123456789abcdef";
  static final String EMAIL = "admin@example.org";
  static final String ZONE = "0123456789abcdef0123456789abcdef";
  private static final String RULES = "/firewall/access_rules/rules";
  private static final int MAX_PER_PAGE = 25;
  private static final JsonMapper JSON = new JsonMapper();

  private final WireMockServer server;

  /** By id. */
  final Map<String, Rule> rules = new LinkedHashMap<>();

  final Deque<ResponseDefinition> before = new ArrayDeque<>();
  final Deque<ResponseDefinition> after = new ArrayDeque<>();
  final List<String> calls = new ArrayList<>();
  int quota = Integer.MAX_VALUE;
  private @Nullable ResponseDefinition outage;
  private int lastId;

  record Rule(String scope, String target, String value, String mode, String notes) {}

  FakeCloudflare() {
    server = new WireMockServer(wireMockConfig().dynamicPort().extensions(new Model()));
    server.start();
    server.stubFor(any(anyUrl()).willReturn(ok()));
  }

  URI api() {
    return URI.create(server.baseUrl() + "/client/v4");
  }

  /** As at the beginning. */
  synchronized void reset() {
    rules.clear();
    before.clear();
    after.clear();
    calls.clear();
    quota = Integer.MAX_VALUE;
    outage = null;
    lastId = 0;
    server.resetRequests();
  }

  synchronized void outage(@Nullable ResponseDefinition answer) {
    outage = answer;
  }

  static ResponseDefinition noAnswer() {
    return new ResponseDefinitionBuilder().withFault(Fault.CONNECTION_RESET_BY_PEER).build();
  }

  static ResponseDefinition error(int status, int code, String message) {
    return error(status, code, message, null);
  }

  static ResponseDefinition error(
      int status, int code, String message, @Nullable String retryAfter) {
    ObjectNode document = document(false);
    document.withArray("errors").addObject().put("code", code).put("message", message);
    ResponseDefinitionBuilder answer =
        new ResponseDefinitionBuilder()
            .withStatus(status)
            .withHeader("Content-Type", "application/json")
            .withBody(document.toString());
    if (retryAfter != null) {
      answer.withHeader("Retry-After", retryAfter);
    }
    return answer.build();
  }

  synchronized String put(String scope, String target, String value, String mode, String notes) {
    String id = "%032x".formatted(++lastId);
    rules.put(id, new Rule(scope, target, value, mode, notes));
    return id;
  }

  private static ObjectNode document(boolean success) {
    ObjectNode document = JSON.createObjectNode();
    document.put("success", success);
    document.putArray("errors");
    document.putArray("messages");
    document.putNull("result");
    return document;
  }

  private final class Model implements ResponseDefinitionTransformerV2 {
    @Override
    public String getName() {
      return "cloudflare";
    }

    @Override
    public ResponseDefinition transform(ServeEvent event) {
      synchronized (FakeCloudflare.this) {
        Request request = event.getRequest();
        calls.add(request.getMethod().getName() + " " + request.getUrl());
        if (outage != null) {
          return outage;
        }
        ResponseDefinition fault = before.poll();
        if (fault != null) {
          return fault;
        }
        ResponseDefinition answer = answer(request);
        ResponseDefinition lost = after.poll();
        return lost != null ? lost : answer;
      }
    }
  }

  private ResponseDefinition answer(Request request) {
    boolean token = ("Bearer " + TOKEN).equals(request.getHeader("Authorization"));
    boolean key =
        EMAIL.equals(request.getHeader("X-Auth-Email"))
            && TOKEN.equals(request.getHeader("X-Auth-Key"));
    if (!token && !key) {
      return error(403, 10000, "Authentication error");
    }
    String path = URI.create(request.getUrl()).getPath().substring("/client/v4".length());
    int at = path.indexOf(RULES);
    if (at < 0) {
      return error(404, 7003, "Could not route to " + path);
    }
    String scope = path.substring(1, at);
    String id = path.substring(at + RULES.length()).replaceFirst("^/", "");
    return switch (request.getMethod().getName()) {
      case "GET" -> list(scope, request);
      case "POST" -> create(scope, body(request));
      case "PATCH" -> edit(id, body(request));
      case "DELETE" -> delete(id);
      default -> error(405, 10405, "Method not allowed");
    };
  }

  private static JsonNode body(Request request) {
    try {
      return JSON.readTree(request.getBodyAsString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private ResponseDefinition create(String scope, JsonNode body) {
    String target = body.path("configuration").path("target").asText();
    String value = body.path("configuration").path("value").asText();
    if (rules.values().stream()
        .anyMatch(rule -> rule.scope().equals(scope) && rule.value().equals(value))) {
      return error(400, 10009, "firewallaccessrules.api.duplicate_of_existing");
    }
    if (rules.size() >= quota) {
      // The documentation names no code; ip-sentry goes by the words.
      return error(400, 10014, "You have exceeded the limit of access rules of your plan");
    }
    boolean isRange = value.contains("/");
    if (isRange && !value.matches("[0-9.]+/(16|24)|[0-9a-f:]+/(32|48|64)")
        || isRange != target.equals("ip_range")
        || value.contains(":") && target.equals("ip")) {
      return error(400, 10011, "firewallaccessrules.api.validation_error");
    }
    String id = put(scope, target, value, body.path("mode").asText(), body.path("notes").asText());
    return done(rule(id));
  }

  private ResponseDefinition edit(String id, JsonNode body) {
    Rule rule = rules.get(id);
    if (rule == null) {
      return error(404, 10001, "firewallaccessrules.api.not_found");
    }
    rules.put(
        id,
        new Rule(
            rule.scope(),
            rule.target(),
            rule.value(),
            body.path("mode").asText(),
            body.path("notes").asText()));
    return done(rule(id));
  }

  private ResponseDefinition delete(String id) {
    if (rules.remove(id) == null) {
      return error(404, 10001, "firewallaccessrules.api.not_found");
    }
    return done(JSON.createObjectNode().put("id", id));
  }

  private ResponseDefinition list(String scope, Request request) {
    List<String> found = new ArrayList<>();
    rules.forEach((id, rule) -> {
      // Those of the account hold for its zones, and are listed with theirs.
      boolean visible = rule.scope().equals(scope) || rule.scope().startsWith("accounts");
      if (visible
          && contains(rule.notes(), query(request, "notes"))
          && (query(request, "configuration.value").isEmpty()
              || rule.value().equals(query(request, "configuration.value")))) {
        found.add(id);
      }
    });
    int page = Integer.parseInt(query(request, "page"));
    int perPage = Math.min(MAX_PER_PAGE, Integer.parseInt(query(request, "per_page")));
    ObjectNode document = document(true);
    ArrayNode result = document.putArray("result");
    found.stream()
        .skip((long) (page - 1) * perPage)
        .limit(perPage)
        .forEach(id -> result.add(rule(id)));
    document
        .putObject("result_info")
        .put("page", page)
        .put("per_page", perPage)
        .put("count", result.size())
        .put("total_count", found.size())
        .put("total_pages", (found.size() + perPage - 1) / perPage);
    return json(document);
  }

  private static boolean contains(String notes, String wanted) {
    return notes.toLowerCase(Locale.ROOT).contains(wanted.toLowerCase(Locale.ROOT));
  }

  private static String query(Request request, String name) {
    return request.queryParameter(name).isPresent()
        ? request.queryParameter(name).firstValue()
        : "";
  }

  private ObjectNode rule(String id) {
    Rule rule = Objects.requireNonNull(rules.get(id));
    ObjectNode json = JSON.createObjectNode();
    json.put("id", id);
    json.put("mode", rule.mode());
    json.put("notes", rule.notes());
    json.putObject("configuration").put("target", rule.target()).put("value", rule.value());
    String scope = rule.scope();
    json.putObject("scope")
        .put(
            "type",
            scope.startsWith("zones") ? "zone" : scope.startsWith("user") ? "user" : "account");
    return json;
  }

  private static ResponseDefinition done(JsonNode result) {
    ObjectNode document = document(true);
    document.set("result", result);
    return json(document);
  }

  private static ResponseDefinition json(ObjectNode document) {
    return new ResponseDefinitionBuilder()
        .withStatus(200)
        .withHeader("Content-Type", "application/json")
        .withBody(document.toString())
        .build();
  }

  @Override
  public void close() {
    server.stop();
  }
}
