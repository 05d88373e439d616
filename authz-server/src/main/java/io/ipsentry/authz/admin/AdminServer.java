package io.ipsentry.authz.admin;

import io.grpc.Server;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.ChannelzService;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The admin API on a Unix socket: {@code BanService}, {@code StatusService}, and gRPC's health,
 * reflection and channelz.
 *
 * <p>Who may connect is who may open the file: mode 0600, so its owner and root. What callers say
 * in {@code by} is believed.
 *
 * <p>Limits: {@value #MAX_CALLS} calls and {@value #MAX_STREAMS} streams at once, {@value
 * #MAX_REQUEST_BYTES} bytes a request; beyond them {@code RESOURCE_EXHAUSTED}.
 *
 * <p>Sockets go through the JDK and not Netty's native transport: nothing is unpacked into {@code
 * /tmp}, which may be mounted {@code noexec}, and a management channel does not need the speed.
 */
public final class AdminServer implements AutoCloseable {
  /** Most unary calls at once. */
  public static final int MAX_CALLS = 64;

  /** Most streams (watches) at once. */
  public static final int MAX_STREAMS = 256;

  /** Largest request. */
  public static final int MAX_REQUEST_BYTES = 64 * 1024;

  /** Running calls get this long when the server stops. */
  private static final Duration GRACE = Duration.ofSeconds(3);

  /** Calls, connections and sockets that channelz shows a page. */
  private static final int CHANNELZ_PAGE = 100;

  private static final Logger logger = LoggerFactory.getLogger(AdminServer.class);

  private final SocketFile file;
  private final Server server;
  private final BanServiceEndpoint bans;
  private final HealthStatusManager health;
  private final EventLoopGroup loop;
  private final ExecutorService calls;
  private final AtomicBoolean closed = new AtomicBoolean();

  private AdminServer(
      SocketFile file,
      Server server,
      BanServiceEndpoint bans,
      HealthStatusManager health,
      EventLoopGroup loop,
      ExecutorService calls) {
    this.file = file;
    this.server = server;
    this.bans = bans;
    this.health = health;
    this.loop = loop;
    this.calls = calls;
  }

  /**
   * Starts to serve.
   *
   * @param socket path of the socket; its directory is created with mode 0700 if need be
   * @param operations acts for callers; stays the caller's to close
   * @param status what the instance says of itself, asked at each call
   * @throws AdminServerException if another instance serves there or the socket cannot be made
   */
  public static AdminServer start(
      Path socket, BanOperations operations, Supplier<GetStatusResponse> status) {
    SocketFile file = SocketFile.claim(socket);
    EventLoopGroup loop =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("admin-api", true), NioIoHandler.newFactory());
    ExecutorService calls =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("admin-call-", 0).factory());
    BanServiceEndpoint bans = new BanServiceEndpoint(operations);
    HealthStatusManager health = new HealthStatusManager();
    try {
      Server server =
          NettyServerBuilder.forAddress(UnixDomainSocketAddress.of(file.pathToBind()))
              .channelType(NioServerDomainSocketChannel.class)
              .bossEventLoopGroup(loop)
              .workerEventLoopGroup(loop)
              .executor(calls)
              .maxInboundMessageSize(MAX_REQUEST_BYTES)
              .permitKeepAliveTime(10, TimeUnit.SECONDS)
              .permitKeepAliveWithoutCalls(true)
              .intercept(new CallLimit(MAX_CALLS, MAX_STREAMS))
              .addService(bans)
              .addService(new StatusServiceEndpoint(status))
              .addService(health.getHealthService())
              .addService(ProtoReflectionServiceV1.newInstance())
              .addService(ChannelzService.newInstance(CHANNELZ_PAGE))
              .build()
              .start();
      AdminServer started = new AdminServer(file, server, bans, health, loop, calls);
      file.publish();
      health.setStatus("", ServingStatus.SERVING);
      logger.atInfo().addKeyValue("socket", socket).log("admin API is up");
      return started;
    } catch (IOException e) {
      loop.shutdownGracefully(0, 0, TimeUnit.SECONDS).awaitUninterruptibly();
      calls.shutdownNow();
      release(file);
      throw new AdminServerException(
          "cannot serve on the admin socket "
              + socket
              + ": "
              + e.getMessage()
              + "; set admin.socket in the configuration to a place that can be written",
          e);
    }
  }

  /**
   * Takes no more calls, ends watches with {@code UNAVAILABLE}, gives running calls three seconds,
   * and removes the socket. A second call does nothing.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    health.enterTerminalState();
    server.shutdown();
    bans.endWatches();
    try {
      if (!server.awaitTermination(GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
        server.shutdownNow();
        server.awaitTermination(GRACE.toMillis(), TimeUnit.MILLISECONDS);
      }
      // What is still said to callers that have gone needs the loop.
      calls.shutdown();
      calls.awaitTermination(GRACE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
    calls.shutdownNow();
    loop.shutdownGracefully(0, GRACE.toMillis(), TimeUnit.MILLISECONDS).awaitUninterruptibly();
    release(file);
  }

  private static void release(SocketFile file) {
    try {
      file.close();
    } catch (IOException e) {
      logger.atWarn().setCause(e).log("the admin socket could not be removed");
    }
  }
}
