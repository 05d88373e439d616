package io.ipsentry.authz.envoy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import io.ipsentry.authz.envoy.EnvoyServer.Limits;
import io.ipsentry.authz.envoy.EnvoyServer.Parts;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.Denial;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.line.ClientAddress;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.line.FormatOptions;
import io.ipsentry.line.LineDecoder;
import io.ipsentry.line.LineFormats;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Ignore;
import io.ipsentry.rule.Match;
import io.ipsentry.rule.PathPattern;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import io.ipsentry.rule.RuleSet;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A real Envoy asks and logs. Optional: skipped where there is none, see {@link RealEnvoy}. */
@Timeout(60)
final class RealEnvoyIT {
  private static final Denial DENIAL =
      new Denial(
          403,
          List.of(
              new Denial.Header("content-type", "text/html; charset=utf-8"),
              new Denial.Header("x-ip-sentry", "banned"),
              new Denial.Header("x-ip-sentry-ban-id", "42")),
          "<p>Forbidden\n",
          "42",
          "probing",
          null,
          "203.0.113.7",
          "^/wp-admin");

  /**
   * What trusts the test's client, who plays a proxy in front. To the list of a loopback client
   * Envoy appends an address of its own host in place of 127.0.0.1.
   */
  private static final ClientAddressResolver.Settings FORWARDED =
      new ClientAddressResolver.Settings(
          ClientAddressResolver.Mode.X_FORWARDED_FOR, ownAddresses(), 0, null);

  private static final ClientAddressResolver.Settings VOUCHED =
      new ClientAddressResolver.Settings(
          ClientAddressResolver.Mode.AUTO, PrefixSet.parse("127.0.0.0/8"), 0, null);

  @TempDir private static Path directory;

  private static final List<AutoCloseable> open = new ArrayList<>();
  private static final RecordingHits hits = new RecordingHits();
  private static final Queue<String> reached = new ConcurrentLinkedQueue<>();
  private static final Map<String, Integer> ports = new ConcurrentHashMap<>();
  private static final HttpClient client =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  private static final ScriptedJudge judge =
      new ScriptedJudge(told ->
          switch (told.target()) {
            case "/denied", "/denied?q=1" -> new Judgement.Denied(DENIAL);
            case "/unavailable" -> new Judgement.Unavailable("not-synced");
            default -> Judgement.Reason.NOT_BANNED.allowed();
          });

  @BeforeAll
  static void start() throws Exception {
    Path envoy = RealEnvoy.require();
    EventLoops loops = EventLoops.start(2);
    open.add(loops);
    RuleSet rules =
        RuleSet.compile(
            List.of(
                new Rule(
                    new RuleId("probing"),
                    Rule.On.LOG,
                    Rule.Mode.ENFORCE,
                    Match.ofPaths(
                        List.of(PathPattern.counting("^/probe"), PathPattern.counting("^/denied"))),
                    Ignore.NOTHING,
                    3,
                    0,
                    Duration.ofMinutes(2),
                    BanTerms.DEFAULT)));
    AccessLogRules logs =
        new AccessLogRules(rules, List.of(new AccessLogSource("edge", List.of("edge"), VOUCHED)));
    EnvoyServer server =
        EnvoyServer.start(
            loopback(),
            new Parts(
                loops,
                () -> judge,
                (remote, certificates) -> token -> Caller.TRUSTED,
                () -> logs,
                hits,
                InstantSource.system(),
                null),
            Limits.of(256));
    open.add(server);
    HttpServer backend = HttpServer.create(loopback(), 0);
    backend.createContext(
        "/",
        exchange -> {
          reached.add(
              exchange.getRequestURI()
                  + " "
                  + exchange.getRequestHeaders().getFirst("x-envoy-auth-failure-mode-allowed"));
          boolean found = !exchange.getRequestURI().getPath().startsWith("/probe");
          exchange.sendResponseHeaders(found ? 200 : 404, -1);
          exchange.close();
        });
    backend.start();
    open.add(() -> backend.stop(0));
    int authzPort = server.address().getPort();
    int backendPort = backend.getAddress().getPort();
    Set<String> shapes = Set.of("open", "closed", "raw");
    for (RealEnvoy started :
        List.of(
            RealEnvoy.start(envoy, directory, "shapes", config(authzPort, backendPort), shapes),
            RealEnvoy.start(
                envoy, directory, "example", example(authzPort, backendPort), Set.of("web")))) {
      open.add(started);
      ports.putAll(started.ports());
    }
  }

  private static PrefixSet ownAddresses() {
    try {
      return PrefixSet.of(
          NetworkInterface.networkInterfaces()
              .flatMap(NetworkInterface::inetAddresses)
              .map(address -> IpPrefix.parse(address.getHostAddress().replaceFirst("%.*", "")))
              .toList());
    } catch (SocketException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InetSocketAddress loopback() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  /** Three listeners: as the documentation shows, failing closed, and with raw headers. */
  private static String config(int authz, int backend) {
    return """
    admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
    static_resources:
      listeners:
    %s
    %s
    %s
      clusters:
      - name: ip-sentry
        type: STATIC
        typed_extension_protocol_options:
          envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
            "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
            explicit_http_config: {http2_protocol_options: {}}
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
            listener("open", "failure_mode_allow: true, failure_mode_allow_header_add: true"),
            listener("closed", "failure_mode_allow: false, status_on_error: {code: 503}"),
            listener("raw", "failure_mode_allow: true, encode_raw_headers: true"),
            authz,
            backend);
  }

  /** What the documentation shows, with other ports and more time for a busy machine. */
  private static String example(int authz, int backend) throws IOException {
    String example = Files.readString(Path.of("..", "docs", "examples", "attach", "envoy.yaml"));
    for (Map.Entry<String, String> change :
        Map.of(
                "0.0.0.0, port_value: 80 ",
                "127.0.0.1, port_value: 0 ",
                "127.0.0.1, port_value: 9001",
                "127.0.0.1, port_value: " + authz,
                "127.0.0.1, port_value: 8080",
                "127.0.0.1, port_value: " + backend)
            .entrySet()) {
      assertThat(example).contains(change.getKey());
      example = example.replace(change.getKey(), change.getValue());
    }
    return example.replaceAll("timeout: [0-9.]+s", "timeout: 5s");
  }

  private static String listener(String name, String options) {
    return """
      - name: %s
        address: {socket_address: {address: 127.0.0.1, port_value: 0}}
        filter_chains:
        - filters:
          - name: envoy.filters.network.http_connection_manager
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
              stat_prefix: %s
              use_remote_address: true
              xff_num_trusted_hops: 1
              access_log:
              - name: envoy.access_loggers.http_grpc
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig
                  common_config:
                    log_name: edge
                    transport_api_version: V3
                    buffer_flush_interval: 0.05s
                    grpc_service: {envoy_grpc: {cluster_name: ip-sentry}}
              - name: envoy.access_loggers.file
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                  path: %s
                  log_format:
                    json_format: {ts: "%%START_TIME%%", client: "%%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%%", peer: "%%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%%", method: "%%REQ(:METHOD)%%", host: "%%REQ(:AUTHORITY)%%", path: "%%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%%", status: "%%RESPONSE_CODE%%", flags: "%%RESPONSE_FLAGS%%", details: "%%RESPONSE_CODE_DETAILS%%", ban: "%%DYNAMIC_METADATA(envoy.filters.http.ext_authz:ban_id)%%"}
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
                  %s
                  grpc_service: {envoy_grpc: {cluster_name: ip-sentry}, timeout: 5s}
              - name: envoy.filters.http.router
                typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
    """
        .formatted(
            name,
            name,
            directory.resolve(name + ".json"),
            options.replace(", ", "\n              "))
        .stripTrailing();
  }

  @AfterAll
  static void stop() throws Exception {
    for (AutoCloseable closeable : open.reversed()) {
      closeable.close();
    }
  }

  @BeforeEach
  void forget() {
    judge.told.clear();
    reached.clear();
    hits.logged.clear();
  }

  private static int port(String listener) {
    return Objects.requireNonNull(ports.get(listener));
  }

  private static HttpResponse<String> get(String listener, String target, String... headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port(listener) + target))
            .timeout(Duration.ofSeconds(20));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void request_allowed_reachesTheApplicationUnchanged() throws Exception {
    for (String listener : List.of("open", "closed", "raw")) {
      assertThat(get(listener, "/page?a=b").statusCode()).isEqualTo(200);
    }
    assertThat(reached).containsExactly("/page?a=b null", "/page?a=b null", "/page?a=b null");
    assertThat(judge.told)
        .allSatisfy(told -> {
          assertThat(told.peer()).isEqualTo("127.0.0.1");
          IpPrefix appended = IpPrefix.parse(told.forwardedFor());
          assertThat(ownAddresses().contains(appended.hi(), appended.lo())).isTrue();
          assertThat(told.method()).isEqualTo("GET");
          assertThat(told.target()).isEqualTo("/page?a=b");
          assertThat(told.host()).startsWith("127.0.0.1:");
          assertThat(told.userAgent()).startsWith("Java-http-client");
        })
        .hasSize(3);
  }

  @Test
  void request_denied_isAnsweredAsWeSay() throws Exception {
    for (String listener : List.of("open", "closed", "raw")) {
      HttpResponse<String> response = get(listener, "/denied");
      assertThat(response.statusCode()).isEqualTo(403);
      assertThat(response.body()).isEqualTo("<p>Forbidden\n");
      assertThat(response.headers().allValues("content-type"))
          .containsExactly("text/html; charset=utf-8");
      assertThat(response.headers().allValues("x-ip-sentry")).containsExactly("banned");
      assertThat(response.headers().allValues("x-ip-sentry-ban-id")).containsExactly("42");
    }
    assertThat(reached).isEmpty();
    await()
        .untilAsserted(() ->
            assertThat(Files.readString(directory.resolve("open.json")))
                .contains("\"ban\":\"42\""));
  }

  @Test
  void example_ofTheDocumentation_asksAndLogs() throws Exception {
    assertThat(get("web", "/page?a=b").statusCode()).isEqualTo(200);
    ScriptedJudge.Told told = judge.told.element();
    assertThat(told.peer()).isEqualTo("127.0.0.1");
    assertThat(told.forwardedFor()).isNotEqualTo("-");
    assertThat(told.userAgent()).startsWith("Java-http-client");
    assertThat(told.target()).isEqualTo("/page?a=b");
    assertThat(get("web", "/denied").statusCode()).isEqualTo(403);
    assertThat(get("web", "/unavailable").statusCode()).isEqualTo(200);
    assertThat(reached).containsExactly("/page?a=b null", "/unavailable true");
    get("web", "/probe");
    await().until(() -> hits.logged.size() == 1);
  }

  @Test
  void request_weCannotJudge_followsTheFailureMode() throws Exception {
    assertThat(get("open", "/unavailable").statusCode()).isEqualTo(200);
    assertThat(reached).containsExactly("/unavailable true");
    assertThat(get("closed", "/unavailable").statusCode()).isEqualTo(503);
    assertThat(reached).hasSize(1);
  }

  @Test
  void request_brokenUtf8InItsTarget_isStillJudged() throws Exception {
    for (String listener : List.of("open", "raw")) {
      judge.told.clear();
      try (Socket socket =
          RawHttp2.socket(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), port(listener)))) {
        socket
            .getOutputStream()
            .write(
                "GET /denied?q=1 HTTP/1.1\r\nHost: a\r\nUser-Agent: \u00ff\u00fe\r\nConnection: close\r\n\r\n"
                    .getBytes(StandardCharsets.ISO_8859_1));
        assertThat(text(socket.getInputStream())).startsWith("HTTP/1.1 403");
      }
      assertThat(judge.told).hasSize(1);
    }
  }

  @Test
  void accessLog_ofRequests_becomesHitsButNotOfOurOwnDenials() throws Exception {
    get("open", "/denied");
    get("open", "/probe-1");
    get("raw", "/probe-2", "User-Agent", "probe");
    await().until(() -> hits.logged.size() == 2);
    assertThat(hits.logged).extracting(hit -> hit.pattern()).containsOnly("^/probe");
  }

  @Test
  void clientAddress_byCheckAndBothLogs_isTheSame() throws Exception {
    String target = "/probe-address";
    // The test is the proxy in front: it says who its client is, and what that client had claimed.
    for (String forwarded :
        List.of("203.0.113.7", "198.51.100.66, 203.0.113.7", "2001:db8::7", "::ffff:203.0.113.9")) {
      forget();
      get("open", target, "X-Forwarded-For", forwarded);
      await().until(() -> hits.logged.size() == 1);
      ScriptedJudge.Told told = judge.told.element();
      String byCheck = resolve(told.peer(), told.forwardedFor());
      String byService =
          IpPrefix.address(hits.logged.element().hi(), hits.logged.element().lo()).toString();
      await().untilAsserted(() -> assertThat(lastLogged(target)).as(forwarded).isEqualTo(byCheck));
      assertThat(byService).as(forwarded).isEqualTo(byCheck);
      String last = forwarded.substring(forwarded.lastIndexOf(' ') + 1);
      assertThat(byCheck).isEqualTo(IpPrefix.parse(last).toString());
    }
  }

  private static String resolve(String peer, String forwardedFor) {
    RequestFacts facts = new RequestFacts();
    byte[] p = peer.getBytes(StandardCharsets.US_ASCII);
    byte[] f = forwardedFor.getBytes(StandardCharsets.US_ASCII);
    facts.peer().set(p, 0, p.length);
    facts.forwardedFor().set(f, 0, f.length);
    return resolve(FORWARDED, facts);
  }

  private static String resolve(ClientAddressResolver.Settings settings, RequestFacts facts) {
    ClientAddress address = new ClientAddress();
    assertThat(new ClientAddressResolver(settings).resolve(facts, address))
        .isEqualTo(ClientAddressResolver.Outcome.FOUND);
    return address.toPrefix().toString();
  }

  /** The client of the last line about a target in the JSON log. */
  private static String lastLogged(String target) throws IOException {
    List<String> lines =
        Files.readAllLines(directory.resolve("open.json")).stream()
            .filter(line -> line.contains(target))
            .toList();
    if (lines.isEmpty()) {
      return "nothing yet";
    }
    LineDecoder decoder =
        LineFormats.decoder(
            "envoy-gateway-json", FormatOptions.of(ZoneOffset.UTC, InstantSource.system()));
    RequestFacts facts = new RequestFacts();
    byte[] line = lines.getLast().getBytes(StandardCharsets.UTF_8);
    assertThat(decoder.decode(line, 0, line.length, facts)).isEqualTo(LineDecoder.Outcome.FACTS);
    return resolve(VOUCHED, facts);
  }

  private static String text(InputStream stream) throws IOException {
    return new String(stream.readAllBytes(), StandardCharsets.ISO_8859_1);
  }
}
