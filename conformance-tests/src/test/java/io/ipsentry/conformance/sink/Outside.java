package io.ipsentry.conformance.sink;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * What stands outside, on loopback: the access rules of Cloudflare (create, list, delete), Telegram
 * and a webhook. It can stall: then it takes connections and answers nobody.
 */
public final class Outside implements AutoCloseable {
  /** The zone that it has. */
  public static final String ZONE = "0123456789abcdef0123456789abcdef";

  private static final String RULES = "/client/v4/zones/" + ZONE + "/firewall/access_rules/rules";
  private static final JsonMapper JSON = new JsonMapper();

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Map<String, JsonNode> rules = new LinkedHashMap<>();
  private final List<String> telegrams = new ArrayList<>();
  private final List<JsonNode> hooks = new ArrayList<>();
  private boolean stalled;
  private boolean closed;
  private int lastId;

  /** Starts it. */
  public Outside() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
  }

  /** Where it is. */
  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  synchronized void stall(boolean now) {
    stalled = now;
    notifyAll();
  }

  /** Addresses that have a rule with notes of ours. */
  public synchronized List<String> ruled() {
    return rules.values().stream()
        .filter(rule -> rule.path("notes").asText().matches("ip-sentry \\S+ ban=\\d+"))
        .map(rule -> rule.path("configuration").path("value").asText())
        .sorted()
        .toList();
  }

  /** All rules, whosesoever. */
  synchronized int count() {
    return rules.size();
  }

  synchronized void putForeign(String address) {
    ObjectNode rule = JSON.createObjectNode();
    rule.put("mode", "block").put("notes", "by hand");
    rule.putObject("configuration").put("target", "ip").put("value", address);
    rules.put("f" + ++lastId, rule.put("id", "f" + lastId));
  }

  synchronized List<String> telegrams() {
    return List.copyOf(telegrams);
  }

  /** Events that the webhook was told of, each as often as it was. */
  synchronized List<Long> hooked() {
    List<Long> numbers = new ArrayList<>();
    hooks.forEach(body -> body.path("events").forEach(it -> numbers.add(it.path("seq").asLong())));
    return numbers;
  }

  /** What the webhook was told to be banned, in that order. */
  public synchronized List<String> bansTold() {
    List<String> bans = new ArrayList<>();
    for (JsonNode body : hooks) {
      for (JsonNode event : body.path("events")) {
        if (event.path("type").asText().equals("ban")) {
          bans.add(event.path("ip").asText());
        }
      }
    }
    return bans;
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      ObjectNode answer;
      synchronized (this) {
        while (stalled && !closed) {
          wait();
        }
        answer = answer(exchange, new String(body, StandardCharsets.UTF_8));
      }
      byte[] bytes = answer.toString().getBytes(StandardCharsets.UTF_8);
      boolean failed = answer.has("success") && !answer.path("success").asBoolean();
      exchange.sendResponseHeaders(failed ? 400 : 200, bytes.length);
      exchange.getResponseBody().write(bytes);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private ObjectNode answer(HttpExchange exchange, String body) throws IOException {
    String path = exchange.getRequestURI().getPath();
    ObjectNode answer = JSON.createObjectNode();
    if (path.startsWith("/bot")) {
      telegrams.add(JSON.readTree(body).path("text").asText());
      return answer.put("ok", true);
    }
    if (path.equals("/hook")) {
      hooks.add(JSON.readTree(body));
      return answer;
    }
    answer.put("success", true);
    switch (exchange.getRequestMethod()) {
      case "POST" -> {
        ObjectNode rule = (ObjectNode) JSON.readTree(body);
        JsonNode configuration = rule.path("configuration");
        if (rules.values().stream()
            .anyMatch(other -> other.path("configuration").equals(configuration))) {
          answer.put("success", false);
          answer.putArray("errors").addObject().put("code", 10009).put("message", "duplicate");
        } else {
          rule.put("id", "r" + ++lastId);
          rules.put("r" + lastId, rule);
          answer.set("result", rule);
        }
      }
      case "DELETE" -> rules.remove(path.substring(RULES.length() + 1));
      default -> {
        var result = answer.putArray("result");
        rules.values().forEach(result::add);
        answer.putObject("result_info").put("total_pages", 1);
      }
    }
    return answer;
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    server.stop(0);
    threads.shutdownNow();
  }
}
