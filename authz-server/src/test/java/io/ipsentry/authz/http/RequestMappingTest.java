package io.ipsentry.authz.http;

import static io.ipsentry.authz.http.ConnectionRig.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a judge is asked for a call, as each gateway makes it. */
final class RequestMappingTest {
  private final ScriptedJudge judge =
      new ScriptedJudge(target -> Judgement.Reason.NOT_BANNED.allowed(), "x-real-ip");

  private ScriptedJudge.Asked ask(String call) {
    return askFrom("192.0.2.1", call);
  }

  private ScriptedJudge.Asked askFrom(String peer, String call) {
    try (ConnectionRig rig = new ConnectionRig(ConnectionRig.state(judge, false, 64), peer)) {
      assertThat(rig.ask(call)).startsWith("HTTP/1.1 200 ");
      return judge.lastAsked();
    }
  }

  @Test
  void forwardAuth_asNginxCalls_isRead() {
    ScriptedJudge.Asked asked =
        ask(
            """
            GET /forward-auth HTTP/1.1
            Host: ip_sentry
            X-Real-IP: 203.0.113.7
            X-Forwarded-For: 203.0.113.7
            X-Forwarded-Method: POST
            X-Forwarded-Host: app.example
            X-Forwarded-Uri: /a%20b?c=d&e
            User-Agent: curl/8

            """
                .replace("\n", "\r\n"));

    assertThat(asked.method()).isEqualTo("POST");
    assertThat(asked.host()).isEqualTo("app.example");
    assertThat(asked.target()).isEqualTo("/a%20b?c=d&e");
    assertThat(asked.userAgent()).isEqualTo("curl/8");
    assertThat(asked.peer()).isEqualTo("192.0.2.1");
    assertThat(asked.forwardedFor()).isEqualTo("203.0.113.7");
    assertThat(asked.clientHeader()).isEqualTo("203.0.113.7");
    assertThat(asked.policy()).isNull();
  }

  @Test
  void forwardAuth_nothingSaid_isAbsentAndNotTheCallItself() {
    ScriptedJudge.Asked asked = ask(get("/forward-auth?x=/secret", ""));

    assertThat(asked.method()).isNull();
    assertThat(asked.host()).isNull();
    assertThat(asked.target()).isNull();
    assertThat(asked.userAgent()).isNull();
    assertThat(asked.forwardedFor()).isNull();
    assertThat(asked.clientHeader()).isNull();
    assertThat(asked.peer()).isEqualTo("192.0.2.1");
  }

  @Test
  void forwardAuth_onlyOriginalHeaders_areRead() {
    ScriptedJudge.Asked asked =
        ask(get("/forward-auth", "X-Original-Method: PUT\r\nX-Original-URI: /x\r\n"));

    assertThat(asked.method()).isEqualTo("PUT");
    assertThat(asked.target()).isEqualTo("/x");
  }

  @ParameterizedTest
  @ValueSource(strings = {"X-Forwarded-Uri: /x\r\n", "X-Forwarded-Method: GET\r\n"})
  void forwardAuth_originalHeadersBesideForwardedOnes_areNotBelieved(String forwarded) {
    ScriptedJudge.Asked asked =
        ask(
            get(
                "/forward-auth",
                "X-Original-Method: PUT\r\nX-Original-URI: /favicon.ico\r\n" + forwarded));

    assertThat(asked.method()).isIn(null, "GET");
    assertThat(asked.target()).isIn(null, "/x");
  }

  @Test
  void forwardAuth_headersTwice_theGatewaysWhichIsLastCounts() {
    ScriptedJudge.Asked asked =
        ask(
            get(
                "/forward-auth",
                """
                X-Forwarded-Uri: /favicon.ico
                X-Forwarded-Method: OPTIONS
                X-Forwarded-Host: evil.example
                X-Real-IP: 198.51.100.1
                x-forwarded-uri: /.env
                x-forwarded-method: GET
                x-forwarded-host: app.example
                x-real-ip: 203.0.113.7
                """
                    .replace("\n", "\r\n")));

    assertThat(asked.target()).isEqualTo("/.env");
    assertThat(asked.method()).isEqualTo("GET");
    assertThat(asked.host()).isEqualTo("app.example");
    assertThat(asked.clientHeader()).isEqualTo("203.0.113.7");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "app.example | app.example",
        "evil.example, app.example | app.example",
        "evil.example,app.example:8443 | app.example:8443",
      })
  void forwardAuth_hostList_isItsLast(String header, String host) {
    assertThat(ask(get("/forward-auth", "X-Forwarded-Host: " + header + "\r\n")).host())
        .isEqualTo(host);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/ext-authz/a/b?c | /a/b?c",
        "/ext-authz/ | /",
        "/ext-authz | ",
        "/ext-authz?x | ?x",
        "/ext-authz//a/../b | //a/../b",
        "/ext-authz/forward-auth | /forward-auth",
        "/ext-authz* | *",
        "/policies/shop/ext-authz/policies/other/ext-authz/ | /policies/other/ext-authz/",
      })
  void extAuthz_target_isWhatFollows(String call, String target) {
    assertThat(ask(get(call, "X-Forwarded-Uri: /evil\r\n")).target()).isEqualTo(target);
  }

  @Test
  void extAuthz_asEnvoyCalls_isRead() {
    ScriptedJudge.Asked asked =
        ask(
            """
            DELETE /ext-authz/api?x=%00 HTTP/1.1
            host: app.example:8080
            content-length: 0
            x-forwarded-for: 203.0.113.7,192.0.2.1
            x-forwarded-host: evil.example
            x-forwarded-method: GET
            user-agent: curl/8

            """
                .replace("\n", "\r\n"));

    assertThat(asked.method()).isEqualTo("DELETE");
    assertThat(asked.host()).isEqualTo("app.example:8080");
    assertThat(asked.target()).isEqualTo("/api?x=%00");
    assertThat(asked.forwardedFor()).isEqualTo("203.0.113.7");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "203.0.113.7, 192.0.2.1 | 203.0.113.7",
        "203.0.113.7,192.0.2.1:4567 | 203.0.113.7",
        "203.0.113.7, ::ffff:192.0.2.1 | 203.0.113.7",
        "a, 203.0.113.7 , 192.0.2.1 | 'a, 203.0.113.7 '",
        "192.0.2.1, 192.0.2.1 | 192.0.2.1",
        "192.0.2.1 | 192.0.2.1",
        ", 192.0.2.1 | , 192.0.2.1",
        "203.0.113.7, 192.0.2.2 | 203.0.113.7, 192.0.2.2",
        "203.0.113.7, | 203.0.113.7,",
        "192.0.2.1, 203.0.113.7 | 192.0.2.1, 203.0.113.7",
      })
  void forwardedFor_callersOwnHop_isLeftOutUnlessItIsTheOnlyOne(String header, String list) {
    assertThat(ask(get("/ext-authz/", "X-Forwarded-For: " + header + "\r\n")).forwardedFor())
        .isEqualTo(list);
  }

  @Test
  void forwardedFor_severalHeaders_areOneListInOrder() {
    ScriptedJudge.Asked asked =
        askFrom(
            "2001:db8::1",
            get(
                "/ext-authz/",
                """
                X-Forwarded-For: a, b
                X-B: c
                x-forwarded-for: 2001:db8::9
                X-FORWARDED-FOR: 2001:DB8::1
                """
                    .replace("\n", "\r\n")));

    assertThat(asked.forwardedFor()).isEqualTo("a, b,2001:db8::9");
    assertThat(asked.peer()).isEqualTo("2001:db8::1");
  }

  @Test
  void policy_inThePath_isNamed() {
    assertThat(ask(get("/policies/shop-1.x_Y/forward-auth", "")).policy()).isEqualTo("shop-1.x_Y");
    assertThat(ask(get("/policies/shop/ext-authz/a", "")).policy()).isEqualTo("shop");
    assertThat(ask(get("/forward-auth", "")).policy()).isNull();
  }

  @Test
  void header_bytesThatAreNotUtf8_areTakenAsTheyAre() {
    assertThat(ask(get("/forward-auth", "X-Forwarded-Uri: /\u00ff\u0080\u00c3\r\n")).target())
        .isEqualTo("/\u00ff\u0080\u00c3");
    assertThat(ask(get("/ext-authz/\u00ff", "")).target()).isEqualTo("/\u00ff");
  }

  @Test
  void calls_largeThenSmall_showNothingOfTheOneBefore() {
    String large = "x".repeat(50_000);
    assertThat(
            ask(get(
                    "/policies/a/forward-auth",
                    "X-Forwarded-Uri: /" + large + "\r\nUser-Agent: b\r\n"))
                .target())
        .hasSize(50_001);
    assertThat(ask(get("/forward-auth", "X-Forwarded-Uri: /\r\n")))
        .isEqualTo(
            new ScriptedJudge.Asked(
                null, "192.0.2.1", null, null, null, null, "/", null, RequestJudge.Caller.UNKNOWN));
  }
}
