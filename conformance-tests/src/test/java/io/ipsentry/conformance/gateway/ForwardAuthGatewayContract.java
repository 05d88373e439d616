package io.ipsentry.conformance.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What every gateway that is attached over HTTP must do, with the real one in front, and our server
 * behind it. Clients have addresses of their own in 127.0.0.0/8.
 */
abstract class ForwardAuthGatewayContract {
  /** What a gateway does when the server says 503, or is away. */
  enum Trouble {
    PASSES(200),
    /** The server's own answer goes to the client. */
    COPIES_503(503),
    ANSWERS_500(500),
    ANSWERS_502(502);

    private final int status;

    Trouble(int status) {
      this.status = status;
    }
  }

  @TempDir Path directory;
  final AuthzInProcess authz = new AuthzInProcess();
  private Application application;
  private Gateway gateway;

  /** Starts the gateway with the example configuration. */
  abstract Gateway start(String authzAddress, String applicationAddress) throws IOException;

  /** What clients get when the server says 503. */
  abstract Trouble serverInTrouble();

  /** What clients get when nothing listens where the server should be. */
  abstract Trouble serverAway();

  /** Whether a refusal's headers and body reach the client. */
  abstract boolean copiesRefusals();

  /** Whether connections to the server are used again; how many it takes at most for 50 calls. */
  abstract int connectionsForFiftyCalls();

  /** What the gateway says that {@code /a%20b//c/../d?x=%2F..&y} is: what the client sent. */
  String uncleanTargetAsAsked() {
    return "/a%20b//c/../d?x=%2F..&y";
  }

  @BeforeEach
  void startAll() throws IOException {
    application = new Application();
    gateway = start(authz.address(), application.address());
  }

  @AfterEach
  void stopAll() {
    if (gateway != null) {
      gateway.close();
    }
    authz.close();
    application.close();
  }

  private GatewayClient client(String address) {
    return new GatewayClient(address, gateway.port());
  }

  @Test
  void request_notBanned_reachesTheApplicationAndWasDescribedRightly()
      throws IOException, InterruptedException {
    try (GatewayClient client = client("127.0.0.7")) {
      HttpResponse<String> answer =
          client.send(client.request("/a%20b//c/../d?x=%2F..&y").header("User-Agent", "curl/8"));

      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.body()).isEqualTo("hello\n");
      AuthzInProcess.Asked asked = authz.nextAsked();
      assertThat(asked.client()).isEqualTo("127.0.0.7");
      assertThat(asked.method()).isEqualTo("GET");
      assertThat(asked.host()).startsWith("127.0.0.1");
      assertThat(asked.target()).isEqualTo(uncleanTargetAsAsked());
      assertThat(asked.userAgent()).isEqualTo("curl/8");
    }
  }

  @Test
  void request_withBody_reachesTheApplicationWhole() throws IOException, InterruptedException {
    try (GatewayClient client = client("127.0.0.7")) {
      String body = "x".repeat(100_000);
      assertThat(
              client.send(client.request("/form").POST(BodyPublishers.ofString(body))).statusCode())
          .isEqualTo(200);
      assertThat(authz.nextAsked().method()).isEqualTo("POST");
      assertThat(client.send(client.request("/form").HEAD()).statusCode()).isEqualTo(200);
      assertThat(authz.nextAsked().method()).isEqualTo("HEAD");
      assertThat(application.requests()).containsExactly("POST /form 100000", "HEAD /form 0");
    }
  }

  @Test
  void request_banned_isRefusedAndNeverReachesTheApplication()
      throws IOException, InterruptedException {
    try (GatewayClient banned = client("127.0.0.7");
        GatewayClient other = client("127.0.0.8")) {
      assertThat(banned.get("/").statusCode()).isEqualTo(200);
      authz.ban("127.0.0.7");

      HttpResponse<String> answer = banned.get("/second");

      assertThat(answer.statusCode()).isEqualTo(403);
      if (copiesRefusals()) {
        assertThat(answer.headers().firstValue("x-ip-sentry")).hasValue("banned");
        assertThat(answer.headers().firstValue("x-ip-sentry-ban-id")).hasValue("42");
        assertThat(answer.body()).isEqualTo("Forbidden (42)\n");
      }
      assertThat(
              banned.send(banned.request("/third").POST(BodyPublishers.ofString("x"))).statusCode())
          .isEqualTo(403);
      assertThat(other.get("/other").statusCode()).isEqualTo(200);
      assertThat(application.requests()).containsExactly("GET / 0", "GET /other 0");

      authz.unban("127.0.0.7");
      assertThat(banned.get("/fourth").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void request_withForgedHeaders_isJudgedByTheRealOnes() throws IOException, InterruptedException {
    authz.ban("198.51.100.9");
    try (GatewayClient client = client("127.0.0.7")) {
      HttpResponse<String> answer =
          client.send(
              client
                  .request("/real")
                  .header("X-Forwarded-For", "198.51.100.9")
                  .header("X-Forwarded-Uri", "/forged")
                  .header("X-Forwarded-Method", "OPTIONS")
                  .header("X-Original-URI", "/forged")
                  .header("X-Original-Method", "OPTIONS")
                  .header("X-Real-IP", "198.51.100.9")
                  .header("X-Ip-Sentry", "allowed"));

      assertThat(answer.statusCode()).isEqualTo(200);
      AuthzInProcess.Asked asked = authz.nextAsked();
      assertThat(asked.client()).isEqualTo("127.0.0.7");
      assertThat(asked.target()).isEqualTo("/real");
      assertThat(asked.method()).isEqualTo("GET");

      authz.ban("127.0.0.7");
      assertThat(
              client
                  .send(client.request("/").header("X-Forwarded-For", "198.51.100.10"))
                  .statusCode())
          .isEqualTo(403);
    }
  }

  @Test
  void requests_fifty_useConnectionsAgain() throws IOException, InterruptedException {
    try (GatewayClient client = client("127.0.0.7")) {
      long before = authz.counters().connectionsAccepted();
      for (int i = 0; i < 50; i++) {
        assertThat(client.get("/" + i).statusCode()).isEqualTo(200);
      }
      assertThat(authz.counters().connectionsAccepted() - before)
          .isLessThanOrEqualTo(connectionsForFiftyCalls());
      assertThat(authz.counters().allowed()).isEqualTo(50);
    }
  }

  @Test
  void server_inTrouble_gatewayDoesWhatTheExampleSays() throws IOException, InterruptedException {
    try (GatewayClient client = client("127.0.0.7")) {
      authz.trouble(true, false);
      assertThat(client.get("/closed").statusCode()).isEqualTo(serverInTrouble().status);
      authz.trouble(true, true);
      assertThat(client.get("/open").statusCode()).isEqualTo(200);
      authz.trouble(false, false);
      assertThat(client.get("/again").statusCode()).isEqualTo(200);
      assertThat(authz.counters().failOpen()).isEqualTo(1);
    }
  }

  @Test
  void server_away_gatewayDoesWhatTheExampleSaysUntilItIsBack()
      throws IOException, InterruptedException {
    authz.ban("127.0.0.7");
    try (GatewayClient client = client("127.0.0.7")) {
      assertThat(client.get("/").statusCode()).isEqualTo(403);
      authz.stop();
      assertThat(client.get("/").statusCode()).isEqualTo(serverAway().status);
      authz.restart();
      // A gateway may take a server that was away for away a little longer.
      await()
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(() -> assertThat(client.get("/").statusCode()).isEqualTo(403));
    }
  }
}
