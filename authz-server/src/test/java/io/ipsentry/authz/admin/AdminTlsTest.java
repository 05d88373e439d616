package io.ipsentry.authz.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.ipsentry.authz.tls.ServerTls;
import io.ipsentry.authz.tls.ServerTls.WithoutCertificate;
import io.ipsentry.config.TlsConfig;
import io.ipsentry.proto.v1.BanRequest;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.CertificateAuthority.Issued;
import io.ipsentry.testing.RequiresProgram;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The admin API over TCP with client certificates. */
@RequiresProgram("openssl")
final class AdminTlsTest {
  private final CertificateAuthority authority;
  private final CertificateAuthority strangers;
  private final AdminRig rig;
  private final ServerTls tls;
  private final AdminServer server;

  AdminTlsTest(@TempDir Path directory) {
    authority = CertificateAuthority.create(directory, "ca");
    strangers = CertificateAuthority.create(directory, "strangers");
    Issued own = authority.issue("sentry", "IP:127.0.0.1");
    rig = new AdminRig(directory);
    InstantSource clock = () -> AdminRig.NOW;
    tls =
        ServerTls.open(
            "admin",
            new TlsConfig(own.certificate(), own.key(), Optional.of(authority.certificate())),
            WithoutCertificate.LET_IN,
            clock);
    AdminCallers callers = new AdminCallers(List.of(), true);
    server =
        AdminServer.builder(rig.operations, GetStatusResponse::getDefaultInstance)
            .tcp(
                new AdminTcp(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                    Optional.of(tls.grpc()),
                    () -> callers))
            .start(rig.socket);
  }

  @AfterEach
  void close() {
    server.close();
    tls.close();
    rig.close();
  }

  private AdminChannel connect(CertificateAuthority trusted, Optional<Issued> shown) {
    return AdminChannel.open(
        new AdminEndpoint.Tcp(
            "127.0.0.1",
            server.port(),
            Optional.of(
                new AdminEndpoint.Tls(
                    Optional.of(trusted.certificate()),
                    shown.map(Issued::certificate),
                    shown.map(Issued::key))),
            Optional.empty()));
  }

  private static void ban(AdminChannel channel) {
    var ignored =
        BanServiceGrpc.newBlockingStub(channel.channel())
            .ban(BanRequest.newBuilder().setIp("203.0.113.7").setBy("cli").build());
  }

  private static StatusRuntimeException refused(AdminChannel channel) {
    return catchThrowableOfType(StatusRuntimeException.class, () -> ban(channel));
  }

  @Test
  void call_certificate_actsUnderItsName() {
    Issued node = authority.issue("node", "DNS:node-1.example");
    try (AdminChannel channel = connect(authority, Optional.of(node))) {
      ban(channel);
    }
    assertThat(rig.log.read(1, 1).getFirst().event().by()).isEqualTo("cert:node-1.example/cli");
  }

  @Test
  void call_noCertificate_isToldSoAndMayAskForHealth() {
    try (AdminChannel channel = connect(authority, Optional.empty())) {
      StatusRuntimeException failure = refused(channel);
      assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
      assertThat(failure.getStatus().getDescription()).contains("--cert");
      assertThat(
              HealthGrpc.newBlockingStub(channel.channel())
                  .check(HealthCheckRequest.getDefaultInstance())
                  .getStatus())
          .isEqualTo(ServingStatus.SERVING);
    }
    assertThat(rig.log.head()).isZero();
  }

  @Test
  void call_certificateOfAnotherAuthority_isRefused() {
    Issued stranger = strangers.issue("node", "DNS:node-1.example");
    try (AdminChannel channel = connect(authority, Optional.of(stranger))) {
      assertThat(refused(channel).getStatus().getCode())
          .isIn(Status.Code.UNAVAILABLE, Status.Code.UNAUTHENTICATED);
    }
    assertThat(rig.log.head()).isZero();
  }

  @Test
  void call_serverOfAnUnknownAuthority_saysWhichOptionMendsIt() {
    try (AdminChannel channel = connect(strangers, Optional.empty())) {
      StatusRuntimeException failure = refused(channel);
      assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      assertThat(channel.why(failure)).contains("TLS failed").contains("--ca");
    }
  }
}
