package io.ipsentry.watcher.metrics;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * As much of HTTP/1.1 (RFC 9112) as scrapers and probes speak: requests one after the other on a
 * connection, answers of a known length. A request that has a body is answered without reading it,
 * and is the last of its connection.
 *
 * <p>The JDK's own server is 100 classes with those for the names of months and time zones that it
 * writes, 2 MiB of a process that serves nothing else by it.
 *
 * <p>A virtual thread a connection, one that accepts, and one that closes what takes too long. Safe
 * for any thread.
 */
final class HealthConnections implements AutoCloseable {
  /** A request line and headers that are longer are refused. */
  private static final int MAX_HEAD_BYTES = 16 << 10;

  /** What is read and dropped of a body, so that its sender gets to see the answer. */
  private static final int MAX_DROPPED_BYTES = 64 << 10;

  private static final Duration MAX_IDLE = Duration.ofSeconds(30);
  private static final Duration LOOK = Duration.ofSeconds(1);
  private static final Duration PAUSE = Duration.ofMillis(100);

  private static final Logger logger = LoggerFactory.getLogger(HealthConnections.class);

  /** Answers from any thread. */
  @FunctionalInterface
  interface Handler {
    /** Never throws but for a defect, upon which the connection is closed. */
    Answer answer(Request request);
  }

  /**
   * What is asked for.
   *
   * @param path without a query
   * @param headers by their names, of which case does not matter; the first of several
   */
  record Request(String method, String path, Map<String, String> headers) {}

  /**
   * What is answered.
   *
   * @param status with its phrase, such as {@code 200 OK}
   * @param header one more, ended by CR LF; or empty
   * @param body sent as UTF-8
   */
  record Answer(String status, String type, String header, String body) {}

  private final ServerSocket server;
  private final int maxConnections;
  private final Duration maxRequest;
  private final Handler handler;
  private final Set<Connection> open = ConcurrentHashMap.newKeySet();

  private HealthConnections(
      ServerSocket server, int maxConnections, Duration maxRequest, Handler handler) {
    this.server = server;
    this.maxConnections = maxConnections;
    this.maxRequest = maxRequest;
    this.handler = handler;
  }

  /**
   * Opens the port and serves.
   *
   * @param maxConnections open at a time; further ones are closed at once
   * @param maxRequest for a client to send its request, and to take the answer
   * @throws IOException if the address cannot be bound
   */
  static HealthConnections start(
      InetSocketAddress address, int maxConnections, Duration maxRequest, Handler handler)
      throws IOException {
    ServerSocket server = new ServerSocket();
    try {
      server.bind(address);
    } catch (IOException e) {
      server.close();
      throw e;
    }
    HealthConnections connections =
        new HealthConnections(server, maxConnections, maxRequest, handler);
    Thread.ofVirtual().name("health-server").start(connections::accept);
    Thread.ofVirtual().name("health-server-limits").start(connections::closeLate);
    return connections;
  }

  InetSocketAddress address() {
    return (InetSocketAddress) server.getLocalSocketAddress();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Connection connection = new Connection(server.accept());
        if (open.size() >= maxConnections) {
          connection.close();
        } else {
          open.add(connection);
          if (server.isClosed()) {
            connection.close();
          }
          Thread.ofVirtual().name("health-server-connection").start(connection);
        }
      } catch (IOException e) {
        if (!server.isClosed()) {
          logger.atDebug().setCause(e).log("a connection for metrics was not accepted");
          LockSupport.parkNanos(PAUSE.toNanos());
        }
      }
    }
  }

  private void closeLate() {
    while (!server.isClosed()) {
      LockSupport.parkNanos(LOOK.toNanos());
      for (Connection connection : open) {
        if (connection.due - System.nanoTime() < 0) {
          connection.close();
        }
      }
    }
  }

  /** Closes the port; requests under way are cut. */
  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException e) {
      logger.atDebug().setCause(e).log("the port for metrics was not closed");
    }
    open.forEach(Connection::close);
  }

  /** One connection; all but closing is confined to its thread. */
  private final class Connection implements Runnable {
    private final Socket socket;
    private volatile long due = System.nanoTime() + maxRequest.toNanos();

    Connection(Socket socket) {
      this.socket = socket;
    }

    @Override
    public void run() {
      try {
        socket.setTcpNoDelay(true);
        InputStream in = new BufferedInputStream(socket.getInputStream(), 1024);
        boolean goesOn = true;
        while (goesOn) {
          String head = head(in);
          if (head == null) {
            return;
          }
          goesOn = serve(head);
          due = System.nanoTime() + (goesOn ? MAX_IDLE : maxRequest).toNanos();
        }
        socket.shutdownOutput();
        in.skipNBytes(MAX_DROPPED_BYTES);
      } catch (IOException e) {
        logger.atTrace().setCause(e).log("a connection for metrics was cut");
      } finally {
        close();
      }
    }

    /** Request line and headers, without the empty line behind them; null at the end. */
    private @Nullable String head(InputStream in) throws IOException {
      ByteArrayOutputStream head = new ByteArrayOutputStream(512);
      int line = 0;
      for (int b = in.read(); b >= 0; b = in.read()) {
        if (head.size() == 0) {
          due = System.nanoTime() + maxRequest.toNanos();
        }
        if (head.size() == MAX_HEAD_BYTES) {
          // Understood as no request, and refused.
          return "";
        }
        if (b == '\n') {
          if (line == 0 && head.size() > 0) {
            return head.toString(StandardCharsets.ISO_8859_1);
          }
          line = 0;
        } else if (b != '\r') {
          line++;
        }
        if (b != '\r' && (b != '\n' || head.size() > 0)) {
          head.write(b);
        }
      }
      return null;
    }

    /** Answers; whether another request may follow. */
    private boolean serve(String head) throws IOException {
      String[] lines = head.split("\n");
      String[] first = lines[0].split(" ", -1);
      if (first.length != 3 || !first[2].startsWith("HTTP/1.")) {
        send(new Answer("400 Bad Request", "text/plain", "", "no request\n"), true, false);
        return false;
      }
      Map<String, String> headers = headers(lines);
      int query = first[1].indexOf('?');
      String path = query < 0 ? first[1] : first[1].substring(0, query);
      boolean goesOn = goesOn(first[2], headers);
      Answer answer = handler.answer(new Request(first[0], path, headers));
      send(answer, !first[0].equals("HEAD"), goesOn);
      return goesOn;
    }

    private void send(Answer answer, boolean withBody, boolean goesOn) throws IOException {
      byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
      String head =
          "HTTP/1.1 "
              + answer.status()
              + "\r\nContent-Type: "
              + answer.type()
              + "\r\nContent-Length: "
              + body.length
              + "\r\n"
              + answer.header()
              + (goesOn ? "\r\n" : "Connection: close\r\n\r\n");
      ByteArrayOutputStream message = new ByteArrayOutputStream(256 + body.length);
      message.writeBytes(head.getBytes(StandardCharsets.ISO_8859_1));
      if (withBody) {
        message.writeBytes(body);
      }
      message.writeTo(socket.getOutputStream());
    }

    void close() {
      open.remove(this);
      try {
        socket.close();
      } catch (IOException e) {
        logger.atTrace().setCause(e).log("a connection for metrics was not closed");
      }
    }
  }

  private static Map<String, String> headers(String[] lines) {
    Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    for (int i = 1; i < lines.length; i++) {
      int colon = lines[i].indexOf(':');
      if (colon > 0) {
        headers.putIfAbsent(lines[i].substring(0, colon), lines[i].substring(colon + 1).strip());
      }
    }
    return headers;
  }

  private static boolean goesOn(String version, Map<String, String> headers) {
    String connection = headers.getOrDefault("Connection", "").toLowerCase(Locale.ROOT);
    return version.equals("HTTP/1.1")
        && !connection.contains("close")
        && headers.getOrDefault("Content-Length", "0").equals("0")
        && !headers.containsKey("Transfer-Encoding");
  }
}
