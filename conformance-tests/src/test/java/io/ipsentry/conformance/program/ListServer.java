package io.ipsentry.conformance.program;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A server of lists on the loopback, each with an ETag. */
public final class ListServer implements AutoCloseable {
  private final HttpServer server;
  private final Map<String, String> lists = new ConcurrentHashMap<>();
  private final AtomicInteger requests = new AtomicInteger();

  private ListServer(HttpServer server) {
    this.server = server;
    server.createContext("/", this::answer);
    server.start();
  }

  /** Starts one without any list. */
  public static ListServer start() throws IOException {
    return new ListServer(
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0));
  }

  /** Puts a list under a path. */
  public ListServer list(String path, String list) {
    lists.put(path, list);
    return this;
  }

  /** Where a list is. */
  public String url(String path) {
    return "http://127.0.0.1:" + server.getAddress().getPort() + path;
  }

  /** Times that it was asked. */
  public int requests() {
    return requests.get();
  }

  private void answer(HttpExchange exchange) throws IOException {
    requests.incrementAndGet();
    try (exchange) {
      String list = lists.get(exchange.getRequestURI().getPath());
      if (list == null) {
        exchange.sendResponseHeaders(404, -1);
        return;
      }
      String tag = '"' + Integer.toHexString(list.hashCode()) + '"';
      exchange.getResponseHeaders().set("ETag", tag);
      if (tag.equals(exchange.getRequestHeaders().getFirst("If-None-Match"))) {
        exchange.sendResponseHeaders(304, -1);
        return;
      }
      byte[] bytes = list.getBytes(UTF_8);
      exchange.sendResponseHeaders(200, bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
