package io.ipsentry.authz.checks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.StatusRuntimeException;
import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.authz.verdict.CheckedRequest;
import io.ipsentry.authz.verdict.RecentChecks;
import io.ipsentry.authz.verdict.Sampled;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.proto.v1.CheckServiceGrpc;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.proto.v1.ListChecksRequest;
import io.ipsentry.proto.v1.TellChecksRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A sample of checks on its way to the owner, over a real connection. */
final class CheckTellerTest {
  private static final Instant NOW = Instant.parse("2026-11-21T07:00:00Z");
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final RecentChecks own = new RecentChecks();
  private final RecentChecks theirs = new RecentChecks();
  private final Path socket;
  private final AdminChannel channel;
  private AdminServer server;

  CheckTellerTest(@TempDir Path directory) {
    socket = directory.resolve("admin.sock");
    channel = AdminChannel.open(new AdminEndpoint.Socket(socket));
    server = serve();
  }

  private AdminServer serve() {
    InMemoryBanLog log = new InMemoryBanLog();
    return AdminServer.builder(
            new LogBanOperations(
                log,
                log,
                new BanWriter(log, new ActiveBans(), () -> NOW, event -> {}),
                () -> ProtectedPrefixes.of(List.of()),
                () -> NOW),
            GetStatusResponse::getDefaultInstance)
        .service(new CheckServiceEndpoint(() -> List.of(own)))
        .start(socket);
  }

  @AfterEach
  void close() {
    channel.close();
    server.close();
  }

  private List<CheckedRequest> listed() {
    return CheckServiceGrpc.newBlockingStub(channel.channel())
        .listChecks(ListChecksRequest.getDefaultInstance())
        .getChecksList()
        .stream()
        .map(CheckMessages::check)
        .toList();
  }

  @Test
  void tell_samplesOfAnotherProcess_areListedWithOurs() {
    Sampled.request(own, "203.0.113.1", "/ours");
    Sampled.request(theirs, "203.0.113.2", "/theirs");
    Sampled.without(theirs, "/nobody");
    try (CheckTeller teller =
        new CheckTeller(channel.channel(), "authz-1", List.of(theirs), Duration.ofMillis(20))
            .start()) {
      await().atMost(PATIENCE).until(() -> listed().size() == 3);
      assertThat(listed())
          .containsExactlyInAnyOrderElementsOf(
              List.of(
                  own.since(0).checks().getFirst(),
                  theirs.since(0).checks().getFirst(),
                  theirs.since(0).checks().getLast()));

      // Of what was told while nobody took it, what is kept comes later.
      server.close();
      Sampled.request(theirs, "203.0.113.3", "/later");
      server = serve();
      channel.connectNow();
      await()
          .atMost(PATIENCE)
          .until(() ->
              listed().stream()
                  .anyMatch(check -> check.equals(theirs.since(2).checks().getFirst())));
      assertThat(teller).isNotNull();
    }
  }

  @Test
  void tell_manyProcesses_forgetsTheOneThatWasSilentLongest() {
    TellChecksRequest.Builder request = TellChecksRequest.newBuilder();
    Sampled.request(theirs, "203.0.113.2", "/x");
    for (int i = 0; i < RecentChecks.CAPACITY; i++) {
      request.addChecks(CheckMessages.toProto(theirs.since(0).checks().getFirst()));
    }
    var stub = CheckServiceGrpc.newBlockingStub(channel.channel());
    for (int i = 0; i <= CheckServiceEndpoint.MAX_SERVERS; i++) {
      for (int again = 0; again < 2; again++) {
        var ignored = stub.tell(request.setServer("server-" + i).build());
      }
    }

    assertThat(listed()).hasSize(CheckServiceEndpoint.MAX_SERVERS * RecentChecks.CAPACITY);
  }

  @Test
  void tell_whatCannotBeUnderstood_isRefusedWithItsPlace() {
    Sampled.request(theirs, "203.0.113.2", "/x");
    var check = CheckMessages.toProto(theirs.since(0).checks().getFirst());
    var stub = CheckServiceGrpc.newBlockingStub(channel.channel());
    TellChecksRequest good = TellChecksRequest.newBuilder().setServer("a").addChecks(check).build();
    for (TellChecksRequest wrong :
        List.of(
            good.toBuilder().setServer("a b").build(),
            good.toBuilder().clearChecks().build(),
            good.toBuilder()
                .setChecks(0, check.toBuilder().setAddress(ByteString.copyFromUtf8("x")))
                .build(),
            good.toBuilder().setChecks(0, check.toBuilder().setHost("h".repeat(129))).build(),
            good.toBuilder().setChecks(0, check.toBuilder().setPolicy("p".repeat(129))).build(),
            good.toBuilder().setChecks(0, check.toBuilder().clearSeenAs()).build())) {
      assertThatThrownBy(() -> stub.tell(wrong))
          .isInstanceOf(StatusRuntimeException.class)
          .hasMessageContaining("INVALID_ARGUMENT");
    }
    assertThat(listed()).isEmpty();
  }
}
