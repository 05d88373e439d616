package io.ipsentry.authz.envoy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.envoyproxy.envoy.data.accesslog.v3.AccessLogType;
import io.envoyproxy.envoy.data.accesslog.v3.HTTPAccessLogEntry;
import io.envoyproxy.envoy.service.accesslog.v3.AccessLogServiceGrpc;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsResponse;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.envoy.EnvoyServer.Limits;
import io.ipsentry.authz.envoy.EnvoyServer.Parts;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Ignore;
import io.ipsentry.rule.Match;
import io.ipsentry.rule.PathPattern;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.rule.StatusSet;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Streams of access logs over a loopback socket. */
@Timeout(60)
final class AccessLogIT {
  private static final EventLoops loops = EventLoops.start(2);
  private static final Limits LIMITS =
      new Limits(256, 1_024, Duration.ofMinutes(5), Duration.ofSeconds(5));
  private static final ClientAddressResolver.Settings BEHIND_PROXY =
      new ClientAddressResolver.Settings(
          ClientAddressResolver.Mode.AUTO, PrefixSet.parse("10.0.0.0/8"), 0, null);

  private final List<AutoCloseable> open = new ArrayList<>();
  private final RecordingHits hits = new RecordingHits();
  private volatile Caller caller = Caller.TRUSTED;
  private volatile AccessLogRules rules =
      new AccessLogRules(
          RuleSet.compile(List.of(rule("probing", "^/\\.env", Set.of()))),
          List.of(new AccessLogSource("edge", List.of("edge"), BEHIND_PROXY)));

  @AfterAll
  static void stopLoops() {
    loops.close();
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable closeable : open.reversed()) {
      closeable.close();
    }
  }

  private static Rule rule(String name, String path, Set<String> sources) {
    return new Rule(
        new RuleId(name),
        Rule.On.LOG,
        Rule.Mode.ENFORCE,
        new Match(
            List.of(PathPattern.counting(path)),
            StatusSet.parse("400-499"),
            null,
            Set.of(),
            List.of(),
            List.of(),
            List.of(),
            false,
            sources,
            false),
        Ignore.NOTHING,
        3,
        0,
        Duration.ofMinutes(2),
        BanTerms.DEFAULT);
  }

  private EnvoyServer start(Limits limits) {
    CallerConnection.Factory callers = (remote, certificates) -> token -> caller;
    EnvoyServer server =
        EnvoyServer.start(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            new Parts(
                loops,
                ScriptedJudge::allowing,
                callers,
                () -> rules,
                hits,
                InstantSource.fixed(Instant.parse("2026-11-26T07:00:00Z")),
                null),
            limits);
    open.add(server);
    return server;
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

  /** The client's end of a stream. */
  private static final class Client implements StreamObserver<StreamAccessLogsResponse> {
    final AtomicReference<@Nullable Status> ended = new AtomicReference<>();
    final StreamObserver<StreamAccessLogsMessage> requests;

    Client(ManagedChannel channel) {
      requests = AccessLogServiceGrpc.newStub(channel).streamAccessLogs(this);
    }

    @Override
    public void onNext(StreamAccessLogsResponse value) {}

    @Override
    public void onError(Throwable error) {
      ended.set(Status.fromThrowable(error));
    }

    @Override
    public void onCompleted() {
      ended.set(Status.OK);
    }

    void finish() {
      requests.onCompleted();
      await().until(() -> ended.get() != null);
      assertThat(ended.get()).isEqualTo(Status.OK);
    }
  }

  private static HTTPAccessLogEntry probe(String client) {
    return LogEntries.probe(client).build();
  }

  @Test
  void stream_nameInFirstMessageOnly_allEntriesAreOfItsSource() {
    EnvoyServer server = start(LIMITS);
    Client client = new Client(connect(server));
    client.requests.onNext(LogEntries.http("edge", List.of(probe("203.0.113.7"))));
    client.requests.onNext(
        LogEntries.http("", List.of(probe("203.0.113.7"), probe("2001:db8::1"))));
    client.finish();
    Hit first = hits.logged.element();
    assertThat(IpPrefix.address(first.hi(), first.lo())).hasToString("203.0.113.7");
    assertThat(first.eventTimeMillis()).isEqualTo(LogEntries.START.toEpochMilli());
    assertThat(first.pattern()).isEqualTo("^/\\.env");
    // The packets came from the proxy in front, which the entry says too.
    assertThat(first.seenAs()).isEqualTo(SeenAs.FORWARDED);
    assertThat(hits.logged).hasSize(3);
    assertThat(server.counters().logSnapshot().hits()).isEqualTo(3);
    assertThat(server.counters().logSnapshot().entries()).isEqualTo(3);
  }

  @Test
  void stream_whatDoesNotCount_isCountedAsSuch() {
    EnvoyServer server = start(LIMITS);
    ManagedChannel channel = connect(server);
    HTTPAccessLogEntry.Builder denied = LogEntries.probe("203.0.113.7");
    denied.getResponseBuilder().setResponseCodeDetails("ext_authz_denied");
    HTTPAccessLogEntry.Builder noAddress = LogEntries.probe("203.0.113.7");
    noAddress
        .getCommonPropertiesBuilder()
        .clearDownstreamRemoteAddress()
        .clearDownstreamDirectRemoteAddress();
    noAddress.getRequestBuilder().clearForwardedFor();
    HTTPAccessLogEntry.Builder start = LogEntries.probe("203.0.113.7");
    start.getCommonPropertiesBuilder().setAccessLogType(AccessLogType.DownstreamStart);
    Client edge = new Client(channel);
    edge.requests.onNext(
        LogEntries.http("edge", List.of(denied.build(), noAddress.build(), start.build())));
    edge.requests.onNext(LogEntries.tcp("", 2));
    edge.finish();
    Client other = new Client(channel);
    other.requests.onNext(LogEntries.http("other", List.of(probe("203.0.113.7"))));
    other.finish();
    caller = Caller.UNKNOWN;
    Client unknown = new Client(channel);
    unknown.requests.onNext(LogEntries.http("edge", List.of(probe("203.0.113.7"))));
    unknown.finish();

    assertThat(hits.logged).isEmpty();
    EnvoyCounters.LogSnapshot counted = server.counters().logSnapshot();
    assertThat(counted.entries()).isEqualTo(4);
    assertThat(counted.withoutAddress()).isEqualTo(1);
    assertThat(counted.notFinal()).isEqualTo(1);
    assertThat(counted.connections()).isEqualTo(2);
    assertThat(counted.otherNames()).isEqualTo(1);
    assertThat(counted.unauthenticated()).isEqualTo(1);
    assertThat(counted.streams()).isEqualTo(3);
  }

  @Test
  void stream_rulesForSomeSources_matchByTheLogsName() {
    rules =
        new AccessLogRules(
            RuleSet.compile(List.of(rule("probing", "^/\\.env", Set.of("inner")))),
            List.of(
                new AccessLogSource("edge", List.of("edge"), BEHIND_PROXY),
                new AccessLogSource("inner", List.of(), BEHIND_PROXY)));
    ManagedChannel channel = connect(start(LIMITS));
    for (String name : List.of("edge", "whatever")) {
      Client client = new Client(channel);
      client.requests.onNext(LogEntries.http(name, List.of(probe("203.0.113.7"))));
      client.finish();
    }
    assertThat(hits.logged).hasSize(1);
  }

  @Test
  void stream_newRules_judgeFromTheNextMessageOn() {
    ManagedChannel channel = connect(start(LIMITS));
    Client client = new Client(channel);
    client.requests.onNext(LogEntries.http("edge", List.of(probe("203.0.113.7"))));
    await().until(() -> hits.logged.size() == 1);
    rules =
        new AccessLogRules(
            RuleSet.compile(List.of(rule("other", "^/other", Set.of()))), rules.sources());
    client.requests.onNext(LogEntries.http("", List.of(probe("203.0.113.7"))));
    client.finish();
    assertThat(hits.logged).hasSize(1);
  }

  @Test
  void stream_malformedMessage_endsThatStreamOnly() {
    EnvoyServer server = start(LIMITS);
    ManagedChannel channel = connect(server);
    Client good = new Client(channel);
    good.requests.onNext(LogEntries.http("edge", List.of(probe("203.0.113.7"))));
    AtomicReference<@Nullable Status> ended = new AtomicReference<>();
    StreamObserver<byte[]> bad =
        ClientCalls.asyncClientStreamingCall(
            channel.newCall(
                AccessLogServiceGrpc.getStreamAccessLogsMethod().toBuilder(
                        RawHttp2.BYTES, RawHttp2.BYTES)
                    .build(),
                CallOptions.DEFAULT),
            new StreamObserver<>() {
              @Override
              public void onNext(byte[] value) {}

              @Override
              public void onError(Throwable error) {
                ended.set(Status.fromThrowable(error));
              }

              @Override
              public void onCompleted() {
                ended.set(Status.OK);
              }
            });
    bad.onNext(new byte[] {18, 100, 1});
    await().until(() -> ended.get() != null);
    assertThat(ended.get()).extracting(Status::getCode).isEqualTo(Status.Code.INVALID_ARGUMENT);
    good.finish();
    assertThat(hits.logged).hasSize(1);
    assertThat(server.counters().logSnapshot().malformed()).isEqualTo(1);
  }

  @Test
  void stream_pastItsAge_isEndedAfterAMessageThatStillCounts() {
    EnvoyServer server =
        start(new Limits(16, 1_024, Duration.ofSeconds(1), Duration.ofSeconds(20)));
    ManagedChannel channel = connect(server);
    Client client = new Client(channel);
    List<Integer> sent = Collections.synchronizedList(new ArrayList<>());
    client.requests.onNext(LogEntries.http("edge", List.of(probe("203.0.113.7"))));
    sent.add(1);
    await()
        .pollInterval(Duration.ofMillis(50))
        .until(() -> {
          if (client.ended.get() == null && hits.logged.size() == sent.size()) {
            sent.add(1);
            client.requests.onNext(LogEntries.http("", List.of(probe("203.0.113.7"))));
          }
          return client.ended.get() != null;
        });
    assertThat(client.ended.get())
        .satisfies(status -> {
          assertThat(status.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
          assertThat(status.getDescription()).contains("open another");
        });
    assertThat(hits.logged).hasSizeGreaterThanOrEqualTo(sent.size() - 1);
  }

  @Test
  void close_openStreams_areEndedAtOnce() {
    EnvoyServer server = start(LIMITS);
    Client client = new Client(connect(server));
    client.requests.onNext(LogEntries.http("edge", List.of(probe("203.0.113.7"))));
    await().until(() -> hits.logged.size() == 1);
    long before = System.nanoTime();
    server.close();
    assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(LIMITS.grace());
    await().until(() -> client.ended.get() != null);
    assertThat(client.ended.get()).extracting(Status::getCode).isEqualTo(Status.Code.UNAVAILABLE);
  }
}
