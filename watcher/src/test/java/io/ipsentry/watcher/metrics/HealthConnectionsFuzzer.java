package io.ipsentry.watcher.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.BugDetectors;
import com.code_intelligence.jazzer.api.SilentCloseable;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ipsentry.watcher.metrics.HealthConnections.Answer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Whatever comes on a connection, it gets whole answers and an end, and is not held. */
final class HealthConnectionsFuzzer {
  private static final int MAX_WAIT_MILLIS = 20_000;
  private static final String TYPE = "\r\nContent-Type: text/plain";
  private static final Pattern ANSWER =
      Pattern.compile(
          "HTTP/1\\.1 (?:200 OK|400 Bad Request)%s\r\nContent-Length: (\\d+)\r\n(%s)?\r\n"
              .formatted(TYPE, "Connection: close\r\n"));

  private static HealthConnections connections;

  @BeforeAll
  static void start() throws IOException {
    connections =
        HealthConnections.start(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            64,
            Duration.ofSeconds(10),
            request -> new Answer("200 OK", "text/plain", "", request.path()));
  }

  @AfterAll
  static void stop() {
    connections.close();
  }

  @FuzzTest(maxDuration = "1m")
  void connection_anyBytes_answersWholeAndEnds(byte[] bytes) throws IOException {
    String answers;
    try (SilentCloseable _ = BugDetectors.allowNetworkConnections()) {
      answers = answers(bytes);
    }
    Matcher answer = ANSWER.matcher(answers);
    boolean isClosed = false;
    int at = 0;
    while (at < answers.length()) {
      assertThat(isClosed).as(answers).isFalse();
      assertThat(answer.region(at, answers.length()).lookingAt()).as(answers).isTrue();
      isClosed = answer.group(2) != null;
      int body = Integer.parseInt(answer.group(1));
      // Who asks by HEAD gets none.
      boolean isThere = !answers.startsWith("HTTP/1.1 ", answer.end());
      at = answer.end() + (isThere ? Math.min(body, answers.length() - answer.end()) : 0);
    }
  }

  private static String answers(byte[] bytes) throws IOException {
    try (Socket socket = new Socket()) {
      socket.setSoTimeout(MAX_WAIT_MILLIS);
      socket.connect(connections.address(), MAX_WAIT_MILLIS);
      socket.getOutputStream().write(bytes);
      socket.shutdownOutput();
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }
  }
}
