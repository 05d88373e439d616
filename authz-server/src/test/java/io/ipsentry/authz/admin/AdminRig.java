package io.ipsentry.authz.admin;

import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** An admin server on a log in memory, and clients of it; closes what it opened. */
final class AdminRig implements AutoCloseable {
  static final Instant NOW = Instant.parse("2026-11-21T07:00:00Z");

  final InMemoryBanLog log = new InMemoryBanLog();
  final BanWriter writer = new BanWriter(log, new ActiveBans(), () -> NOW, event -> {});
  final LogBanOperations operations =
      new LogBanOperations(
          log,
          log,
          writer,
          () -> ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)),
          () -> NOW);
  final Path socket;
  private final ArrayDeque<Runnable> opened = new ArrayDeque<>();

  AdminRig(Path directory) {
    socket = directory.resolve("run").resolve("admin.sock");
  }

  AdminServer start(AdminLimits limits) {
    return start(operations, limits);
  }

  AdminServer start(BanOperations acting, AdminLimits limits) {
    AdminServer server =
        AdminServer.builder(acting, GetStatusResponse::getDefaultInstance)
            .limits(limits)
            .snapshots(writer)
            .start(socket);
    opened.push(server::close);
    return server;
  }

  /** Serves over TCP too, on a free port of the loopback. */
  AdminServer startTcp(AdminCallers callers) {
    return startTcp(callers, 0);
  }

  AdminServer startTcp(AdminCallers callers, int port) {
    return startTcp(callers, port, Optional.empty());
  }

  AdminServer startTcp(AdminCallers callers, int port, Optional<ClusterAccess> cluster) {
    return startTcp(socket, callers, port, cluster, AdminLimits.DEFAULT);
  }

  /** A second one, beside another of the same log, on a socket of its own. */
  AdminServer startTcp(AdminLimits limits, Optional<ClusterAccess> cluster) {
    AdminCallers nobody = new AdminCallers(List.of(), false);
    return startTcp(
        socket.resolveSibling("second").resolve("admin.sock"), nobody, 0, cluster, limits);
  }

  private AdminServer startTcp(
      Path at,
      AdminCallers callers,
      int port,
      Optional<ClusterAccess> cluster,
      AdminLimits limits) {
    AdminServer server =
        AdminServer.builder(operations, GetStatusResponse::getDefaultInstance)
            .tcp(
                new AdminTcp(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
                    Optional.empty(),
                    () -> callers,
                    cluster))
            .snapshots(writer)
            .limits(limits)
            .start(at);
    opened.push(server::close);
    return server;
  }

  /** A client over TCP without TLS. */
  Channel connect(AdminServer server, Optional<Path> tokenFile) {
    return open(server, tokenFile.map(TokenSource::file));
  }

  /** A client over TCP without TLS, with a token. */
  Channel connect(AdminServer server, TokenSource token) {
    return open(server, Optional.of(token));
  }

  private Channel open(AdminServer server, Optional<TokenSource> token) {
    AdminChannel channel =
        AdminChannel.open(
            new AdminEndpoint.Tcp("127.0.0.1", server.port(), Optional.empty(), token));
    opened.push(channel::close);
    return channel.channel();
  }

  /** A client with a thread of its own. */
  ManagedChannel connect() {
    return connect(loop());
  }

  ManagedChannel connect(EventLoopGroup loop) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(socket))
            .channelType(NioDomainSocketChannel.class)
            .eventLoopGroup(loop)
            .overrideAuthority("test")
            .usePlaintext()
            .build();
    opened.push(channel::shutdownNow);
    return channel;
  }

  /** The thread of a client. */
  EventLoopGroup loop() {
    EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    opened.push(() -> loop.shutdownGracefully(0, 0, TimeUnit.SECONDS).awaitUninterruptibly());
    return loop;
  }

  /** Appends events of the largest size. */
  void append(int events) {
    List<BanEvent> batch = new ArrayList<>(events);
    for (int i = 0; i < events; i++) {
      batch.add(new BanEvent.Unban(NOW, IpPrefix.parse("203.0.113.7"), "test", "x".repeat(512)));
    }
    log.append(log.head(), batch);
  }

  /** Appends bans of different addresses, each of which takes some 530 bytes of a snapshot. */
  void appendBans(int count) {
    for (int done = 0; done < count; ) {
      List<BanEvent> batch = new ArrayList<>();
      for (; done < count && batch.size() < 1_000; done++) {
        IpPrefix ip = IpPrefix.ofV4(203 << 24 | (int) log.head() + batch.size());
        String reason = ip + "x".repeat(500);
        batch.add(
            new BanEvent.Ban(
                NOW, ip, null, "probing", reason, 3, SeenAs.PEER, "test", 1, NOW, null));
      }
      log.append(log.head(), batch);
    }
  }

  @Override
  public void close() {
    opened.forEach(Runnable::run);
    log.close();
  }
}
