package io.ipsentry.authz.envoy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import io.ipsentry.authz.http.ForwardAuthServer;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.Denial;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge.Caller;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real Envoy asks over HTTP ({@code http_service} of {@code ext_authz}). Optional: skipped where
 * there is none, see {@link RealEnvoy}.
 */
@Timeout(60)
final class RealEnvoyHttpIT {
  private static final Denial DENIAL =
      new Denial(
          429,
          List.of(
              new Denial.Header("content-type", "text/html; charset=utf-8"),
              new Denial.Header("x-ip-sentry", "banned"),
              new Denial.Header("x-ip-sentry-ban-id", "42"),
              new Denial.Header("retry-after", "60")),
          "<p>Not now\n",
          "42",
          "probing",
          null,
          "203.0.113.7",
          "^/wp-admin");

  @TempDir private Path directory;

  private final EventLoops loops = EventLoops.start(1);
  private final Queue<String> reached = new ConcurrentLinkedQueue<>();
  private final ScriptedJudge judge =
      new ScriptedJudge(told ->
          switch (told.target()) {
            case "/denied" -> new Judgement.Denied(DENIAL);
            case "/unavailable" -> new Judgement.Unavailable("not-synced");
            default -> Judgement.Reason.NOT_BANNED.allowed();
          });
  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(5))
          .build();
  private @Nullable HttpServer application;
  private @Nullable ForwardAuthServer server;
  private @Nullable RealEnvoy envoy;

  @BeforeEach
  void start() throws IOException {
    Path program = RealEnvoy.require();
    HttpServer started = HttpServer.create(loopback(0), 0);
    application = started;
    started.createContext(
        "/",
        exchange -> {
          reached.add(
              exchange.getRequestMethod()
                  + " "
                  + exchange.getRequestURI()
                  + " "
                  + exchange.getRequestHeaders().getFirst("x-envoy-auth-failure-mode-allowed"));
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    started.start();
    ForwardAuthServer serving = serve(0);
    server = serving;
    String config = config(serving.address().getPort(), started.getAddress().getPort());
    envoy = RealEnvoy.start(program, directory, "http", config, Set.of("open", "closed", "shop"));
  }

  @AfterEach
  void stop() {
    if (envoy != null) {
      envoy.close();
    }
    if (server != null) {
      server.close();
    }
    if (application != null) {
      application.stop(0);
    }
    client.close();
    loops.close();
  }

  private static InetSocketAddress loopback(int port) {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
  }

  private ForwardAuthServer serve(int port) {
    return ForwardAuthServer.start(
        loopback(port),
        new ForwardAuthServer.Parts(
            loops,
            () -> judge,
            (remote, certificates) -> token -> Caller.TRUSTED,
            () -> new ForwardAuthServer.Options(false, 64),
            List::of,
            null));
  }

  /** Three listeners: failing open, failing closed, and one whose requests name a policy. */
  private static String config(int authz, int application) {
    return """
    static_resources:
      listeners:
    %s
    %s
    %s
      clusters:
      - name: ip-sentry
        type: STATIC
        load_assignment:
          cluster_name: ip-sentry
          endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}}]}]
      - name: app
        type: STATIC
        load_assignment:
          cluster_name: app
          endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}}]}]
    """
        .formatted(
            listener("open", "/ext-authz", true),
            listener("closed", "/ext-authz", false),
            listener("shop", "/policies/shop/ext-authz", false),
            authz,
            application);
  }

  private static String listener(String name, String prefix, boolean open) {
    return """
      - name: %1$s
        address: {socket_address: {address: 127.0.0.1, port_value: 0}}
        filter_chains:
        - filters:
          - name: envoy.filters.network.http_connection_manager
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
              stat_prefix: %1$s
              use_remote_address: true
              xff_num_trusted_hops: 1
              route_config:
                virtual_hosts:
                - name: all
                  domains: ["*"]
                  routes: [{match: {prefix: /}, route: {cluster: app}}]
              http_filters:
              - name: envoy.filters.http.ext_authz
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
                  transport_api_version: V3
                  failure_mode_allow: %3$b
                  failure_mode_allow_header_add: true
                  status_on_error: {code: 503}
                  allowed_headers: {patterns: [{exact: x-forwarded-for}, {exact: user-agent}]}
                  http_service:
                    server_uri: {uri: "http://ip-sentry", cluster: ip-sentry, timeout: 5s}
                    path_prefix: %2$s
              - name: envoy.filters.http.router
                typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
    """
        .formatted(name, prefix, open)
        .stripTrailing();
  }

  private HttpResponse<String> ask(String listener, String method, String target)
      throws IOException, InterruptedException {
    int port = Objects.requireNonNull(Objects.requireNonNull(envoy).ports().get(listener));
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + target))
            .timeout(Duration.ofSeconds(20))
            .header("X-Forwarded-For", "198.51.100.66, 203.0.113.7")
            .method(method, HttpRequest.BodyPublishers.noBody())
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void request_allowed_reachesTheApplicationAndWeWereToldAllOfIt() throws Exception {
    HttpResponse<String> answer = ask("open", "DELETE", "/page/1?a=b%20c");

    assertThat(answer.statusCode()).isEqualTo(200);
    // Nothing of the verdict reaches the client or the application.
    assertThat(answer.headers().firstValue("x-ip-sentry")).isEmpty();
    assertThat(reached).containsExactly("DELETE /page/1?a=b%20c null");
    ScriptedJudge.Told told = judge.told.element();
    assertThat(told.method()).isEqualTo("DELETE");
    assertThat(told.target()).isEqualTo("/page/1?a=b%20c");
    assertThat(told.host()).startsWith("127.0.0.1:");
    assertThat(told.userAgent()).startsWith("Java-http-client");
    assertThat(told.peer()).isEqualTo("127.0.0.1");
    // What the client's proxy said stands in the list, where the resolver finds it.
    assertThat(told.forwardedFor()).startsWith("198.51.100.66, 203.0.113.7");
    assertThat(told.policy()).isEqualTo("-");
  }

  @Test
  void request_denied_isAnsweredWithOurStatusHeadersAndBody() throws Exception {
    for (String listener : List.of("open", "closed", "shop")) {
      HttpResponse<String> answer = ask(listener, "GET", "/denied");
      assertThat(answer.statusCode()).isEqualTo(429);
      assertThat(answer.body()).isEqualTo("<p>Not now\n");
      assertThat(answer.headers().allValues("content-type"))
          .containsExactly("text/html; charset=utf-8");
      assertThat(answer.headers().allValues("x-ip-sentry")).containsExactly("banned");
      assertThat(answer.headers().allValues("x-ip-sentry-ban-id")).containsExactly("42");
      assertThat(answer.headers().allValues("retry-after")).containsExactly("60");
    }
    assertThat(reached).isEmpty();
  }

  @Test
  void pathPrefix_namesThePolicyAndIsNotPartOfTheTarget() throws Exception {
    assertThat(ask("shop", "GET", "/cart?id=7").statusCode()).isEqualTo(200);
    assertThat(judge.told.element().policy()).isEqualTo("shop");
    assertThat(judge.told.element().target()).isEqualTo("/cart?id=7");
  }

  @Test
  void request_weCannotJudge_followsTheFailureMode() throws Exception {
    assertThat(ask("open", "GET", "/unavailable").statusCode()).isEqualTo(200);
    assertThat(ask("closed", "GET", "/unavailable").statusCode()).isEqualTo(503);
    assertThat(reached).containsExactly("GET /unavailable true");
  }

  @Test
  void server_down_followsTheFailureModeUntilItIsBack() throws Exception {
    ForwardAuthServer serving = Objects.requireNonNull(server);
    int port = serving.address().getPort();
    assertThat(ask("closed", "GET", "/before").statusCode()).isEqualTo(200);

    serving.close();

    assertThat(ask("open", "GET", "/denied").statusCode()).isEqualTo(200);
    assertThat(ask("closed", "GET", "/page").statusCode()).isEqualTo(503);
    assertThat(reached).containsExactly("GET /before null", "GET /denied true");

    server = serve(port);

    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> ask("closed", "GET", "/after").statusCode() == 200);
    assertThat(ask("open", "GET", "/denied").statusCode()).isEqualTo(429);
  }
}
