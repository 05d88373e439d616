package io.ipsentry.stage;

import io.ipsentry.testing.NetworkNamespace;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/** One request of HTTP/1.0 from within a network namespace, over a connection of its own. */
final class Http {
  private static final int OK_LINE_MIN = "HTTP/1.1 200".length();

  private Http() {}

  /**
   * Asks.
   *
   * @param from the client's address; empty: whatever the namespace takes
   * @param head method, target and protocol, and headers, each ended by CRLF
   * @return empty: there was no answer, or none in time
   */
  static Optional<Answer> ask(
      NetworkNamespace namespace,
      String from,
      String to,
      int port,
      String head,
      Duration patience) {
    try (Socket socket = open(namespace, from)) {
      int millis = Math.toIntExact(patience.toMillis());
      socket.setSoTimeout(millis);
      socket.connect(new InetSocketAddress(InetAddress.ofLiteral(to), port), millis);
      socket.getOutputStream().write((head + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
      return parse(new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      // Refused, dropped, reset, or too slow: for who asks, no answer is what there is to say.
      return Optional.empty();
    }
  }

  private static Socket open(NetworkNamespace namespace, String from) {
    return namespace.call(() -> {
      Socket socket = new Socket();
      // Which makes the kernel's socket, here.
      socket.bind(
          new InetSocketAddress(InetAddress.ofLiteral(from.isEmpty() ? "0.0.0.0" : from), 0));
      return socket;
    });
  }

  private static Optional<Answer> parse(String text) {
    int end = text.indexOf("\r\n\r\n");
    if (end < OK_LINE_MIN) {
      return Optional.empty();
    }
    int status = Integer.parseInt(text.substring(OK_LINE_MIN - 3, OK_LINE_MIN));
    return Optional.of(new Answer(status, text.substring(0, end), text.substring(end + 4)));
  }
}
