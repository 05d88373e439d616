package io.ipsentry.authz.http;

import static io.ipsentry.authz.http.ConnectionRig.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The server over sockets: many clients, clients that go away, limits over all of them, its end.
 */
final class ForwardAuthServerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String GOOD = get("/forward-auth", "X-Forwarded-Uri: /\r\n");
  private static final HttpLimits D = HttpLimits.DEFAULT;

  private final EventLoops loops = EventLoops.start(2);
  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable part : opened.reversed()) {
      part.close();
    }
    loops.close();
  }

  private ForwardAuthServer start(EventLoops on, RequestJudge judge, HttpLimits limits) {
    ForwardAuthServer server =
        ForwardAuthServer.start(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            ConnectionRig.parts(on, judge, false, 64),
            limits);
    opened.add(server);
    return server;
  }

  private Client connect(ForwardAuthServer server) throws IOException {
    Client client =
        new Client(new Socket(server.address().getAddress(), server.address().getPort()));
    opened.add(client);
    return client;
  }

  @Test
  void calls_overNioAndEpoll_areAnswered() throws IOException {
    EventLoops nio = EventLoops.startNio(1);
    opened.add(nio);
    for (EventLoops kind : List.of(loops, nio)) {
      ScriptedJudge judge = ScriptedJudge.refusingBanned();
      Client client = connect(start(kind, judge, D));
      assertThat(client.ask(GOOD)).startsWith("HTTP/1.1 200 ");
      assertThat(client.ask(get("/ext-authz/banned", ""))).startsWith("HTTP/1.1 403 ");
      assertThat(client.ask(GOOD)).startsWith("HTTP/1.1 200 ");
      assertThat(judge.lastAsked().peer()).isEqualTo("127.0.0.1");
    }
  }

  @Test
  void clients_manyAtOnceWithPipelinedCalls_eachGetItsOwnAnswersInOrder() {
    ForwardAuthServer server = start(loops, ScriptedJudge.refusingBanned(), D);
    int clients = 16;
    int rounds = 50;
    List<CompletableFuture<Void>> running = new ArrayList<>();
    for (int c = 0; c < clients; c++) {
      Random random = new Random(c);
      running.add(
          CompletableFuture.runAsync(() -> {
            try (Client client =
                new Client(new Socket(server.address().getAddress(), server.address().getPort()))) {
              for (int round = 0; round < rounds; round++) {
                StringBuilder calls = new StringBuilder();
                List<String> expected = new ArrayList<>();
                for (int i = random.nextInt(20); i >= 0; i--) {
                  boolean banned = random.nextBoolean();
                  calls.append(get("/ext-authz/" + (banned ? "banned" : "fine"), ""));
                  expected.add(banned ? "HTTP/1.1 403 Forbidden" : "HTTP/1.1 200 OK");
                }
                client.send(calls.toString());
                for (String status : expected) {
                  assertThat(client.answer()).startsWith(status + "\r\n");
                }
              }
            } catch (IOException e) {
              throw new AssertionError("a connection broke", e);
            }
          }));
    }
    CompletableFuture.allOf(running.toArray(CompletableFuture[]::new)).join();
    assertThat(server.counters().snapshot().inFlight()).isZero();
    assertThat(server.counters().snapshot().errors()).isZero();
  }

  @Test
  void clients_thatGoInTheMiddle_leaveNothingBehind() throws IOException {
    ForwardAuthServer server = start(loops, ScriptedJudge.refusingBanned(), D);
    String body = "POST /forward-auth HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf";
    List<String> beginnings = List.of("", "G", "GET /forward-auth HTTP/1.1\r\nHost", body, GOOD);
    for (int i = 0; i < 200; i++) {
      Client client = connect(server);
      client.send(beginnings.get(i % beginnings.size()));
      if (i % 2 == 0) {
        client.reset();
      } else {
        client.close();
      }
    }
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> {
          assertThat(server.counters().snapshot().connections()).isZero();
          assertThat(server.counters().snapshot().inFlight()).isZero();
        });
    assertThat(server.counters().snapshot().errors()).isZero();
    assertThat(connect(server).ask(GOOD)).startsWith("HTTP/1.1 200 ");
  }

  @Test
  void client_malformedInTheMiddleOfMuch_getsItsAnswerBeforeTheEnd() throws IOException {
    ForwardAuthServer server = start(loops, ScriptedJudge.refusingBanned(), D);
    for (int i = 0; i < 50; i++) {
      Client client = connect(server);
      // Bytes that nobody reads would reset the connection and could take the answer with them.
      client.send(GOOD + "nonsense\r\n\r\n" + "x".repeat(20_000));
      assertThat(client.answer()).startsWith("HTTP/1.1 200 ");
      assertThat(client.answer()).startsWith("HTTP/1.1 400 ");
      assertThat(client.isAtEnd()).isTrue();
    }
  }

  @Test
  void client_thatDoesNotRead_isCutWithoutPilingUpAnswers() throws IOException {
    HttpLimits hasty = limits(100, Duration.ofSeconds(1), Duration.ofSeconds(5));
    ForwardAuthServer server = start(loops, ScriptedJudge.refusingBanned(), hasty);
    Client client = connect(server);
    String many = get("/ext-authz/banned", "").repeat(1_000);
    await()
        .atMost(PATIENCE)
        .until(() -> {
          try {
            client.send(many);
            return false;
          } catch (SocketException e) {
            return true;
          }
        });
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(server.counters().snapshot().connections()).isZero());
    assertThat(server.counters().snapshot().timedOut()).isEqualTo(1);
  }

  @Test
  void connections_beyondTheLimit_areClosedAndLaterOnesServed() throws IOException {
    ForwardAuthServer server =
        start(loops, ScriptedJudge.refusingBanned(), limits(2, D.requestTimeout(), D.stopGrace()));
    Client first = connect(server);
    Client second = connect(server);
    assertThat(first.ask(GOOD)).startsWith("HTTP/1.1 200 ");
    assertThat(second.ask(GOOD)).startsWith("HTTP/1.1 200 ");

    assertThat(connect(server).isAtEnd()).isTrue();
    assertThat(server.counters().snapshot().connectionsRefused()).isEqualTo(1);
    assertThat(first.ask(GOOD)).startsWith("HTTP/1.1 200 ");

    second.close();
    await().atMost(PATIENCE).until(() -> server.counters().snapshot().connections() == 1);
    assertThat(connect(server).ask(GOOD)).startsWith("HTTP/1.1 200 ");
  }

  @Test
  void close_callIsBeingJudged_isAnsweredAndIsTheLast() throws Exception {
    CountDownLatch judging = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    ScriptedJudge slow =
        new ScriptedJudge(
            target -> {
              judging.countDown();
              awaitLatch(released);
              return Judgement.Reason.NOT_BANNED.allowed();
            },
            "");
    ForwardAuthServer server = start(loops, slow, D);
    Client client = connect(server);
    client.send(GOOD);
    awaitLatch(judging);
    CompletableFuture<Void> closing = CompletableFuture.runAsync(server::close);
    // Refused once the listening socket is closed, which is after the server knows that it stops.
    await()
        .atMost(PATIENCE)
        .until(() -> {
          try (Socket socket = new Socket()) {
            socket.connect(server.address(), 1_000);
            return false;
          } catch (IOException e) {
            return true;
          }
        });
    released.countDown();

    assertThat(client.answer()).startsWith("HTTP/1.1 200 ").contains("connection: close\r\n");
    assertThat(client.isAtEnd()).isTrue();
    closing.join();
  }

  @Test
  void close_connectionIsIdle_mayMakeOneMoreCall() throws IOException {
    ForwardAuthServer server = start(loops, ScriptedJudge.refusingBanned(), D);
    Client asking = connect(server);
    Client silent = connect(server);
    assertThat(asking.ask(GOOD)).startsWith("HTTP/1.1 200 ");
    assertThat(silent.ask(GOOD)).doesNotContain("connection: close");
    CompletableFuture<Void> closing = CompletableFuture.runAsync(server::close);
    assertThat(silent.isAtEnd()).isTrue();
    closing.join();
    // Whether the first call met the half second or not, it was answered or cleanly ended.
    assertThat(asking.isAtEnd()).isTrue();
  }

  @Test
  void close_callNeverEnds_isCutAfterTheGrace() throws IOException {
    ForwardAuthServer server =
        start(
            loops,
            ScriptedJudge.refusingBanned(),
            limits(100, Duration.ofMinutes(5), Duration.ofMillis(200)));
    Client client = connect(server);
    client.send("POST /forward-auth HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx");
    assertThat(client.answer()).startsWith("HTTP/1.1 200 ");

    server.close();

    assertThat(client.isAtEnd()).isTrue();
    assertThat(server.counters().snapshot().connections()).isZero();
  }

  @Test
  void start_addressTaken_saysWhatToChange() {
    ForwardAuthServer server = start(loops, ScriptedJudge.refusingBanned(), D);
    assertThatExceptionOfType(ForwardAuthServerException.class)
        .isThrownBy(() ->
            ForwardAuthServer.start(
                server.address(),
                ConnectionRig.parts(loops, ScriptedJudge.refusingBanned(), false, 1)))
        .withMessageContaining("authz.http");
  }

  private static HttpLimits limits(int maxConnections, Duration requestTimeout, Duration grace) {
    return new HttpLimits(
        maxConnections,
        D.maxLineBytes(),
        D.maxHeaderBytes(),
        D.maxBodyBytes(),
        D.headTimeout(),
        requestTimeout,
        D.idleTimeout(),
        D.lingerTimeout(),
        grace);
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertThat(latch.await(PATIENCE.toSeconds(), java.util.concurrent.TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /** A client that reads answers one by one. */
  private static final class Client implements AutoCloseable {
    private final Socket socket;
    private final InputStream in;

    Client(Socket socket) throws IOException {
      this.socket = socket;
      socket.setSoTimeout((int) PATIENCE.toMillis());
      in = socket.getInputStream();
    }

    void send(String text) throws IOException {
      socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    String ask(String call) throws IOException {
      send(call);
      return answer();
    }

    /** The next answer with its body. */
    String answer() throws IOException {
      StringBuilder head = new StringBuilder();
      while (head.indexOf("\r\n\r\n") < 0) {
        int b = in.read();
        if (b < 0) {
          throw new IOException("ended within an answer: " + head);
        }
        head.append((char) b);
      }
      String length = head.substring(head.indexOf("content-length: ") + 16);
      byte[] body = in.readNBytes(Integer.parseInt(length.substring(0, length.indexOf("\r\n"))));
      return head + new String(body, StandardCharsets.UTF_8);
    }

    /** Whether the server has ended the connection; waits for it. */
    boolean isAtEnd() throws IOException {
      return in.read() < 0;
    }

    /** Goes without a goodbye. */
    void reset() throws IOException {
      socket.setSoLinger(true, 0);
      socket.close();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }
}
