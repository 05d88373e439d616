package io.ipsentry.authz.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.ipsentry.authz.tls.ServerTls.WithoutCertificate;
import io.ipsentry.config.TlsConfig;
import io.ipsentry.config.TlsFileException;
import io.ipsentry.config.TlsMaterial;
import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.CertificateAuthority.Issued;
import io.ipsentry.testing.RequiresProgram;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Real handshakes with certificates that are really replaced. */
@RequiresProgram("openssl")
final class ServerTlsTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final int SOCKET_TIMEOUT_MILLIS = 10_000;

  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());

  @TempDir private Path directory;
  private CertificateAuthority authority;
  private TlsConfig config;
  private Path live;

  @BeforeEach
  void makeAuthority() throws IOException {
    authority = CertificateAuthority.create(Files.createDirectory(directory.resolve("ca")), "ca");
    live = Files.createDirectory(directory.resolve("live"));
    config = new TlsConfig(live.resolve("tls.crt"), live.resolve("tls.key"), Optional.empty());
  }

  @AfterEach
  void endLoops() {
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
  }

  /** How a new pair comes to where the server looks. */
  enum Replacing {
    WRITTEN_OVER,
    RENAMED,
    LINK_SWAPPED
  }

  private Issued issue() {
    return authority.issue("server", "DNS:localhost", "IP:127.0.0.1");
  }

  private void put(Issued issued, Replacing how) throws IOException {
    switch (how) {
      case WRITTEN_OVER -> {
        Files.write(config.certificate(), Files.readAllBytes(issued.certificate()));
        Files.write(config.key(), Files.readAllBytes(issued.key()));
      }
      case RENAMED -> {
        moveOver(issued.certificate(), config.certificate());
        moveOver(issued.key(), config.key());
      }
      case LINK_SWAPPED -> {
        // As kubelet does: tls.crt -> ..data/tls.crt, ..data -> ..<time>, and ..data is renamed
        // over.
        Path version = Files.createTempDirectory(live, "..version");
        Files.copy(issued.certificate(), version.resolve("tls.crt"));
        Files.copy(issued.key(), version.resolve("tls.key"));
        Path link = Files.createSymbolicLink(live.resolve("..data_tmp"), version.getFileName());
        Files.move(link, live.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
        if (!Files.exists(config.key())) {
          Files.createSymbolicLink(config.certificate(), Path.of("..data", "tls.crt"));
          Files.createSymbolicLink(config.key(), Path.of("..data", "tls.key"));
        }
      }
    }
  }

  private static void moveOver(Path from, Path to) throws IOException {
    Path beside = to.resolveSibling("new");
    Files.copy(from, beside, StandardCopyOption.REPLACE_EXISTING);
    Files.move(beside, to, StandardCopyOption.ATOMIC_MOVE);
  }

  private ServerTls open() {
    return open(WithoutCertificate.REFUSED);
  }

  private ServerTls open(WithoutCertificate without) {
    return ServerTls.open("test", config, without, () -> TlsMaterial.read(config).startsAt());
  }

  private static BigInteger serial(Issued issued) throws IOException {
    return TlsMaterial.read(new TlsConfig(issued.certificate(), issued.key(), Optional.empty()))
        .chain()
        .get(0)
        .getSerialNumber();
  }

  private SSLContext client(@Nullable Issued own) throws SSLException {
    SslContextBuilder builder =
        SslContextBuilder.forClient()
            .sslProvider(SslProvider.JDK)
            .trustManager(authority.certificate().toFile());
    if (own != null) {
      builder.keyManager(own.certificate().toFile(), own.key().toFile());
    }
    return ((JdkSslContext) builder.build()).context();
  }

  /** A server that sends back what it gets. */
  private Channel echo(ServerTls tls) {
    return new ServerBootstrap()
        .group(loops)
        .channel(NioServerSocketChannel.class)
        .childHandler(
            new ChannelInitializer<>() {
              @Override
              protected void initChannel(Channel channel) {
                channel
                    .pipeline()
                    .addLast(tls.http().newHandler(channel.alloc()))
                    .addLast(
                        new ChannelInboundHandlerAdapter() {
                          @Override
                          public void channelRead(ChannelHandlerContext context, Object message) {
                            ChannelFuture ignored = context.writeAndFlush(message);
                          }

                          @Override
                          public void exceptionCaught(ChannelHandlerContext context, Throwable e) {
                            ChannelFuture ignored = context.close();
                          }
                        });
              }
            })
        .bind(InetAddress.getLoopbackAddress(), 0)
        .syncUninterruptibly()
        .channel();
  }

  private static SSLSocket connect(Channel server, SSLContext client) throws IOException {
    SSLSocket socket = (SSLSocket) client.getSocketFactory().createSocket();
    socket.setSoTimeout(SOCKET_TIMEOUT_MILLIS);
    socket.connect((InetSocketAddress) server.localAddress(), SOCKET_TIMEOUT_MILLIS);
    return socket;
  }

  /** Sends a byte there and back; in TLS 1.3 a client learns only then that it was refused. */
  private static void exchange(SSLSocket socket) throws IOException {
    socket.getOutputStream().write("x".getBytes(StandardCharsets.US_ASCII));
    int answer = socket.getInputStream().read();
    if (answer != 'x') {
      throw new SSLException("closed without an answer: " + answer);
    }
  }

  private static BigInteger serialSeen(SSLSocket socket) throws IOException {
    exchange(socket);
    return ((X509Certificate) socket.getSession().getPeerCertificates()[0]).getSerialNumber();
  }

  private static BigInteger serialOfNewConnection(Channel server, SSLContext client)
      throws IOException {
    try (SSLSocket socket = connect(server, client)) {
      return serialSeen(socket);
    }
  }

  @ParameterizedTest
  @EnumSource
  void newConnection_pairWasReplaced_hasTheNewCertificateAndOldOnesStay(Replacing how)
      throws IOException {
    Issued first = issue();
    Issued second = issue();
    put(first, how);
    try (ServerTls tls = open()) {
      Channel server = echo(tls);
      // One client for all: it would resume the session that it has.
      SSLContext client = client(null);
      try (SSLSocket old = connect(server, client)) {
        assertThat(serialSeen(old)).isEqualTo(serial(first));
        assertThat(serialOfNewConnection(server, client)).isEqualTo(serial(first));

        put(second, how);

        await()
            .atMost(SOON)
            .untilAsserted(
                () -> assertThat(serialOfNewConnection(server, client)).isEqualTo(serial(second)));
        exchange(old);
        assertThat(tls.reloads()).isEqualTo(1);
        assertThat(tls.refused()).isNull();
      }
      server.close().syncUninterruptibly();
    }
  }

  @Test
  void newPair_thatDoesNotFitTogether_leavesTheOldOneUntilItIsMended() throws IOException {
    Issued first = issue();
    Issued second = issue();
    put(first, Replacing.RENAMED);
    try (ServerTls tls = open()) {
      Channel server = echo(tls);

      moveOver(second.certificate(), config.certificate());

      await().atMost(SOON).untilAsserted(() -> assertThat(tls.refused()).isNotNull());
      assertThat(tls.refused())
          .startsWith(config.key() + " does not belong to the certificate in ");
      assertThat(tls.refusals()).isPositive();
      assertThat(serialOfNewConnection(server, client(null))).isEqualTo(serial(first));

      moveOver(second.key(), config.key());

      await().atMost(SOON).untilAsserted(() -> assertThat(tls.refused()).isNull());
      assertThat(serialOfNewConnection(server, client(null))).isEqualTo(serial(second));

      Files.delete(config.certificate());

      await().atMost(SOON).untilAsserted(() -> assertThat(tls.refused()).isNotNull());
      assertThat(serialOfNewConnection(server, client(null))).isEqualTo(serial(second));

      moveOver(second.certificate(), config.certificate());

      await().atMost(SOON).untilAsserted(() -> assertThat(tls.refused()).isNull());
      assertThat(tls.reloads()).isEqualTo(1);
      server.close().syncUninterruptibly();
    }
  }

  @Test
  void open_brokenPair_isRefused() throws IOException {
    put(issue(), Replacing.RENAMED);
    moveOver(authority.key(), config.key());

    assertThatExceptionOfType(TlsFileException.class).isThrownBy(this::open);
  }

  @Test
  void handshake_withClientCa_needsACertificateThatItSigned() throws IOException {
    put(issue(), Replacing.RENAMED);
    CertificateAuthority clients =
        CertificateAuthority.create(Files.createDirectory(directory.resolve("clients")), "clients");
    CertificateAuthority strangers =
        CertificateAuthority.create(Files.createDirectory(directory.resolve("other")), "clients");
    Path trusted = live.resolve("ca.crt");
    moveOver(clients.certificate(), trusted);
    config = new TlsConfig(config.certificate(), config.key(), Optional.of(trusted));
    Issued known = clients.issue("gateway", "DNS:gateway.example");
    Issued stranger = strangers.issue("gateway", "DNS:gateway.example");
    try (ServerTls tls = open()) {
      Channel server = echo(tls);
      SSLContext client = client(known);

      assertThat(serialOfNewConnection(server, client)).isPositive();
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(() -> serialOfNewConnection(server, client(null)));
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(() -> serialOfNewConnection(server, client(stranger)));

      moveOver(strangers.certificate(), trusted);

      await().atMost(SOON).untilAsserted(() -> assertThat(tls.reloads()).isEqualTo(1));
      assertThat(serialOfNewConnection(server, client(stranger))).isPositive();
      // It has a session from before, which must not let it in.
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(() -> serialOfNewConnection(server, client));
      server.close().syncUninterruptibly();
    }
    try (ServerTls tls = open(WithoutCertificate.LET_IN)) {
      Channel server = echo(tls);

      assertThat(serialOfNewConnection(server, client(null))).isPositive();
      assertThat(serialOfNewConnection(server, client(stranger))).isPositive();
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(() -> serialOfNewConnection(server, client(known)));
      server.close().syncUninterruptibly();
    }
  }

  @Test
  void grpc_pairWasReplaced_servesOldChannelsAndNewOnes() throws IOException {
    Issued first = issue();
    Issued second = issue();
    put(first, Replacing.RENAMED);
    HealthStatusManager health = new HealthStatusManager();
    try (ServerTls tls = open()) {
      Server server =
          NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
              .sslContext(tls.grpc())
              .addService(health.getHealthService())
              .build()
              .start();
      ManagedChannel old = channel(server);
      try {
        assertThat(status(old)).isEqualTo(ServingStatus.SERVING);

        put(second, Replacing.RENAMED);

        await().atMost(SOON).untilAsserted(() -> assertThat(tls.reloads()).isEqualTo(1));
        ManagedChannel fresh = channel(server);
        assertThat(status(fresh)).isEqualTo(ServingStatus.SERVING);
        assertThat(status(old)).isEqualTo(ServingStatus.SERVING);
        fresh.shutdownNow();
      } finally {
        old.shutdownNow();
        server.shutdownNow();
      }
    }
  }

  private ManagedChannel channel(Server server) throws SSLException {
    return NettyChannelBuilder.forAddress("localhost", server.getPort())
        .sslContext(
            GrpcSslContexts.configure(SslContextBuilder.forClient(), SslProvider.JDK)
                .trustManager(authority.certificate().toFile())
                .build())
        .build();
  }

  private static ServingStatus status(ManagedChannel channel) {
    return HealthGrpc.newBlockingStub(channel)
        .withDeadlineAfter(SOCKET_TIMEOUT_MILLIS, TimeUnit.MILLISECONDS)
        .check(HealthCheckRequest.getDefaultInstance())
        .getStatus();
  }
}
