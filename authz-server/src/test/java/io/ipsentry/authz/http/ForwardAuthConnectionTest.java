package io.ipsentry.authz.http;

import static io.ipsentry.authz.http.ConnectionRig.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is answered on one connection, byte for byte, and when it ends. */
final class ForwardAuthConnectionTest {
  private static final String ALLOWED =
      "HTTP/1.1 200 OK\r\nx-ip-sentry: allowed\r\ncontent-length: 0\r\n\r\n";
  private static final String DENIED =
      String.join(
          "\r\n",
          "HTTP/1.1 403 Forbidden",
          "x-ip-sentry: banned",
          "x-ip-sentry-ban-id: 42",
          "content-type: text/plain; charset=utf-8",
          "content-length: 14",
          "",
          "");
  private static final String BODY = "Forbidden \u00e2\u0098\u00b9\n";
  private static final String GOOD = get("/forward-auth", "X-Forwarded-Uri: /\r\n");
  private static final String BAD = get("/forward-auth", "X-Forwarded-Uri: /banned\r\n");

  private final ScriptedJudge judge = ScriptedJudge.refusingBanned();
  private final ServerState state = ConnectionRig.state(judge, false, 64);
  private final ConnectionRig rig = new ConnectionRig(state, "192.0.2.1");

  @AfterEach
  void close() {
    rig.close();
  }

  @Test
  void call_notBanned_isAllowedWithoutBodyAndConnectionGoesOn() {
    assertThat(rig.ask(GOOD)).isEqualTo(ALLOWED);
    assertThat(rig.ask(GOOD)).isEqualTo(ALLOWED);
    assertThat(rig.isOpen()).isTrue();
    assertThat(state.counters().snapshot().allowed()).isEqualTo(2);
    assertThat(state.counters().snapshot().latency().count()).isEqualTo(2);
    assertThat(state.counters().snapshot().inFlight()).isZero();
  }

  @Test
  void call_banned_isDeniedWithHeadersAndBody() {
    assertThat(rig.ask(BAD)).isEqualTo(DENIED + BODY);
    assertThat(rig.isOpen()).isTrue();
    assertThat(state.counters().snapshot().denied()).isEqualTo(1);
  }

  @Test
  void call_head_getsTheHeadersOfTheBodyItDoesNotGet() {
    assertThat(rig.ask(BAD.replace("GET", "HEAD"))).isEqualTo(DENIED);
  }

  @Test
  void calls_pipelined_areAnsweredInOrderInOnePacket() {
    rig.send(GOOD + BAD + GOOD);

    assertThat(rig.channel().outboundMessages()).hasSize(1);
    assertThat(rig.received()).isEqualTo(ALLOWED + DENIED + BODY + ALLOWED);
  }

  @Test
  void call_byteByByte_isAnsweredOnce() {
    for (int i = 0; i < GOOD.length(); i++) {
      assertThat(rig.received()).isEmpty();
      rig.send(GOOD.substring(i, i + 1));
    }
    assertThat(rig.received()).isEqualTo(ALLOWED);
  }

  @Test
  void call_shadow_isAllowedAndSaysSo() {
    ScriptedJudge shadow = new ScriptedJudge(target -> Judgement.Reason.SHADOW.allowed(), "");
    try (ConnectionRig other = new ConnectionRig(shadow)) {
      assertThat(other.ask(GOOD)).startsWith("HTTP/1.1 200 OK\r\nx-ip-sentry: shadow\r\n");
    }
  }

  @Test
  void call_judgeCannotTell_is503() {
    ScriptedJudge unsynced =
        new ScriptedJudge(target -> new Judgement.Unavailable("not-synced"), "");
    ServerState closed = ConnectionRig.state(unsynced, false, 64);
    try (ConnectionRig other = new ConnectionRig(closed, "192.0.2.1")) {
      assertThat(other.ask(GOOD))
          .startsWith("HTTP/1.1 503 Service Unavailable\r\nx-ip-sentry: unavailable\r\n");
      assertThat(other.isOpen()).isTrue();
      assertThat(closed.counters().snapshot().unavailable()).isEqualTo(1);
      assertThat(closed.counters().snapshot().failOpen()).isZero();
    }
  }

  @Test
  void call_judgeCannotTellAndFailOpen_is200AndCounted() {
    ScriptedJudge unsynced =
        new ScriptedJudge(target -> new Judgement.Unavailable("not-synced"), "");
    ServerState open = ConnectionRig.state(unsynced, true, 64);
    try (ConnectionRig other = new ConnectionRig(open, "192.0.2.1")) {
      assertThat(other.ask(GOOD))
          .isEqualTo("HTTP/1.1 200 OK\r\nx-ip-sentry: fail-open\r\ncontent-length: 0\r\n\r\n");
      assertThat(open.counters().snapshot().failOpen()).isEqualTo(1);
      assertThat(open.counters().snapshot().allowed()).isZero();
    }
  }

  @Test
  void call_judgeThrows_is503AndCounted() {
    ScriptedJudge broken =
        new ScriptedJudge(
            target -> {
              throw new IllegalStateException("broken");
            },
            "");
    ServerState faulty = ConnectionRig.state(broken, false, 64);
    try (ConnectionRig other = new ConnectionRig(faulty, "192.0.2.1")) {
      assertThat(other.ask(GOOD)).startsWith("HTTP/1.1 503 ");
      assertThat(other.ask(GOOD)).startsWith("HTTP/1.1 503 ");
      assertThat(faulty.counters().snapshot().errors()).isEqualTo(2);
      assertThat(faulty.counters().snapshot().inFlight()).isZero();
    }
  }

  @Test
  void calls_moreAtOnceThanMayBe_areRefusedAtOnceAndCountOnlyWhileTheyLast() {
    ServerState two = ConnectionRig.state(judge, false, 2);
    String withBody = GOOD.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n");
    try (ConnectionRig first = new ConnectionRig(two, "192.0.2.1");
        ConnectionRig second = new ConnectionRig(two, "192.0.2.1");
        ConnectionRig third = new ConnectionRig(two, "192.0.2.1")) {
      assertThat(first.ask(withBody + "ab")).isEqualTo(ALLOWED);
      assertThat(second.ask(withBody)).isEqualTo(ALLOWED);

      assertThat(third.ask(GOOD)).startsWith("HTTP/1.1 503 ");
      assertThat(two.counters().snapshot().overload()).isEqualTo(1);
      assertThat(two.counters().snapshot().inFlight()).isEqualTo(2);

      first.send("cde");
      assertThat(third.ask(GOOD)).isEqualTo(ALLOWED);
      second.hangUp();
      assertThat(two.counters().snapshot().inFlight()).isZero();
    }
  }

  @Test
  void call_withBody_isAnsweredAtItsHeadAndTheBodyIsThrownAway() {
    String head = "POST /forward-auth HTTP/1.1\r\nHost: a\r\n";
    assertThat(rig.ask(head + "Content-Length: 10\r\n\r\n01234")).isEqualTo(ALLOWED);
    assertThat(rig.ask("56789" + GOOD)).isEqualTo(ALLOWED);
    assertThat(rig.ask(head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")).isEqualTo(ALLOWED);
    assertThat(rig.ask("0\r\nTrailer: x\r\n\r\n" + GOOD)).isEqualTo(ALLOWED);
    assertThat(rig.isOpen()).isTrue();
  }

  @Test
  void call_bodyBeyondTheLimit_isAnsweredAndTheConnectionEnds() {
    String declared = "POST /forward-auth HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n";
    assertThat(rig.ask(declared))
        .startsWith("HTTP/1.1 200 OK\r\n")
        .contains("connection: close\r\n");
    rig.passTime(HttpLimits.DEFAULT.lingerTimeout().plusSeconds(1));
    assertThat(rig.isOpen()).isFalse();

    try (ConnectionRig other = new ConnectionRig(state, "192.0.2.1")) {
      other.send("POST /forward-auth HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      String chunk = "8000\r\n" + "x".repeat(0x8000) + "\r\n";
      for (int i = 0; i < 32; i++) {
        other.send(chunk);
        assertThat(other.isOpen()).isTrue();
      }
      other.send("1\r\nx\r\n");
      assertThat(other.isOpen()).isFalse();
    }
  }

  @Test
  void call_expectsContinue_isAnsweredAndTheConnectionEnds() {
    String call = get("/forward-auth", "Content-Length: 5\r\nExpect: 100-continue\r\n");
    assertThat(rig.ask(call)).startsWith("HTTP/1.1 200 OK\r\n").contains("connection: close\r\n");
    // What would be a call if it were not the body.
    assertThat(rig.ask(GOOD)).isEmpty();
  }

  @Test
  void call_connectionClose_isTheLast() {
    assertThat(rig.ask(get("/forward-auth", "Connection: close\r\n")))
        .contains("connection: close\r\n");
    assertThat(rig.isOpen()).isFalse();
  }

  @Test
  void call_http10_isTheLastUnlessItAsksToGoOn() {
    assertThat(rig.ask("GET /forward-auth HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"))
        .contains("connection: keep-alive\r\n");
    assertThat(rig.isOpen()).isTrue();
    assertThat(rig.ask("GET /forward-auth HTTP/1.0\r\n\r\n")).contains("connection: close\r\n");
    assertThat(rig.isOpen()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hello\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "GET /forward-auth HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        "GET /forward-auth HTTP/1.1\r\nHost: a\r\nX-Forwarded-Uri : /\r\n\r\n",
        "GET /forward-auth HTTP/1.1\r\nHost: a\r\nX-A: b\u0000c\r\n\r\n",
        "GET /forward-auth HTTP/1.1\nHost: a\n\n",
        "GET /forward-auth HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /forward-auth HTTP/1.1\r\nX-Forwarded-Uri: /\r\n\r\n",
        "GET /forward-auth HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /forward-auth HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST /forward-auth HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
      })
  void call_malformed_is400AndTheConnectionEnds(String call) {
    assertThat(rig.ask(call))
        .startsWith("HTTP/1.1 400 Bad Request\r\nx-ip-sentry: malformed\r\n")
        .contains("connection: close\r\n");
    assertThat(state.counters().snapshot().malformed()).isEqualTo(1);
    assertThat(judge.asked()).isEmpty();
    // A call behind it is not believed.
    assertThat(rig.ask(GOOD)).isEmpty();
    rig.passTime(HttpLimits.DEFAULT.lingerTimeout().plusSeconds(1));
    assertThat(rig.isOpen()).isFalse();
    assertThat(state.counters().snapshot().inFlight()).isZero();
  }

  @Test
  void call_twoLengths_isRefusedAsSmuggling() {
    String two = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n";
    assertThat(rig.ask(get("/forward-auth", two) + "0\r\n\r\n" + GOOD))
        .startsWith("HTTP/1.1 400 ")
        .doesNotContain("200 OK");
    assertThat(judge.asked()).isEmpty();
  }

  @Test
  void call_chunkMalformed_endsTheConnection() {
    String head = "POST /forward-auth HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assertThat(rig.ask(head + "zz\r\n")).isEqualTo(ALLOWED);
    assertThat(rig.isOpen()).isFalse();
    assertThat(state.counters().snapshot().malformed()).isEqualTo(1);
  }

  @Test
  void call_http2_is505() {
    assertThat(rig.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
        .startsWith("HTTP/1.1 505 ")
        .contains("authz.listen");
  }

  @Test
  void call_lineOrHeadersTooLarge_isRefusedAndNeverLetThrough() {
    ServerState open = ConnectionRig.state(judge, true, 64);
    try (ConnectionRig line = new ConnectionRig(open, "192.0.2.1");
        ConnectionRig headers = new ConnectionRig(open, "192.0.2.1")) {
      assertThat(line.ask("GET /ext-authz/" + "a".repeat(65_536) + " HTTP/1.1\r\n"))
          .startsWith("HTTP/1.1 414 ");
      assertThat(headers.ask(get("/forward-auth", "X-A: " + "a".repeat(65_536) + "\r\n")))
          .startsWith("HTTP/1.1 431 ");
      assertThat(open.counters().snapshot().tooLarge()).isEqualTo(2);
      assertThat(judge.asked()).isEmpty();
    }
  }

  @Test
  void call_asLargeAsMayBe_isJudged() {
    String target = "/" + "a".repeat(65_000);
    assertThat(rig.ask(get("/ext-authz" + target, ""))).isEqualTo(ALLOWED);
    assertThat(rig.ask(get("/forward-auth", "X-Forwarded-Uri: " + target + "\r\n")))
        .isEqualTo(ALLOWED);
    assertThat(judge.asked()).hasSize(2).allMatch(asked -> target.equals(asked.target()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/forward-authx",
        "/ext-authzx",
        "/policies/",
        "/policies//forward-auth",
        "/policies/a",
        "/policies/a/healthz",
        "/policies/a/b/forward-auth",
        "/FORWARD-AUTH",
        "/x/forward-auth"
      })
  void call_pathNotServed_is404(String path) {
    assertThat(rig.ask(get(path, ""))).startsWith("HTTP/1.1 404 ").contains("/forward-auth");
    assertThat(state.counters().snapshot().notFound()).isEqualTo(1);
    assertThat(judge.asked()).isEmpty();
  }

  @Test
  void probe_healthAndReadiness_areAnswered() {
    assertThat(rig.ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"))
        .startsWith("HTTP/1.1 200 ")
        .endsWith("\r\n\r\nok\n");
    assertThat(rig.ask("GET /readyz?verbose HTTP/1.1\r\nHost: a\r\n\r\n"))
        .startsWith("HTTP/1.1 200 ")
        .endsWith("\r\n\r\nready\n");
    state.stop();
    assertThat(rig.ask("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"))
        .startsWith("HTTP/1.1 503 ")
        .endsWith("\r\n\r\nstopping\n");
  }

  @Test
  void client_slowHead_isCutWhateverItTrickles() {
    rig.send("GET /forward-auth HTTP/1.1\r\n");
    for (int second = 0; second < 4; second++) {
      rig.passTime(Duration.ofSeconds(1));
      rig.send("X-" + second + ": slow\r\n");
      assertThat(rig.isOpen()).isTrue();
    }
    rig.passTime(Duration.ofSeconds(2));
    assertThat(rig.isOpen()).isFalse();
    assertThat(rig.received()).isEmpty();
    assertThat(state.counters().snapshot().timedOut()).isEqualTo(1);
  }

  @Test
  void client_slowBody_isCutAndItsPlaceIsFree() {
    rig.send("POST /forward-auth HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
    for (int second = 0; second < 9; second++) {
      rig.passTime(Duration.ofSeconds(1));
      rig.send("x");
      assertThat(rig.isOpen()).isTrue();
    }
    assertThat(state.counters().snapshot().inFlight()).isEqualTo(1);
    rig.passTime(Duration.ofSeconds(2));
    assertThat(rig.isOpen()).isFalse();
    assertThat(state.counters().snapshot().inFlight()).isZero();
    assertThat(state.counters().snapshot().timedOut()).isEqualTo(1);
  }

  @Test
  void client_idle_isKeptLongerThanGatewaysKeepConnections() {
    assertThat(rig.ask(GOOD)).isEqualTo(ALLOWED);
    rig.passTime(Duration.ofSeconds(179));
    assertThat(rig.isOpen()).isTrue();
    assertThat(rig.ask(GOOD)).isEqualTo(ALLOWED);
    rig.passTime(Duration.ofSeconds(181));
    assertThat(rig.isOpen()).isFalse();
    assertThat(state.counters().snapshot().timedOut()).isZero();
  }

  @Test
  void caller_withToken_isTrusted() {
    rig.ask(GOOD);
    assertThat(judge.lastAsked().caller()).isEqualTo(RequestJudge.Caller.UNKNOWN);
    rig.ask(get("/forward-auth", "X-Ip-Sentry-Token: " + ConnectionRig.TOKEN + "\r\n"));
    assertThat(judge.lastAsked().caller()).isEqualTo(RequestJudge.Caller.TRUSTED);
    rig.ask(GOOD);
    assertThat(judge.lastAsked().caller()).isEqualTo(RequestJudge.Caller.UNKNOWN);
  }

  @Test
  void stopping_nextAnswerIsTheLast() {
    assertThat(rig.ask(GOOD)).isEqualTo(ALLOWED);
    state.stop();
    assertThat(rig.ask(GOOD)).contains("connection: close\r\n");
    assertThat(rig.isOpen()).isFalse();
  }
}
