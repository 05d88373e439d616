package io.ipsentry.authz.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.channelz.v1.ChannelzGrpc;
import io.grpc.channelz.v1.GetServersRequest;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.StreamObserver;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.proto.v1.BanRequest;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.GetRequest;
import io.ipsentry.proto.v1.GetStatusRequest;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.proto.v1.ListRequest;
import io.ipsentry.proto.v1.StatusServiceGrpc;
import io.ipsentry.proto.v1.WatchRequest;
import io.ipsentry.proto.v1.WatchResponse;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AdminServerTest {
  private static final Instant NOW = Instant.parse("2026-11-21T07:00:00Z");

  private final Path socket;
  private final InMemoryBanLog log = new InMemoryBanLog();
  private final LogBanOperations operations =
      new LogBanOperations(
          log,
          log,
          new BanWriter(log, new ActiveBans(), () -> NOW, event -> {}),
          () -> ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)),
          () -> NOW);
  private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final ArrayDeque<AutoCloseable> opened = new ArrayDeque<>();

  AdminServerTest(@TempDir Path directory) {
    socket = directory.resolve("run").resolve("admin.sock");
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable each : opened) {
      each.close();
    }
    loop.shutdownGracefully(0, 0, TimeUnit.SECONDS).awaitUninterruptibly();
  }

  private AdminServer start() {
    AdminServer server =
        AdminServer.builder(
                operations, () -> GetStatusResponse.newBuilder().setVersion("7").build())
            .start(socket);
    opened.push(server);
    return server;
  }

  private Channel connect() {
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

  @Test
  void start_freshPlace_onlyTheOwnerCanConnect() throws IOException {
    start();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
        .isEqualTo("rw-------");
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(socket.resolveSibling("."))))
        .isEqualTo("rwx------");
  }

  @Test
  void start_socketLeftOver_replacesIt() throws IOException {
    Files.createDirectories(socket.resolveSibling("."));
    try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      dead.bind(UnixDomainSocketAddress.of(socket));
    }
    assertThat(socket).exists();

    start();

    GetStatusResponse status =
        StatusServiceGrpc.newBlockingStub(connect())
            .getStatus(GetStatusRequest.getDefaultInstance());
    assertThat(status.getVersion()).isEqualTo("7");
  }

  @Test
  void start_otherServerLives_isRefusedAndItGoesOn() {
    start();

    assertThatThrownBy(this::start)
        .isInstanceOf(AdminServerException.class)
        .hasMessageContaining("another ip-sentry is running");
    assertThat(
            StatusServiceGrpc.newBlockingStub(connect())
                .getStatus(GetStatusRequest.getDefaultInstance())
                .getVersion())
        .isEqualTo("7");
  }

  @Test
  void start_foreignProgramListens_isRefused() throws IOException {
    Files.createDirectories(socket.resolveSibling("."));
    try (ServerSocketChannel other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      other.bind(UnixDomainSocketAddress.of(socket));
      assertThatThrownBy(this::start).isInstanceOf(AdminServerException.class);
    }
  }

  @Test
  void start_pathIsNoSocket_leavesItAlone() throws IOException {
    Files.createDirectories(socket.resolveSibling("."));
    Files.writeString(socket, "precious");

    assertThatThrownBy(this::start)
        .isInstanceOf(AdminServerException.class)
        .hasMessageContaining("no socket");
    assertThat(socket).hasContent("precious");
  }

  @Test
  void start_pathTooLong_saysSo() {
    Path deep = socket.resolveSibling("x".repeat(120));
    assertThatThrownBy(() ->
            AdminServer.builder(operations, GetStatusResponse::getDefaultInstance).start(deep))
        .isInstanceOf(AdminServerException.class)
        .hasMessageContaining("too long");
  }

  @Test
  void close_removesTheSocketAndTheNextCanStart() {
    start().close();
    assertThat(socket).doesNotExist();
    start();
    assertThat(socket).exists();
  }

  @Test
  void standardServices_areOn() {
    start();
    Channel channel = connect();
    assertThat(
            HealthGrpc.newBlockingStub(channel)
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);
    assertThat(
            ChannelzGrpc.newBlockingStub(channel)
                .getServers(GetServersRequest.getDefaultInstance())
                .getServerList())
        .isNotEmpty();
    Collector<ServerReflectionResponse> reflected = new Collector<>();
    StreamObserver<ServerReflectionRequest> requests =
        ServerReflectionGrpc.newStub(channel).serverReflectionInfo(reflected);
    requests.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
    await().until(() -> !reflected.values.isEmpty());
    requests.onCompleted();
    assertThat(reflected.values.element().getListServicesResponse().getServiceList())
        .extracting(service -> service.getName())
        .contains("ipsentry.v1.BanService", "ipsentry.v1.StatusService");
  }

  @Test
  void calls_wrongArguments_areInvalidArgumentWithReason() {
    start();
    BanServiceGrpc.BanServiceBlockingStub bans = BanServiceGrpc.newBlockingStub(connect());
    assertThatThrownBy(() -> bans.get(GetRequest.newBuilder().setIp("010.1.1.1").build()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
              assertThat(e.getStatus().getDescription()).contains("leading zero");
            });
    assertThatThrownBy(
            () -> bans.ban(BanRequest.newBuilder().setIp("::2").setPermanent(false).build()))
        .isInstanceOf(StatusRuntimeException.class)
        .hasMessageContaining("permanent");
    assertThatThrownBy(() -> bans.list(ListRequest.newBuilder().setPageSize(10_001).build()))
        .hasMessageContaining("page_size");
  }

  @Test
  void ban_noLength_is24HoursByAdminApi() {
    start();
    BanServiceGrpc.newBlockingStub(connect())
        .ban(BanRequest.newBuilder().setIp("203.0.113.7").build());
    assertThat(log.read(1, 1).getFirst().event())
        .isInstanceOfSatisfying(
            BanEvent.Ban.class,
            ban -> {
              assertThat(ban.until()).isEqualTo(NOW.plusSeconds(86_400));
              assertThat(ban.by()).isEqualTo("admin-api");
              assertThat(ban.ip()).isEqualTo(IpPrefix.parse("203.0.113.7"));
            });
  }

  @Test
  void watch_beyondTheLimit_isRefusedAndOthersGoOn() {
    start();
    BanServiceGrpc.BanServiceStub streams = BanServiceGrpc.newStub(connect());
    List<Collector<WatchResponse>> watches = new ArrayList<>();
    for (int i = 0; i <= AdminLimits.DEFAULT.streams(); i++) {
      Collector<WatchResponse> watch = new Collector<>();
      watches.add(watch);
      streams.watch(WatchRequest.newBuilder().setFromSeq(1).build(), watch);
    }
    await().until(() -> watches.stream().anyMatch(watch -> !watch.errors.isEmpty()));
    BanServiceGrpc.newBlockingStub(connect())
        .ban(BanRequest.newBuilder().setIp("203.0.113.7").build());

    await()
        .untilAsserted(() ->
            assertThat(watches.stream().filter(watch -> !watch.values.isEmpty()))
                .hasSize(AdminLimits.DEFAULT.streams()));
    assertThat(watches.stream().filter(watch -> !watch.errors.isEmpty()))
        .singleElement()
        .satisfies(watch ->
            assertThat(Status.fromThrowable(watch.errors.element()).getCode())
                .isEqualTo(Status.Code.RESOURCE_EXHAUSTED));
  }

  /** Keeps what it is sent. */
  private static final class Collector<T> implements StreamObserver<T> {
    final Queue<T> values = new ConcurrentLinkedQueue<>();
    final Queue<Throwable> errors = new ConcurrentLinkedQueue<>();

    @Override
    public void onNext(T value) {
      values.add(value);
    }

    @Override
    public void onError(Throwable error) {
      errors.add(error);
    }

    @Override
    public void onCompleted() {}
  }
}
