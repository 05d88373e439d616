package io.ipsentry.authz.envoy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Struct;
import io.envoyproxy.envoy.config.core.v3.HeaderMap;
import io.envoyproxy.envoy.config.core.v3.HeaderValue;
import io.envoyproxy.envoy.config.core.v3.HeaderValueOption;
import io.envoyproxy.envoy.config.core.v3.HeaderValueOption.HeaderAppendAction;
import io.envoyproxy.envoy.service.auth.v3.AuthorizationGrpc;
import io.envoyproxy.envoy.service.auth.v3.CheckRequest;
import io.envoyproxy.envoy.service.auth.v3.CheckResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.channelz.v1.ChannelzGrpc;
import io.grpc.channelz.v1.GetServersRequest;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.envoy.EnvoyServer.Limits;
import io.ipsentry.authz.envoy.EnvoyServer.Parts;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.Denial;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.line.Slice;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The server on a loopback socket, called as Envoy calls it and as nobody should. */
@Timeout(60)
final class EnvoyServerIT {
  private static final Denial DENIAL =
      new Denial(
          403,
          List.of(
              new Denial.Header("content-type", "text/plain; charset=utf-8"),
              new Denial.Header("x-ip-sentry", "banned"),
              new Denial.Header("x-ip-sentry-ban-id", "42")),
          "Forbidden\n",
          "42",
          "probing",
          Instant.parse("2026-11-27T07:00:00Z"),
          "203.0.113.7",
          "^/wp-admin");
  private static final Limits LIMITS =
      new Limits(256, 1_024, Duration.ofMinutes(5), Duration.ofSeconds(5));

  private static final int LOOPS = 2;
  private static final EventLoops loops = EventLoops.start(LOOPS);

  private final List<AutoCloseable> open = new ArrayList<>();
  private ScriptedJudge judge = ScriptedJudge.allowing();
  private CallerConnection.Factory callers = (remote, certificates) -> CallerConnection.UNKNOWN;

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable closeable : open.reversed()) {
      closeable.close();
    }
  }

  @AfterAll
  static void stopLoops() {
    loops.close();
  }

  private EnvoyServer start() {
    return start(LIMITS);
  }

  private EnvoyServer start(Limits limits) {
    EnvoyServer server =
        EnvoyServer.start(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), parts(), limits);
    open.add(server);
    return server;
  }

  private Parts parts() {
    return new Parts(
        loops,
        () -> judge,
        callers,
        () -> AccessLogRules.NONE,
        new RecordingHits(),
        InstantSource.fixed(Instant.parse("2026-11-26T07:00:00Z")),
        null);
  }

  private ManagedChannel connect(EnvoyServer server) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(server.address()).usePlaintext().build();
    open.add(() -> {
      channel.shutdownNow();
      assertThat(channel.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    });
    return channel;
  }

  private static AuthorizationGrpc.AuthorizationBlockingStub stub(ManagedChannel channel) {
    return AuthorizationGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  @Test
  void check_allowed_changesNothing() {
    CheckResponse response = stub(connect(start())).check(CheckRequests.of("203.0.113.7"));
    assertThat(response.hasStatus()).isTrue();
    assertThat(response.getStatus().getCode()).isZero();
    assertThat(response.getHttpResponseCase())
        .isEqualTo(CheckResponse.HttpResponseCase.HTTPRESPONSE_NOT_SET);
    assertThat(response.hasDynamicMetadata()).isFalse();
  }

  @Test
  void check_denied_hasCodeResponseAndMetadata() {
    judge = new ScriptedJudge(told -> new Judgement.Denied(DENIAL));
    EnvoyServer server = start();
    CheckResponse response = stub(connect(server)).check(CheckRequests.of("203.0.113.7"));
    assertThat(response.getStatus().getCode()).isEqualTo(7);
    assertThat(response.getDeniedResponse().getStatus().getCodeValue()).isEqualTo(403);
    assertThat(response.getDeniedResponse().getBody()).isEqualTo("Forbidden\n");
    assertThat(response.getDeniedResponse().getHeadersList())
        .extracting(HeaderValueOption::getAppendAction)
        .containsOnly(HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD);
    assertThat(response.getDeniedResponse().getHeadersList())
        .extracting(option -> option.getHeader().getKey() + "=" + option.getHeader().getValue())
        .containsExactly(
            "content-type=text/plain; charset=utf-8",
            "x-ip-sentry=banned",
            "x-ip-sentry-ban-id=42");
    Struct metadata = response.getDynamicMetadata();
    assertThat(metadata.getFieldsOrThrow("ban_id").getStringValue()).isEqualTo("42");
    assertThat(metadata.getFieldsOrThrow("rule").getStringValue()).isEqualTo("probing");
    assertThat(metadata.getFieldsOrThrow("until").getStringValue())
        .isEqualTo("2026-11-27T07:00:00Z");
    assertThat(server.counters().snapshot().denied()).isEqualTo(1);
  }

  @Test
  void check_deniedForEver_hasNoUntil() {
    Denial forEver =
        new Denial(499, List.of(), "", "pending", "list", null, "203.0.113.7", "by hand");
    judge = new ScriptedJudge(told -> new Judgement.Denied(forEver));
    CheckResponse response = stub(connect(start())).check(CheckRequests.of("203.0.113.7"));
    assertThat(response.getDeniedResponse().getStatus().getCodeValue()).isEqualTo(499);
    assertThat(response.getDynamicMetadata().getFieldsMap()).containsOnlyKeys("ban_id", "rule");
  }

  @Test
  void check_cannotJudge_isUnavailableAndNoDenial() {
    judge = new ScriptedJudge(told -> new Judgement.Unavailable("not-synced"));
    EnvoyServer server = start();
    assertStatus(server, CheckRequests.of("203.0.113.7"), Status.Code.UNAVAILABLE, "not-synced");
    assertThat(server.counters().snapshot().unavailable()).isEqualTo(1);
  }

  @Test
  void check_judgeFails_isUnavailableAndTheNextIsAnswered() {
    judge =
        new ScriptedJudge(told -> {
          if (told.peer().equals("203.0.113.7")) {
            throw new IllegalStateException("a fault on purpose");
          }
          return Judgement.Reason.NOT_BANNED.allowed();
        });
    EnvoyServer server = start();
    ManagedChannel channel = connect(server);
    assertThatThrownBy(() -> stub(channel).check(CheckRequests.of("203.0.113.7")))
        .hasMessage("UNAVAILABLE: error");
    assertThat(stub(channel).check(CheckRequests.of("203.0.113.8")).getStatus().getCode()).isZero();
    assertThat(server.counters().snapshot().errors()).isEqualTo(1);
  }

  private void assertStatus(
      EnvoyServer server, CheckRequest request, Status.Code code, String description) {
    assertThatThrownBy(() -> stub(connect(server)).check(request))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(code);
              assertThat(e.getStatus().getDescription()).isEqualTo(description);
            });
  }

  @Test
  void check_everyShapeOfEnvoy_tellsTheJudgeWhatItSays() {
    ManagedChannel channel = connect(start());
    Map<String, String> forwarded = new LinkedHashMap<>(CheckRequests.BROWSER);
    forwarded.put("x-forwarded-for", "198.51.100.4,203.0.113.7");
    forwarded.put("x-real-ip", "198.51.100.9");
    String agent = CheckRequests.USER_AGENT;

    assertTold(channel, CheckRequests.of("203.0.113.7"), "203.0.113.7", "-", "-", agent, "-");
    assertTold(
        channel,
        CheckRequests.with("10.0.0.1", forwarded, Map.of()),
        "10.0.0.1",
        "198.51.100.4,203.0.113.7",
        "-",
        agent,
        "-");
    assertTold(
        channel,
        CheckRequests.with("10.0.0.1", forwarded, Map.of("policy", "by-header")),
        "10.0.0.1",
        "198.51.100.4,203.0.113.7",
        "198.51.100.9",
        agent,
        "by-header");
    assertTold(
        channel,
        CheckRequests.raw(
            "2001:db8::1",
            HeaderMap.newBuilder()
                .addHeaders(raw("x-forwarded-for", "198.51.100.4"))
                .addHeaders(raw("x-forwarded-for", "203.0.113.7"))
                .addHeaders(raw("user-agent", "curl"))
                .build()),
        "2001:db8::1",
        "198.51.100.4,203.0.113.7",
        "-",
        "curl",
        "-");
    assertTold(
        channel,
        CheckRequests.of("::ffff:203.0.113.7"),
        "::ffff:203.0.113.7",
        "-",
        "-",
        agent,
        "-");
    assertTold(
        channel, CheckRequests.large(60 * 1024), "203.0.113.7", "203.0.113.7", "-", agent, "-");
    assertTold(channel, CheckRequests.pipe(), "-", "-", "-", "-", "-");
    assertTold(channel, CheckRequests.internalAddress(), "-", "-", "-", "-", "-");
    assertTold(channel, CheckRequests.noAddress(), "-", "-", "-", "-", "-");
  }

  private void assertTold(
      ManagedChannel channel,
      CheckRequest request,
      String peer,
      String forwardedFor,
      String clientHeader,
      String userAgent,
      String policy) {
    assertThat(stub(channel).check(request).getStatus().getCode()).isZero();
    assertThat(judge.told.remove())
        .isEqualTo(
            new ScriptedJudge.Told(
                peer,
                forwardedFor,
                clientHeader,
                "GET",
                "app.example",
                CheckRequests.TARGET,
                userAgent,
                policy,
                Caller.UNKNOWN));
  }

  @Test
  void check_manyAtOnce_eachGetsItsOwnAnswer() throws Exception {
    judge =
        new ScriptedJudge(told ->
            told.peer().endsWith("7")
                ? new Judgement.Denied(DENIAL)
                : Judgement.Reason.NOT_BANNED.allowed());
    EnvoyServer server = start();
    List<ManagedChannel> channels = List.of(connect(server), connect(server));
    int threads = 16;
    int calls = 250;
    try (ExecutorService clients = Executors.newFixedThreadPool(threads)) {
      List<Future<Integer>> wrong = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int thread = t;
        wrong.add(
            clients.submit(() -> {
              int count = 0;
              for (int i = 0; i < calls; i++) {
                String peer = "203.0." + thread + "." + i % 256;
                // Long and short messages after each other in one thread's memory.
                CheckRequest request =
                    i % 10 == 0
                        ? CheckRequests.with(
                            peer,
                            CheckRequests.large(20_000)
                                .getAttributes()
                                .getRequest()
                                .getHttp()
                                .getHeadersMap(),
                            Map.of())
                        : CheckRequests.of(peer);
                int code = stub(channels.get(thread % 2)).check(request).getStatus().getCode();
                count += code == (peer.endsWith("7") ? 7 : 0) ? 0 : 1;
              }
              return count;
            }));
      }
      for (Future<Integer> count : wrong) {
        assertThat(count.get(50, TimeUnit.SECONDS)).isZero();
      }
    }
    await().until(() -> server.counters().snapshot().inFlight() == 0);
    EnvoyCounters.Snapshot counted = server.counters().snapshot();
    assertThat(counted.allowed() + counted.denied()).isEqualTo((long) threads * calls);
    // Of each event loop one in eight is timed and stands for them; the rest is not counted yet.
    assertThat(counted.latency().count())
        .isBetween((long) threads * calls - 8L * LOOPS, (long) threads * calls);
  }

  @Test
  void check_callerWithToken_isTrustedByExtensionOrMetadata() {
    callers =
        (remote, certificates) ->
            new CallerConnection() {
              @Override
              public Caller caller(Slice token) {
                return token.equalsAscii("secret") ? Caller.TRUSTED : Caller.UNKNOWN;
              }

              @Override
              public boolean readsToken() {
                return true;
              }
            };
    ManagedChannel channel = connect(start());
    Metadata metadata = new Metadata();
    metadata.put(Metadata.Key.of("x-ip-sentry-token", Metadata.ASCII_STRING_MARSHALLER), "secret");
    stub(channel).check(CheckRequests.of("203.0.113.7"));
    stub(channel).check(CheckRequests.with("203.0.113.7", Map.of(), Map.of("token", "secret")));
    stub(channel).check(CheckRequests.with("203.0.113.7", Map.of(), Map.of("token", "guess")));
    stub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata))
        .check(CheckRequests.of("203.0.113.7"));
    assertThat(judge.told)
        .extracting(ScriptedJudge.Told::caller)
        .containsExactly(Caller.UNKNOWN, Caller.TRUSTED, Caller.UNKNOWN, Caller.TRUSTED);
  }

  @Test
  void check_connection_isDecidedOnceFromItsAddress() {
    ConcurrentLinkedQueue<String> connections = new ConcurrentLinkedQueue<>();
    callers =
        (remote, certificates) -> {
          connections.add(address(remote).getHostAddress() + certificates);
          return CallerConnection.UNKNOWN;
        };
    ManagedChannel channel = connect(start());
    stub(channel).check(CheckRequests.of("203.0.113.7"));
    stub(channel).check(CheckRequests.of("203.0.113.7"));
    assertThat(connections).containsExactly("127.0.0.1[]");
  }

  private static InetAddress address(@Nullable SocketAddress remote) {
    return ((InetSocketAddress) Objects.requireNonNull(remote)).getAddress();
  }

  @Test
  void check_tooManyAtOnce_isRefusedAtOnceAndRecovers() throws Exception {
    EnvoyServer server = start(new Limits(2, 1_024, Duration.ofMinutes(5), Duration.ofSeconds(1)));
    try (RawHttp2 slow = new RawHttp2(server.address())) {
      // Two that send their headers and then nothing.
      slow.headers(1, "/" + AuthorizationGrpc.SERVICE_NAME + "/Check");
      slow.headers(3, "/" + AuthorizationGrpc.SERVICE_NAME + "/Check");
      await().until(() -> server.counters().snapshot().inFlight() == 2);
      assertStatus(server, CheckRequests.of("203.0.113.7"), Status.Code.UNAVAILABLE, "overload");
      assertThat(server.counters().snapshot().overload()).isEqualTo(1);

      server.maxConcurrentChecks(3);
      assertThat(stub(connect(server)).check(CheckRequests.of("203.0.113.7")).getStatus().getCode())
          .isZero();
      server.maxConcurrentChecks(2);
      assertStatus(server, CheckRequests.of("203.0.113.7"), Status.Code.UNAVAILABLE, "overload");
    }
    // They are gone with their connection.
    await().until(() -> server.counters().snapshot().inFlight() == 0);
    assertThat(server.counters().snapshot().cancelled()).isEqualTo(2);
    assertThat(stub(connect(server)).check(CheckRequests.of("203.0.113.7")).getStatus().getCode())
        .isZero();
  }

  @Test
  void check_abortedCalls_leaveNothingBehind() throws Exception {
    EnvoyServer server = start();
    try (RawHttp2 aborting = new RawHttp2(server.address())) {
      byte[] half = RawHttp2.grpc(CheckRequests.of("203.0.113.7").toByteArray());
      for (int stream = 1; stream < 400; stream += 2) {
        aborting.headers(stream, "/" + AuthorizationGrpc.SERVICE_NAME + "/Check");
        aborting.data(stream, Arrays.copyOf(half, 20), false);
        aborting.reset(stream);
      }
      aborting.headers(401, "/" + AuthorizationGrpc.SERVICE_NAME + "/Check");
      aborting.data(401, half, true);
      assertThat(aborting.awaitEnd(401)).isTrue();
    }
    await().until(() -> server.counters().snapshot().inFlight() == 0);
    assertThat(server.counters().snapshot().allowed()).isEqualTo(1);
    assertThat(server.counters().snapshot().cancelled()).isEqualTo(200);
  }

  @Test
  void check_malformed_isInvalidArgument() throws Exception {
    EnvoyServer server = start();
    ManagedChannel channel = connect(server);
    byte[] wire = CheckRequests.of("203.0.113.7").toByteArray();
    for (byte[] bad : List.of(new byte[] {0}, new byte[] {10, 100, 1}, Arrays.copyOf(wire, 40))) {
      assertThatThrownBy(() -> callWithBytes(channel, List.of(bad)))
          .hasMessageStartingWith("INVALID_ARGUMENT: the message is no valid CheckRequest");
    }
    assertThat(server.counters().snapshot().malformed()).isEqualTo(3);
    assertThatThrownBy(() -> callWithBytes(channel, List.of()))
        .hasMessageStartingWith("INVALID_ARGUMENT: a check needs");
    assertThatThrownBy(() -> callWithBytes(channel, List.of(wire, wire)))
        .isInstanceOf(StatusRuntimeException.class);
    await().until(() -> server.counters().snapshot().inFlight() == 0);
    assertThat(callWithBytes(channel, List.of(wire))).isEqualTo(new byte[] {10, 0});
  }

  @Test
  void check_tooLarge_isRefusedAndOthersGoOn() throws Exception {
    EnvoyServer server = start();
    ManagedChannel channel = connect(server);
    assertThatThrownBy(
            () -> stub(channel).check(CheckRequests.large(EnvoyServer.MAX_MESSAGE_BYTES)))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED));
    Metadata metadata = new Metadata();
    metadata.put(
        Metadata.Key.of("x-large", Metadata.ASCII_STRING_MARSHALLER),
        "x".repeat(EnvoyServer.MAX_METADATA_BYTES));
    assertThatThrownBy(() ->
            stub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata))
                .check(CheckRequests.of("203.0.113.7")))
        .isInstanceOf(StatusRuntimeException.class);
    assertThat(stub(channel).check(CheckRequests.of("203.0.113.7")).getStatus().getCode()).isZero();
    await().until(() -> server.counters().snapshot().inFlight() == 0);
  }

  @Test
  void check_compressed_isRead() {
    CheckResponse response =
        stub(connect(start())).withCompression("gzip").check(CheckRequests.large(40_000));
    assertThat(response.getStatus().getCode()).isZero();
    assertThat(judge.told.remove().peer()).isEqualTo("203.0.113.7");
  }

  @Test
  void check_deadlinePassed_isNotJudged() throws Exception {
    EnvoyServer server = start();
    try (RawHttp2 late = new RawHttp2(server.address())) {
      late.headers(1, "/" + AuthorizationGrpc.SERVICE_NAME + "/Check", "grpc-timeout", "1n");
      late.data(1, RawHttp2.grpc(CheckRequests.of("203.0.113.7").toByteArray()), true);
      assertThat(late.awaitEnd(1)).isTrue();
    }
    await().until(() -> server.counters().snapshot().inFlight() == 0);
    EnvoyCounters.Snapshot counted = server.counters().snapshot();
    assertThat(counted.deadline() + counted.cancelled()).isEqualTo(1);
    assertThat(judge.told).isEmpty();
  }

  @Test
  void badHttp2_endsItsConnectionOnly() throws Exception {
    EnvoyServer server = start();
    ManagedChannel channel = connect(server);
    stub(channel).check(CheckRequests.of("203.0.113.7"));
    try (Socket http1 = RawHttp2.socket(server.address())) {
      http1
          .getOutputStream()
          .write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      assertThat(RawHttp2.readToEnd(http1)).isNotNull();
    }
    try (RawHttp2 wrong = new RawHttp2(server.address())) {
      // A continuation that continues nothing is an error of the connection.
      wrong.frame(9, 4, 1, new byte[] {1, 2, 3});
      assertThat(wrong.awaitClosed()).isTrue();
    }
    try (RawHttp2 wrong = new RawHttp2(server.address())) {
      wrong.headers(1, "/" + AuthorizationGrpc.SERVICE_NAME + "/Check");
      // Says that it is compressed, with no encoding named.
      byte[] message = RawHttp2.grpc(CheckRequests.of("203.0.113.7").toByteArray());
      message[0] = 1;
      wrong.data(1, message, true);
      assertThat(wrong.awaitEnd(1)).isTrue();
    }
    stub(channel).check(CheckRequests.of("203.0.113.7"));
    await().until(() -> server.counters().snapshot().inFlight() == 0);
  }

  @Test
  void close_midCall_theRunningCallIsAnswered() throws Exception {
    CountDownLatch judging = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    judge =
        new ScriptedJudge(told -> {
          judging.countDown();
          awaitLatch(go);
          return Judgement.Reason.NOT_BANNED.allowed();
        });
    EnvoyServer server = start();
    ManagedChannel channel = connect(server);
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      Future<CheckResponse> call =
          threads.submit(() -> stub(channel).check(CheckRequests.of("203.0.113.7")));
      awaitLatch(judging);
      Future<?> closing = threads.submit(server::close);
      go.countDown();
      assertThat(call.get(20, TimeUnit.SECONDS).getStatus().getCode()).isZero();
      closing.get(20, TimeUnit.SECONDS);
    }
    assertThatThrownBy(() -> stub(channel).check(CheckRequests.of("203.0.113.7")))
        .hasMessageStartingWith("UNAVAILABLE");
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Test
  void connection_pastItsAge_isReplacedWithoutAnError() {
    ConcurrentLinkedQueue<String> connections = new ConcurrentLinkedQueue<>();
    callers =
        (remote, certificates) -> {
          connections.add(String.valueOf(remote));
          return CallerConnection.UNKNOWN;
        };
    EnvoyServer server =
        start(new Limits(16, 1_024, Duration.ofMillis(200), Duration.ofSeconds(5)));
    ManagedChannel channel = connect(server);
    await()
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(5))
        .until(() -> {
          stub(channel).check(CheckRequests.of("203.0.113.7"));
          return connections.size() >= 3;
        });
  }

  @Test
  void health_followsReady() {
    EnvoyServer server = start();
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(connect(server));
    for (String service : List.of("", AuthorizationGrpc.SERVICE_NAME)) {
      HealthCheckRequest request = HealthCheckRequest.newBuilder().setService(service).build();
      server.ready(false);
      assertThat(health.check(request).getStatus()).isEqualTo(ServingStatus.NOT_SERVING);
      server.ready(true);
      assertThat(health.check(request).getStatus()).isEqualTo(ServingStatus.SERVING);
    }
  }

  @Test
  void reflectionAndChannelz_showTheService() throws Exception {
    ManagedChannel channel = connect(start());
    assertThat(
            ChannelzGrpc.newBlockingStub(channel)
                .getServers(GetServersRequest.getDefaultInstance())
                .getServerList())
        .isNotEmpty();
    ServerReflectionResponse listed =
        reflect(channel, ServerReflectionRequest.newBuilder().setListServices("").build());
    assertThat(listed.getListServicesResponse().getServiceList())
        .extracting(service -> service.getName())
        .contains(AuthorizationGrpc.SERVICE_NAME, HealthGrpc.SERVICE_NAME);
    ServerReflectionResponse file =
        reflect(
            channel,
            ServerReflectionRequest.newBuilder()
                .setFileContainingSymbol(AuthorizationGrpc.SERVICE_NAME)
                .build());
    ByteString described = file.getFileDescriptorResponse().getFileDescriptorProto(0);
    assertThat(FileDescriptorProto.parseFrom(described).getService(0).getMethod(0).getInputType())
        .isEqualTo(".envoy.service.auth.v3.CheckRequest");
  }

  private static ServerReflectionResponse reflect(
      ManagedChannel channel, ServerReflectionRequest request) {
    AtomicReference<@Nullable ServerReflectionResponse> answer = new AtomicReference<>();
    StreamObserver<ServerReflectionRequest> requests =
        ServerReflectionGrpc.newStub(channel)
            .serverReflectionInfo(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ServerReflectionResponse value) {
                    answer.set(value);
                  }

                  @Override
                  public void onError(Throwable error) {}

                  @Override
                  public void onCompleted() {}
                });
    requests.onNext(request);
    await().until(() -> answer.get() != null);
    requests.onCompleted();
    return Objects.requireNonNull(answer.get());
  }

  @Test
  void start_addressInUse_saysWhatToDo() {
    EnvoyServer server = start();
    assertThatThrownBy(() -> EnvoyServer.start(server.address(), parts(), LIMITS))
        .isInstanceOf(EnvoyServerException.class)
        .hasMessageContaining("authz.listen")
        .hasMessageContaining(String.valueOf(server.address().getPort()));
  }

  /** Makes a call of these messages, whatever they are. */
  private static byte[] callWithBytes(ManagedChannel channel, List<byte[]> messages)
      throws InterruptedException {
    ClientCall<byte[], byte[]> call =
        channel.newCall(
            AuthorizationGrpc.getCheckMethod().toBuilder(RawHttp2.BYTES, RawHttp2.BYTES).build(),
            CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS));
    if (messages.size() == 1) {
      try {
        return ClientCalls.futureUnaryCall(call, messages.getFirst()).get();
      } catch (ExecutionException e) {
        throw (StatusRuntimeException) Objects.requireNonNull(e.getCause());
      }
    }
    CountDownLatch ended = new CountDownLatch(1);
    AtomicReference<Status> status = new AtomicReference<>(Status.UNKNOWN);
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onClose(Status closed, Metadata trailers) {
            status.set(closed);
            ended.countDown();
          }
        },
        new Metadata());
    call.request(1);
    for (byte[] message : messages) {
      call.sendMessage(message);
    }
    call.halfClose();
    assertThat(ended.await(20, TimeUnit.SECONDS)).isTrue();
    throw status.get().asRuntimeException();
  }

  private static HeaderValue raw(String name, String value) {
    return HeaderValue.newBuilder()
        .setKey(name)
        .setRawValue(ByteString.copyFromUtf8(value))
        .build();
  }
}
