package io.ipsentry.watcher.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.watcher.metrics.HealthConnections.Answer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a socket is answered, byte by byte. */
final class HealthConnectionsTest {
  private static final Duration LIMIT = Duration.ofSeconds(2);

  private final HealthConnections connections;

  HealthConnectionsTest() throws IOException {
    connections =
        HealthConnections.start(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            4,
            LIMIT,
            request ->
                new Answer(
                    "200 OK",
                    "text/plain",
                    "",
                    request.path() + " " + request.headers().get("accept")));
  }

  @AfterEach
  void stop() {
    connections.close();
  }

  @Test
  void requests_severalAtOnce_areAnsweredInOrderUntilClose() throws IOException {
    String first = "GET /a?b=c HTTP/1.1\r\nhost: x\r\nAccept: t\r\n\r\n";
    String second = "HEAD /d HTTP/1.1\nhost: x\n\n";
    String third = "\r\nGET /e HTTP/1.1\r\nConnection: Close\r\n\r\n";
    String never = "GET /never HTTP/1.1\r\n\r\n";
    String head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ";

    assertThat(said(first + second + third + never))
        .isEqualTo(
            "%s4\r\n\r\n/a t%s7\r\n\r\n%s7\r\nConnection: close\r\n\r\n/e null"
                .formatted(head, head, head));
  }

  @Test
  void request_ofHttp10OrWithABody_isTheLastOne() throws IOException {
    for (String request :
        new String[] {
          "GET /a HTTP/1.0\r\n\r\n",
          "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
          "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        }) {
      assertThat(said(request + "GET /b HTTP/1.1\r\n\r\n"))
          .as(request)
          .contains("Connection: close")
          .endsWith("/a null");
    }
  }

  @Test
  void request_thatIsNone_isRefused() throws IOException {
    assertThat(said("nonsense\r\n\r\n")).startsWith("HTTP/1.1 400 Bad Request\r\n");
    assertThat(said("GET / HTTP/2.0\r\n\r\n")).startsWith("HTTP/1.1 400 Bad Request\r\n");
    assertThat(said("GET / HTTP/1.1\r\nx: " + "x".repeat(20_000) + "\r\n\r\n"))
        .startsWith("HTTP/1.1 400 Bad Request\r\n");
  }

  @Test
  void request_thatDoesNotEnd_isCut() throws IOException {
    assertThat(said("GET / HTTP/1.1\r\n")).isEmpty();
    assertThat(said("")).isEmpty();
    assertThat(said("GET /a HTTP/1.1\r\nConnection: close\r\n\r\n")).endsWith("/a null");
  }

  /** Sends the text and does not end; what is answered until the server closes. */
  private String said(String text) throws IOException {
    try (Socket socket = new Socket()) {
      socket.setSoTimeout(30_000);
      socket.connect(connections.address(), 30_000);
      socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }
  }
}
