package io.ipsentry.conformance.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.envoyproxy.envoy.service.auth.v3.AuthorizationGrpc;
import io.envoyproxy.envoy.service.auth.v3.CheckResponse;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.ipsentry.conformance.program.Gateways;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningIpSentry;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code run} as a process that gateways ask, over HTTP and over gRPC. */
final class GatewaysIT {
  private static final int DENIED = 7;
  private static final String BANNED = "203.0.113.7";
  private static final String OTHER = "203.0.113.8";
  private final int http = Gateways.freePort();
  private final int grpc = Gateways.freePort();
  private final HttpClient client =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  private final ManagedChannel channel =
      NettyChannelBuilder.forAddress("127.0.0.1", grpc).usePlaintext().build();
  @TempDir Path directory;
  private RunningIpSentry program;

  @BeforeEach
  void start() {
    program = RunningIpSentry.start(directory, config(3));
  }

  @AfterEach
  void close() {
    program.close();
    channel.shutdownNow();
    client.close();
  }

  private String config(int threshold) {
    return """
    authz: { listen: "127.0.0.1:%d", http: "127.0.0.1:%d", callers: [127.0.0.1] }
    trustedProxies: [127.0.0.1]
    rules:
      - name: probing
        on: request
        match: { paths: ['^/\\.env', '^/\\.git/'] }
        threshold: %d
        window: 2m
        ban: 24h
    """
        .formatted(grpc, http, threshold);
  }

  private int overHttp(String address, String target) {
    return Gateways.forwardAuth(client, http, address, target).statusCode();
  }

  private CheckResponse overGrpc(String address, String target) {
    return AuthorizationGrpc.newBlockingStub(channel)
        .withDeadlineAfter(10, TimeUnit.SECONDS)
        .check(Gateways.check(address, target));
  }

  @Test
  void ban_byHand_refusesTheNextRequestAndUnbanLetsItIn() {
    assertThat(overHttp(BANNED, "/")).isEqualTo(200);
    assertThat(overGrpc(BANNED, "/").getStatus().getCode()).isZero();

    assertThat(program.command("ban", BANNED).exitCode()).isZero();

    assertThat(overHttp(BANNED, "/")).isEqualTo(403);
    CheckResponse refused = overGrpc(BANNED, "/");
    assertThat(refused.getStatus().getCode()).isEqualTo(DENIED);
    assertThat(refused.getDeniedResponse().getStatus().getCodeValue()).isEqualTo(403);
    assertThat(overHttp(OTHER, "/")).isEqualTo(200);

    assertThat(program.command("unban", BANNED).exitCode()).isZero();

    assertThat(overHttp(BANNED, "/")).isEqualTo(200);
    assertThat(overGrpc(BANNED, "/").getStatus().getCode()).isZero();
  }

  @Test
  void probes_spreadOverBothServers_areCountedTogetherAndMetricsMatch() {
    assertThat(overHttp(BANNED, "/.env")).isEqualTo(200);
    assertThat(overGrpc(BANNED, "/.git/config").getStatus().getCode()).isZero();
    assertThat(overHttp(BANNED, "/.env")).isEqualTo(403);
    assertThat(overGrpc(BANNED, "/").getStatus().getCode()).isEqualTo(DENIED);
    assertThat(overHttp(OTHER, "/")).isEqualTo(200);

    await().until(() -> program.list().size() == 1);
    assertThat(program.list().getFirst())
        .containsEntry("ip", BANNED)
        .containsEntry("hit_count", "3");
    assertThat(check("http", "not-banned")).isEqualTo(2);
    assertThat(check("http", "banned")).isEqualTo(1);
    assertThat(check("grpc", "not-banned")).isEqualTo(1);
    assertThat(check("grpc", "banned")).isEqualTo(1);
    assertThat(program.metric("ip_sentry_hits_total{rule=\"probing\"}")).hasValue(3);
    await()
        .untilAsserted(
            () -> assertThat(program.metric("ip_sentry_bans_total{rule=\"probing\"}")).hasValue(1));
    IpSentry.Result status = program.command("status");
    assertThat(status.out()).contains("127.0.0.1:" + http).contains("127.0.0.1:" + grpc);
  }

  private double check(String transport, String verdict) {
    return program
        .metric(
            "ip_sentry_checks_total{policy=\"default\",transport=\"%s\",verdict=\"%s\"}"
                .formatted(transport, verdict))
        .orElse(-1);
  }

  @Test
  void reload_otherThreshold_isInForceWithoutRestart() {
    assertThat(overHttp(OTHER, "/.env")).isEqualTo(200);

    program.configure(config(1));
    await()
        .atMost(RunningIpSentry.PATIENCE)
        .until(() -> program.log().contains("configuration in force"));

    assertThat(overHttp(BANNED, "/.env")).isEqualTo(403);
    assertThat(overHttp(BANNED, "/")).isEqualTo(403);
    // A window outlives the reload: its next hit is the second of a rule that needs one.
    assertThat(overHttp(OTHER, "/.env")).isEqualTo(403);
  }

  @Test
  void reload_otherAddresses_saysOfEachThatItWaitsForARestart() {
    int other = Gateways.freePort();

    program.configure(
        config(3)
            .replace("listen: \"127.0.0.1:" + grpc, "listen: \"127.0.0.1:" + other)
            .replace("http: \"127.0.0.1:" + http + "\",", ""));

    await()
        .atMost(RunningIpSentry.PATIENCE)
        .untilAsserted(() ->
            assertThat(program.log().lines())
                .filteredOn(line -> line.contains("changes at a restart only"))
                .satisfiesExactly(
                    line ->
                        assertThat(line)
                            .contains("authz.listen", "127.0.0.1:" + grpc, "127.0.0.1:" + other),
                    line -> assertThat(line).contains("authz.http", "127.0.0.1:" + http, "none")));
    assertThat(overHttp(OTHER, "/")).isEqualTo(200);
    assertThat(overGrpc(OTHER, "/").getStatus().getCode()).isZero();
  }

  @Test
  void restart_windowsAndBansHold() {
    assertThat(overHttp(BANNED, "/.env")).isEqualTo(200);
    assertThat(overHttp(BANNED, "/.env")).isEqualTo(200);
    assertThat(program.stop()).isZero();
    program.start();

    assertThat(overHttp(BANNED, "/.env")).isEqualTo(403);
    // It holds before it is in the log; a kill right now might forget the last second.
    await().atMost(RunningIpSentry.PATIENCE).until(() -> program.list().size() == 1);
    program.kill();
    program.start();
    assertThat(overHttp(BANNED, "/")).isEqualTo(403);
  }

  @Test
  void stop_whileAsked_endsInOrderAndAnswersNothingWrong() {
    assertThat(program.command("ban", BANNED).exitCode()).isZero();
    AtomicBoolean stopping = new AtomicBoolean();
    AtomicInteger wrong = new AtomicInteger();
    AtomicInteger asked = new AtomicInteger();
    ScheduledExecutorService callers = Executors.newScheduledThreadPool(2);
    try {
      for (int i = 0; i < 2; i++) {
        var ignored =
            callers.scheduleWithFixedDelay(
                () -> {
                  try {
                    boolean right = overHttp(BANNED, "/") == 403 && overHttp(OTHER, "/") == 200;
                    asked.incrementAndGet();
                    if (!right) {
                      wrong.incrementAndGet();
                    }
                  } catch (RuntimeException e) {
                    // Once it stops, connections are refused; an answer is never wrong.
                    if (!stopping.get()) {
                      wrong.incrementAndGet();
                    }
                  }
                },
                0,
                5,
                TimeUnit.MILLISECONDS);
      }
      await().until(() -> asked.get() > 20);
      stopping.set(true);
      assertThat(program.stop()).isZero();
    } finally {
      callers.shutdownNow();
    }
    assertThat(wrong).hasValue(0);
    assertThat(program.log()).contains("stopped");
  }
}
