package io.ipsentry.authz.envoy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.envoyproxy.envoy.service.auth.v3.AuthorizationGrpc;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.envoy.EnvoyServer.Limits;
import io.ipsentry.authz.envoy.EnvoyServer.Parts;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** gRPC does not ping Envoys; that the kernel does is what its own list of sockets says. */
@RequiresProgram("ss")
final class KeepAliveIT {
  private static final Limits LIMITS =
      new Limits(16, 16, Duration.ofMinutes(5), Duration.ofSeconds(1));

  @ParameterizedTest(name = "sockets of the JDK: {0}")
  @ValueSource(booleans = {false, true})
  void connection_idle_isWatchedByTheKernel(boolean nio) throws Exception {
    try (EventLoops loops = nio ? EventLoops.startNio(1) : EventLoops.start(1);
        EnvoyServer server =
            EnvoyServer.start(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                new Parts(
                    loops,
                    ScriptedJudge::allowing,
                    (remote, certificates) -> CallerConnection.UNKNOWN,
                    () -> AccessLogRules.NONE,
                    new RecordingHits(),
                    InstantSource.system(),
                    null),
                LIMITS)) {
      ManagedChannel channel =
          NettyChannelBuilder.forAddress(server.address()).usePlaintext().build();
      try {
        assertThat(
                AuthorizationGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(20, TimeUnit.SECONDS)
                    .check(CheckRequests.of("192.0.2.7"))
                    .getStatus()
                    .getCode())
            .isZero();

        // Of 60 s some have passed.
        await()
            .untilAsserted(() ->
                assertThat(sockets(server.address().getPort()))
                    .containsPattern("timer:\\(keepalive,(1min|[1-5][0-9]sec)"));
      } finally {
        channel.shutdownNow();
        assertThat(channel.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
      }
    }
  }

  /** The connections of the server on a port, with their timers. */
  private static String sockets(int port) throws IOException {
    Process ss =
        new ProcessBuilder("ss", "-Htno", "state", "established", "sport = :" + port)
            .redirectErrorStream(true)
            .start();
    return new String(ss.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }
}
