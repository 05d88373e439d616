package io.ipsentry.authz.envoy;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.envoyproxy.envoy.config.core.v3.HeaderMap;
import io.envoyproxy.envoy.config.core.v3.HeaderValue;
import io.envoyproxy.envoy.service.auth.v3.AuthorizationGrpc;
import io.envoyproxy.envoy.service.auth.v3.CheckRequest;
import io.envoyproxy.envoy.service.auth.v3.CheckResponse;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.envoy.EnvoyServer.Limits;
import io.ipsentry.authz.envoy.EnvoyServer.Parts;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.BanState;
import io.ipsentry.authz.verdict.DenialLog;
import io.ipsentry.authz.verdict.Policies;
import io.ipsentry.authz.verdict.PolicyJudge;
import io.ipsentry.authz.verdict.VerdictCounters;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.detection.HitReceiver;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Checks over a socket, judged by the policies of a configuration and the bans in memory. */
@Timeout(60)
final class CheckedBansIT {
  private static final InstantSource CLOCK =
      InstantSource.fixed(Instant.parse("2026-11-26T07:00:00Z"));
  private static final String CONFIG =
      """
      trustedProxies: 10.0.0.0/8
      authz:
        listen: "127.0.0.1:9001"
        policies:
          by-header: { client: { from: header, header: X-Real-IP } }
          shadow: { mode: shadow }
      """;

  @TempDir private Path directory;

  private final ActiveBans bans = new ActiveBans();
  private final EventLoops loops = EventLoops.start(2);
  private final VerdictCounters counters = new VerdictCounters();
  private @Nullable EnvoyServer server;
  private @Nullable ManagedChannel channel;

  @BeforeEach
  void start() {
    ConfigResult result =
        new ConfigLoader().parse("test.yaml", CONFIG.getBytes(StandardCharsets.UTF_8), directory);
    assertThat(result).isInstanceOf(ConfigResult.Valid.class);
    Policies policies = Policies.compile(((ConfigResult.Valid) result).config());
    PolicyJudge.Parts judges =
        new PolicyJudge.Parts(
            () -> policies,
            () -> ProtectedPrefixes.NONE,
            BanState.own(bans),
            new NothingPending(),
            counters,
            new DenialLog(System::nanoTime),
            CLOCK,
            System::nanoTime);
    EnvoyServer started =
        EnvoyServer.start(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            new Parts(
                loops,
                judges::judge,
                (remote, certificates) -> CallerConnection.UNKNOWN,
                () -> AccessLogRules.NONE,
                new NothingPending(),
                CLOCK,
                null),
            Limits.of(64));
    server = started;
    channel = NettyChannelBuilder.forAddress(started.address()).usePlaintext().build();
  }

  @AfterEach
  void stop() throws InterruptedException {
    ManagedChannel connected = channel;
    if (connected != null) {
      connected.shutdownNow();
      assertThat(connected.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }
    EnvoyServer started = server;
    if (started != null) {
      started.close();
    }
    loops.close();
  }

  private CheckResponse check(CheckRequest request) {
    ManagedChannel connected = channel;
    if (connected == null) {
      throw new IllegalStateException("not started");
    }
    return AuthorizationGrpc.newBlockingStub(connected)
        .withDeadlineAfter(20, TimeUnit.SECONDS)
        .check(request);
  }

  private void ban(String ip) {
    bans.apply(
        new SequencedEvent(
            bans.head() + 1,
            new BanEvent.Ban(
                CLOCK.instant(),
                IpPrefix.parse(ip),
                CLOCK.instant().plus(Duration.ofHours(1)),
                "manual",
                "by hand",
                0,
                SeenAs.MANUAL,
                "cli",
                1,
                null,
                null)));
  }

  private void unban(String ip) {
    bans.apply(
        new SequencedEvent(
            bans.head() + 1,
            new BanEvent.Unban(CLOCK.instant(), IpPrefix.parse(ip), "cli", "by hand")));
  }

  @Test
  void check_afterABan_theNextRequestIsRefusedAndAfterTheUnbanNot() {
    CheckRequest request = CheckRequests.of("203.0.113.7");
    assertThat(check(request).getStatus().getCode()).isZero();
    ban("203.0.113.7");
    CheckResponse refused = check(request);
    assertThat(refused.getStatus().getCode()).isEqualTo(7);
    assertThat(refused.getDeniedResponse().getStatus().getCodeValue()).isEqualTo(403);
    assertThat(refused.getDynamicMetadata().getFieldsOrThrow("ban_id").getStringValue())
        .isEqualTo("1");
    assertThat(refused.getDynamicMetadata().getFieldsOrThrow("rule").getStringValue())
        .isEqualTo("manual");
    assertThat(refused.getDynamicMetadata().getFieldsOrThrow("until").getStringValue())
        .isEqualTo("2026-11-26T08:00:00Z");
    unban("203.0.113.7");
    assertThat(check(request).getStatus().getCode()).isZero();
  }

  @Test
  void check_everyShapeOfABannedClient_isRefused() {
    ban("203.0.113.7");
    ban("2001:db8::/64");
    Map<String, String> forwarded = new LinkedHashMap<>(CheckRequests.BROWSER);
    forwarded.put("x-forwarded-for", "198.51.100.4, 203.0.113.7, 10.0.0.2");
    Map<String, String> claimed = new LinkedHashMap<>(CheckRequests.BROWSER);
    claimed.put("x-forwarded-for", "203.0.113.7, 198.51.100.4");
    Map<String, String> named = new LinkedHashMap<>(CheckRequests.BROWSER);
    named.remove("x-forwarded-for");
    named.put("x-real-ip", "203.0.113.7");
    HeaderMap raw =
        HeaderMap.newBuilder()
            .addHeaders(raw("x-forwarded-for", "198.51.100.4"))
            .addHeaders(raw("x-forwarded-for", "203.0.113.7"))
            .build();

    assertThat(code(CheckRequests.of("::ffff:203.0.113.7"))).isEqualTo(7);
    assertThat(code(CheckRequests.of("2001:db8::99"))).isEqualTo(7);
    assertThat(code(CheckRequests.with("10.0.0.1", forwarded, Map.of()))).isEqualTo(7);
    assertThat(code(CheckRequests.raw("10.0.0.1", raw))).isEqualTo(7);
    assertThat(code(CheckRequests.large(60 * 1024))).isEqualTo(7);
    assertThat(code(CheckRequests.with("10.0.0.1", named, Map.of("policy", "by-header"))))
        .isEqualTo(7);
    // What a client claims of itself counts neither for nor against it.
    assertThat(code(CheckRequests.with("10.0.0.1", claimed, Map.of()))).isZero();
    assertThat(code(CheckRequests.with("198.51.100.4", claimed, Map.of()))).isZero();
    assertThat(code(CheckRequests.with("10.0.0.1", forwarded, Map.of("policy", "shadow"))))
        .isZero();
    assertThat(code(CheckRequests.pipe())).isZero();
    assertThat(code(CheckRequests.noAddress())).isZero();
  }

  private int code(CheckRequest request) {
    return check(request).getStatus().getCode();
  }

  private static HeaderValue raw(String name, String value) {
    return HeaderValue.newBuilder()
        .setKey(name)
        .setRawValue(ByteString.copyFromUtf8(value))
        .build();
  }

  /** No caller is trusted, so nobody's hits come. */
  private static final class NothingPending implements HitReceiver {
    @Override
    public BanEvent.@Nullable Ban request(RuleSet rules, Hit hit) {
      throw new AssertionError("a hit of a caller that is not trusted: " + hit);
    }

    @Override
    public BanEvent.@Nullable Ban pending(long hi, long lo, long atMillis, @Nullable String scope) {
      return null;
    }

    @Override
    public boolean logged(RuleSet rules, Hit hit) {
      throw new AssertionError("a hit of a caller that is not trusted: " + hit);
    }
  }
}
