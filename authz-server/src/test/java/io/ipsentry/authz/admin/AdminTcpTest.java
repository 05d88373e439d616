package io.ipsentry.authz.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.channelz.v1.ChannelzGrpc;
import io.grpc.channelz.v1.GetServersRequest;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.ipsentry.config.AdminConfig.AdminToken;
import io.ipsentry.proto.v1.BanRequest;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.GetRequest;
import io.ipsentry.proto.v1.GetStatusRequest;
import io.ipsentry.proto.v1.SnapshotRequest;
import io.ipsentry.proto.v1.StatusServiceGrpc;
import io.ipsentry.proto.v1.WatchRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The admin API over TCP: who gets in, and under what name. */
final class AdminTcpTest {
  private static final AdminCallers TOKENS =
      new AdminCallers(
          List.of(
              new AdminToken("ops", "correct-horse-battery"),
              new AdminToken("node", "staple-staple-staple")),
          false);
  private static final GetRequest GET = GetRequest.newBuilder().setIp("203.0.113.7").build();

  private final Path directory;
  private final AdminRig rig;

  AdminTcpTest(@TempDir Path directory) {
    this.directory = directory;
    rig = new AdminRig(directory);
  }

  @AfterEach
  void close() {
    rig.close();
  }

  private Optional<Path> token(String text) throws IOException {
    return Optional.of(Files.writeString(directory.resolve("token"), text));
  }

  private static void assertUnauthenticated(Runnable call, String mend) {
    StatusRuntimeException refused = catchThrowableOfType(StatusRuntimeException.class, call::run);
    assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(ApiErrors.reason(refused)).contains(ApiErrors.Reason.UNAUTHENTICATED);
    assertThat(refused.getStatus().getDescription()).contains(mend);
  }

  @Test
  void call_token_actsUnderItsName() throws IOException {
    AdminServer server = rig.startTcp(TOKENS);
    Channel channel = rig.connect(server, token("correct-horse-battery\n"));

    BanServiceGrpc.newBlockingStub(channel)
        .ban(BanRequest.newBuilder().setIp("203.0.113.7").setBy("token:node/cli:root(0)").build());

    assertThat(rig.log.read(1, 1).getFirst().event().by())
        .isEqualTo("token:ops/token:node/cli:root(0)");
  }

  @Test
  void call_noTokenOrWrongOne_isUnauthenticatedWhateverIsAsked() throws IOException {
    AdminServer server = rig.startTcp(TOKENS);
    Channel nothing = rig.connect(server, Optional.empty());
    Channel wrong = rig.connect(server, token("correct-horse-batterz"));

    assertUnauthenticated(() -> BanServiceGrpc.newBlockingStub(nothing).get(GET), "--token-file");
    assertUnauthenticated(
        () ->
            BanServiceGrpc.newBlockingStub(nothing)
                .snapshot(SnapshotRequest.getDefaultInstance())
                .next(),
        "--token-file");
    assertUnauthenticated(
        () ->
            StatusServiceGrpc.newBlockingStub(nothing)
                .getStatus(GetStatusRequest.getDefaultInstance()),
        "--token-file");
    assertUnauthenticated(
        () ->
            ChannelzGrpc.newBlockingStub(nothing)
                .getServers(GetServersRequest.getDefaultInstance()),
        "--token-file");
    assertUnauthenticated(
        () ->
            BanServiceGrpc.newBlockingStub(nothing).watch(WatchRequest.getDefaultInstance()).next(),
        "--token-file");
    assertUnauthenticated(
        () -> BanServiceGrpc.newBlockingStub(wrong).get(GET), "none of admin.tokens");
    assertThat(server.refusedCalls()).isEqualTo(6);
  }

  @Test
  void health_noToken_isOpen() {
    AdminServer server = rig.startTcp(TOKENS);

    assertThat(
            HealthGrpc.newBlockingStub(rig.connect(server, Optional.empty()))
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);
  }

  @Test
  void call_tokenFileRotated_isReadAgain() throws IOException {
    AdminServer server = rig.startTcp(TOKENS);
    Channel channel = rig.connect(server, token("out-of-date-out-of-date"));
    assertUnauthenticated(() -> BanServiceGrpc.newBlockingStub(channel).get(GET), "none of");

    token("staple-staple-staple");

    assertThat(BanServiceGrpc.newBlockingStub(channel).get(GET).getBanned()).isFalse();
  }

  @Test
  void call_tokenFileMissing_saysSo() {
    AdminServer server = rig.startTcp(TOKENS);
    Channel channel = rig.connect(server, Optional.of(directory.resolve("nowhere")));

    assertThatThrownBy(() -> BanServiceGrpc.newBlockingStub(channel).get(GET))
        .isInstanceOf(AdminEndpointException.class)
        .hasMessageContaining("nowhere");
  }

  @Test
  void call_nothingAsked_actsUnderItsAddress() {
    AdminServer server = rig.startTcp(new AdminCallers(List.of(), false));

    BanServiceGrpc.newBlockingStub(rig.connect(server, Optional.empty()))
        .ban(BanRequest.newBuilder().setIp("203.0.113.7").build());

    assertThat(rig.log.read(1, 1).getFirst().event().by()).isEqualTo("tcp:127.0.0.1/admin-api");
  }

  @Test
  void call_onTheSocket_isBelieved() {
    rig.startTcp(TOKENS);

    BanServiceGrpc.newBlockingStub(rig.connect())
        .ban(BanRequest.newBuilder().setIp("203.0.113.7").setBy("cli:root(0)").build());

    assertThat(rig.log.read(1, 1).getFirst().event().by()).isEqualTo("cli:root(0)");
  }

  @Test
  void start_portTaken_saysWhatToMend() {
    AdminServer server = rig.startTcp(TOKENS);
    AdminRig other = new AdminRig(directory.resolve("other"));
    try {
      assertThatThrownBy(() -> other.startTcp(TOKENS, server.port()))
          .isInstanceOf(AdminServerException.class)
          .hasMessageContaining(":" + server.port())
          .hasMessageContaining("admin.listen");
      assertThat(other.socket).doesNotExist();
    } finally {
      other.close();
    }
  }
}
