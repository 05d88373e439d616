package io.ipsentry.authz.envoy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.envoyproxy.envoy.service.auth.v3.AuthorizationGrpc;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.envoy.EnvoyServer.Limits;
import io.ipsentry.authz.envoy.EnvoyServer.Parts;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge;
import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The server behind TLS that asks for a client certificate; the keys are made by keytool. */
@Timeout(120)
final class EnvoyServerTlsIT {
  private static final char[] PASSWORD = "of-a-test-only".toCharArray();

  @TempDir private static Path directory;

  private static final EventLoops loops = EventLoops.start(2);
  private static final ScriptedJudge judge = ScriptedJudge.allowing();
  private static @Nullable SslContext tls;
  private static @Nullable EnvoyServer server;

  @BeforeAll
  static void start() throws Exception {
    makeKey("server", "dns:localhost,ip:127.0.0.1");
    makeKey("edge", "dns:edge.example");
    makeKey("stranger", "dns:edge.example");
    tls =
        GrpcSslContexts.configure(SslContextBuilder.forServer(keys("server")))
            .trustManager(certificate("edge"))
            .clientAuth(ClientAuth.REQUIRE)
            .build();
    CallerConnection.Factory callers =
        (remote, certificates) -> {
          Caller caller = isEdge(certificates) ? Caller.TRUSTED : Caller.UNKNOWN;
          return token -> caller;
        };
    server =
        EnvoyServer.start(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            new Parts(
                loops,
                () -> judge,
                callers,
                () -> AccessLogRules.NONE,
                new RecordingHits(),
                InstantSource.system(),
                tls),
            Limits.of(16));
  }

  private static boolean isEdge(List<Certificate> certificates) {
    try {
      return ((X509Certificate) certificates.getFirst())
          .getSubjectAlternativeNames().stream().anyMatch(name -> name.contains("edge.example"));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  @AfterAll
  static void stop() {
    EnvoyServer started = server;
    if (started != null) {
      started.close();
    }
    loops.close();
  }

  private static void makeKey(String name, String alternativeName) throws Exception {
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-dname",
                "CN=" + name,
                "-ext",
                "san=" + alternativeName,
                "-validity",
                "2",
                "-storetype",
                "PKCS12",
                "-storepass",
                new String(PASSWORD),
                "-alias",
                "key",
                "-keystore",
                directory.resolve(name).toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(keytool.waitFor()).as(output).isZero();
  }

  private static KeyStore store(String name) throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream file = Files.newInputStream(directory.resolve(name))) {
      store.load(file, PASSWORD);
    }
    return store;
  }

  private static KeyManagerFactory keys(String name) throws GeneralSecurityException, IOException {
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store(name), PASSWORD);
    return keys;
  }

  private static X509Certificate certificate(String name)
      throws GeneralSecurityException, IOException {
    return (X509Certificate) store(name).getCertificate("key");
  }

  /** Makes one check over a connection of its own. */
  private static int check(@Nullable SslContext tls) throws InterruptedException {
    EnvoyServer started = server;
    if (started == null) {
      throw new IllegalStateException("not started");
    }
    NettyChannelBuilder builder = NettyChannelBuilder.forAddress(started.address());
    ManagedChannel channel =
        (tls == null ? builder.usePlaintext() : builder.sslContext(tls)).build();
    try {
      return AuthorizationGrpc.newBlockingStub(channel)
          .withDeadlineAfter(20, TimeUnit.SECONDS)
          .check(CheckRequests.of("203.0.113.7"))
          .getStatus()
          .getCode();
    } finally {
      channel.shutdownNow();
      assertThat(channel.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  private static SslContextBuilder client() throws GeneralSecurityException, IOException {
    return GrpcSslContexts.forClient().trustManager(certificate("server"));
  }

  @Test
  void check_withItsCertificate_isTrustedByItsName() throws Exception {
    judge.told.clear();
    assertThat(check(client().keyManager(keys("edge")).build())).isZero();
    assertThat(judge.told).extracting(ScriptedJudge.Told::caller).containsExactly(Caller.TRUSTED);
  }

  @Test
  void warmUp_clientsNeedCertificates_isStillDoneWithoutTls() {
    AtomicInteger judged = new AtomicInteger();

    EnvoyServer.warmUp(loops, () -> new CountingJudge(judged), tls);

    assertThat(judged).hasPositiveValue();
  }

  @Test
  void check_otherCertificateOrNone_isNotServed() throws Exception {
    SslContext none = client().build();
    SslContext stranger = client().keyManager(keys("stranger")).build();
    assertThatThrownBy(() -> check(none)).isInstanceOf(StatusRuntimeException.class);
    assertThatThrownBy(() -> check(stranger)).isInstanceOf(StatusRuntimeException.class);
    assertThatThrownBy(() -> check(null)).isInstanceOf(StatusRuntimeException.class);
  }

  private record CountingJudge(AtomicInteger judged) implements RequestJudge {
    @Override
    public Judgement judge(GatewayRequest request, Caller caller) {
      assertThat(caller).isEqualTo(Caller.UNKNOWN);
      judged.incrementAndGet();
      return Judgement.Reason.NOT_BANNED.allowed();
    }

    @Override
    public String clientHeader(GatewayRequest request) {
      return "";
    }

    @Override
    public Set<String> clientHeaders() {
      return Set.of();
    }
  }
}
