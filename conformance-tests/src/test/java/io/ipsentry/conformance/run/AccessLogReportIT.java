package io.ipsentry.conformance.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.Timestamp;
import com.google.protobuf.UInt32Value;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.RequestMethod;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogCommon;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogType;
import io.envoyproxy.envoy.data.accesslog.v3.HTTPAccessLogEntry;
import io.envoyproxy.envoy.data.accesslog.v3.HTTPRequestProperties;
import io.envoyproxy.envoy.data.accesslog.v3.HTTPResponseProperties;
import io.envoyproxy.envoy.service.accesslog.v3.AccessLogServiceGrpc;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsResponse;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.ipsentry.conformance.program.RunningAuthzServer;
import io.ipsentry.conformance.program.RunningIpSentry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An Envoy's access log goes to an {@code authz-server}, whose owner counts and bans. */
final class AccessLogReportIT {
  private static final Duration PATIENCE = RunningIpSentry.PATIENCE;
  private static final String PROBER = "203.0.113.7";
  private static final String OTHER = "203.0.113.8";
  private static final String RULES =
      """
      rules:
        - name: probing
          match: { paths: ['^/\\.env'] }
          threshold: 3
          window: 10m
          ban: 24h
      """;

  /** What Envoy's stream hears: nothing until it ends. */
  private static final class Responses implements StreamObserver<StreamAccessLogsResponse> {
    @Override
    public void onNext(StreamAccessLogsResponse response) {}

    @Override
    public void onError(Throwable cause) {}

    @Override
    public void onCompleted() {}
  }

  private static HTTPAccessLogEntry entry(String client, String path) {
    Instant now = Instant.now();
    return HTTPAccessLogEntry.newBuilder()
        .setProtocolVersion(HTTPAccessLogEntry.HTTPVersion.HTTP11)
        .setCommonProperties(
            AccessLogCommon.newBuilder()
                .setDownstreamRemoteAddress(address(client))
                .setDownstreamDirectRemoteAddress(address(client))
                .setStartTime(
                    Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()))
                .setAccessLogType(AccessLogType.DownstreamEnd))
        .setRequest(
            HTTPRequestProperties.newBuilder()
                .setRequestMethod(RequestMethod.GET)
                .setAuthority("app.example")
                .setPath(path))
        .setResponse(
            HTTPResponseProperties.newBuilder()
                .setResponseCode(UInt32Value.of(404))
                .setResponseCodeDetails("via_upstream"))
        .build();
  }

  private static Address address(String client) {
    return Address.newBuilder()
        .setSocketAddress(SocketAddress.newBuilder().setAddress(client).setPortValue(40_000))
        .build();
  }

  private static StreamAccessLogsMessage message(HTTPAccessLogEntry... entries) {
    StreamAccessLogsMessage.HTTPAccessLogEntries.Builder http =
        StreamAccessLogsMessage.HTTPAccessLogEntries.newBuilder();
    for (HTTPAccessLogEntry entry : entries) {
      http.addLogEntry(entry);
    }
    return StreamAccessLogsMessage.newBuilder().setHttpLogs(http).build();
  }

  @Test
  void entries_throughAnotherProcess_areCountedByTheOwner(@TempDir Path directory)
      throws IOException {
    Path log = Files.createFile(directory.resolve("access.log"));
    try (RunningIpSentry owner =
            RunningIpSentry.start(directory, "sources: [{ file: %s }]\n".formatted(log) + RULES);
        RunningAuthzServer server =
            RunningAuthzServer.start(
                Files.createDirectory(directory.resolve("authz")),
                owner.socket(),
                "sources: [{ name: envoy, als: true }]\n" + RULES)) {
      ManagedChannel channel =
          NettyChannelBuilder.forAddress("127.0.0.1", server.grpcPort()).usePlaintext().build();
      try {
        StreamObserver<StreamAccessLogsMessage> envoy =
            AccessLogServiceGrpc.newStub(channel).streamAccessLogs(new Responses());
        envoy.onNext(
            StreamAccessLogsMessage.newBuilder()
                .setIdentifier(StreamAccessLogsMessage.Identifier.newBuilder().setLogName("edge"))
                .setHttpLogs(message(entry(PROBER, "/.env"), entry(PROBER, "/")).getHttpLogs())
                .build());
        // The name comes once; later messages are of the same log.
        envoy.onNext(message(entry(PROBER, "/.env"), entry(OTHER, "/.env")));
        await()
            .atMost(PATIENCE)
            .until(() -> owner.metric("ip_sentry_reported_hits_total").orElse(0) == 3);
        assertThat(owner.list()).isEmpty();

        envoy.onNext(message(entry(PROBER, "/.env")));

        await().atMost(PATIENCE).until(() -> owner.list().size() == 1);
        assertThat(owner.list().getFirst())
            .containsEntry("ip", PROBER)
            .containsEntry("rule", "probing")
            .containsEntry("hit_count", "3");
        await().atMost(PATIENCE).until(() -> server.ask(PROBER, "/") == 403);
        assertThat(server.ask(OTHER, "/")).isEqualTo(200);
        assertThat(server.metric("ip_sentry_als_hits_total")).hasValue(4);
        envoy.onCompleted();
      } finally {
        channel.shutdownNow();
      }
    }
  }
}
