package io.ipsentry.authz.admin;

import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.ChannelzService;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The admin API: {@code BanService}, {@code StatusService}, and gRPC's health, reflection and
 * channelz, on a Unix socket and, if it is asked for, over TCP.
 *
 * <p>Who may connect to the socket is who may open the file: mode 0600, so its owner and root. What
 * callers say there in {@code by} is believed. Over TCP callers must be known ({@link
 * AdminCallers}), and {@code by} begins with who they are. Each has limits of its own, so that
 * nobody on the network keeps the host's operators out. In a cluster its users are known, and may
 * do what its rules say ({@link ClusterAccess}).
 *
 * <p>Limits are {@link AdminLimits} and {@value #MAX_REQUEST_BYTES} bytes a request; beyond them
 * {@code RESOURCE_EXHAUSTED}. Failures are rich statuses, see {@link ApiErrors}.
 *
 * <p>Sockets go through the JDK and not Netty's native transport: nothing is unpacked into {@code
 * /tmp}, which may be mounted {@code noexec}, and a management channel does not need the speed.
 */
public final class AdminServer implements AutoCloseable {
  /** Largest request. */
  public static final int MAX_REQUEST_BYTES = 64 * 1024;

  /** Running calls get this long when the server stops. */
  private static final Duration GRACE = Duration.ofSeconds(3);

  /** Calls and streams at once of one connection over TCP. */
  private static final int MAX_CALLS_PER_CONNECTION = 100;

  /** A connection over TCP that is silent for so long is asked whether it is still there. */
  private static final Duration KEEP_ALIVE = Duration.ofSeconds(20);

  /** Calls, connections and sockets that channelz shows a page. */
  private static final int CHANNELZ_PAGE = 100;

  private static final Logger logger = LoggerFactory.getLogger(AdminServer.class);

  private final SocketFile file;
  private final List<Server> servers;
  private final LongAdder refusedCalls;
  private final BanServiceEndpoint bans;
  private final List<StreamingService> streaming;
  private final HealthStatusManager health;
  private final Threads threads;
  private final AtomicBoolean closed = new AtomicBoolean();

  private AdminServer(
      SocketFile file,
      List<Server> servers,
      LongAdder refusedCalls,
      BanServiceEndpoint bans,
      List<StreamingService> streaming,
      HealthStatusManager health,
      Threads threads) {
    this.file = file;
    this.servers = List.copyOf(servers);
    this.refusedCalls = refusedCalls;
    this.bans = bans;
    this.streaming = List.copyOf(streaming);
    this.health = health;
    this.threads = threads;
  }

  /**
   * A server to be started.
   *
   * @param operations acts for callers; stays the caller's to close
   * @param status what the instance says of itself, asked at each call
   */
  public static Builder builder(BanOperations operations, Supplier<GetStatusResponse> status) {
    return new Builder(operations, status);
  }

  /** What a server is made of; for one thread. */
  public static final class Builder {
    private final BanOperations operations;
    private final Supplier<GetStatusResponse> status;
    private final List<BindableService> services = new ArrayList<>();
    private final List<StreamingService> streaming = new ArrayList<>();
    private AdminLimits limits = AdminLimits.DEFAULT;
    private @Nullable BanWriter writer;
    private @Nullable AdminTcp tcp;

    private Builder(BanOperations operations, Supplier<GetStatusResponse> status) {
      this.operations = operations;
      this.status = status;
    }

    /** Serves another service beside its own. */
    public Builder service(BindableService service) {
      services.add(service);
      if (service instanceof StreamingService streams) {
        streaming.add(streams);
      }
      return this;
    }

    /** Gives followers the state of a log to begin with; of the log that is operated on. */
    public Builder snapshots(BanWriter of) {
      writer = of;
      return this;
    }

    /** Serves over TCP too. */
    public Builder tcp(AdminTcp settings) {
      tcp = settings;
      return this;
    }

    /** Bounds it otherwise than by {@link AdminLimits#DEFAULT}. */
    public Builder limits(AdminLimits other) {
      limits = other;
      return this;
    }

    /**
     * Starts to serve.
     *
     * @param socket path of the socket; its directory is created with mode 0700 if need be
     * @throws AdminServerException if another instance serves there or the socket cannot be made
     */
    public AdminServer start(Path socket) {
      return AdminServer.start(socket, this);
    }
  }

  private static AdminServer start(Path socket, Builder parts) {
    SocketFile file = SocketFile.claim(socket);
    Threads threads = new Threads();
    BanWriter writer = parts.writer;
    SnapshotStreams snapshots =
        writer == null
            ? null
            : new SnapshotStreams(
                writer, parts.operations, parts.limits.watchStall(), threads::later);
    BanServiceEndpoint bans =
        new BanServiceEndpoint(parts.operations, parts.limits, threads::later, snapshots);
    HealthStatusManager health = new HealthStatusManager();
    LongAdder refusedCalls = new LongAdder();
    List<Server> servers = new ArrayList<>();
    try {
      UnaryOperator<NettyServerBuilder> common =
          builder -> with(parts, bans, health, threads, builder);
      AdminTcp tcp = parts.tcp;
      if (tcp != null) {
        servers.add(
            listen(
                tcp,
                common,
                new CallerCheck(
                    tcp.callers(),
                    tcp.cluster(),
                    refusedCalls,
                    threads::later,
                    parts.limits.recheck())));
      }
      servers.add(listen(socket, file, common));
      health.setStatus("", ServingStatus.SERVING);
      return new AdminServer(file, servers, refusedCalls, bans, parts.streaming, health, threads);
    } catch (AdminServerException e) {
      servers.forEach(Server::shutdownNow);
      threads.close();
      release(file);
      throw e;
    }
  }

  private static NettyServerBuilder tcp(AdminTcp settings) {
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(settings.address())
            .channelType(NioServerSocketChannel.class)
            .maxConcurrentCallsPerConnection(MAX_CALLS_PER_CONNECTION)
            // A peer that has gone without a word must not keep its streams.
            .keepAliveTime(KEEP_ALIVE.toSeconds(), TimeUnit.SECONDS)
            .keepAliveTimeout(KEEP_ALIVE.toSeconds(), TimeUnit.SECONDS);
    settings.tls().ifPresent(builder::sslContext);
    return builder;
  }

  /** What is the same wherever it listens. */
  private static NettyServerBuilder with(
      Builder parts,
      BanServiceEndpoint bans,
      HealthStatusManager health,
      Threads threads,
      NettyServerBuilder builder) {
    builder
        .bossEventLoopGroup(threads.loop)
        .workerEventLoopGroup(threads.loop)
        .executor(threads.calls)
        .maxInboundMessageSize(MAX_REQUEST_BYTES)
        .permitKeepAliveTime(10, TimeUnit.SECONDS)
        .permitKeepAliveWithoutCalls(true)
        // The last one comes first: a call has a place before its time begins.
        .intercept(new CallDeadline(parts.limits.callTime(), threads.timer))
        .intercept(new CallLimit(parts.limits.calls(), parts.limits.streams()))
        .addService(bans)
        .addService(new StatusServiceEndpoint(parts.status))
        .addService(health.getHealthService())
        .addService(ProtoReflectionServiceV1.newInstance())
        .addService(ChannelzService.newInstance(CHANNELZ_PAGE));
    parts.services.forEach(builder::addService);
    return builder;
  }

  private static Server listen(
      Path socket, SocketFile file, UnaryOperator<NettyServerBuilder> common) {
    try {
      NettyServerBuilder builder =
          NettyServerBuilder.forAddress(UnixDomainSocketAddress.of(file.pathToBind()))
              .channelType(NioServerDomainSocketChannel.class);
      Server server = common.apply(builder).build().start();
      try {
        file.publish();
      } catch (IOException | RuntimeException e) {
        server.shutdownNow();
        throw e;
      }
      logger.atInfo().addKeyValue("socket", socket).log("admin API is up");
      return server;
    } catch (IOException e) {
      throw new AdminServerException(
          "cannot serve on the admin socket "
              + socket
              + ": "
              + e.getMessage()
              + "; set admin.socket in the configuration to a place that can be written",
          e);
    }
  }

  private static Server listen(
      AdminTcp tcp, UnaryOperator<NettyServerBuilder> common, CallerCheck callers) {
    try {
      Server server = common.apply(tcp(tcp)).intercept(callers).build().start();
      logger
          .atInfo()
          .addKeyValue("port", server.getPort())
          .addKeyValue("tls", tcp.tls().isPresent())
          .log("admin API is up over TCP");
      return server;
    } catch (IOException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new AdminServerException(
          "cannot serve the admin API on "
              + tcp.address().getHostString()
              + ":"
              + tcp.address().getPort()
              + ": "
              + cause.getMessage()
              + "; set admin.listen in the configuration to an address of this host that is free",
          e);
    }
  }

  /** Port of TCP; -1: it does not serve there. */
  public int port() {
    return servers.stream().mapToInt(Server::getPort).max().orElse(-1);
  }

  /** Calls over TCP that were refused because their caller was not known. */
  public long refusedCalls() {
    return refusedCalls.sum();
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
    servers.forEach(Server::shutdown);
    bans.endStreams();
    streaming.forEach(StreamingService::endStreams);
    try {
      for (Server server : servers) {
        if (!server.awaitTermination(GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
          server.shutdownNow();
          server.awaitTermination(GRACE.toMillis(), TimeUnit.MILLISECONDS);
        }
      }
    } catch (InterruptedException e) {
      servers.forEach(Server::shutdownNow);
      Thread.currentThread().interrupt();
    }
    threads.close();
    release(file);
  }

  private static void release(SocketFile file) {
    try {
      file.close();
    } catch (IOException e) {
      logger.atWarn().setCause(e).log("the admin socket could not be removed");
    }
  }

  /** One thread for sockets, one for timers, virtual ones for calls. */
  private static final class Threads {
    final EventLoopGroup loop =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("admin-api", true), NioIoHandler.newFactory());
    final ExecutorService calls =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("admin-call-", 0).factory());
    final ScheduledThreadPoolExecutor timer =
        new ScheduledThreadPoolExecutor(
            1,
            Thread.ofPlatform().name("admin-timer").daemon().factory(),
            new ThreadPoolExecutor.DiscardPolicy());

    Threads() {
      timer.setRemoveOnCancelPolicy(true);
    }

    /** Runs something later; nothing more once it is closed. */
    void later(Runnable task, Duration delay) {
      var ignored =
          timer.schedule(() -> calls.execute(task), delay.toMillis(), TimeUnit.MILLISECONDS);
    }

    void close() {
      timer.shutdownNow();
      // What is still said to callers that have gone needs the loop.
      calls.shutdown();
      try {
        calls.awaitTermination(GRACE.toMillis(), TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      calls.shutdownNow();
      loop.shutdownGracefully(0, GRACE.toMillis(), TimeUnit.MILLISECONDS).awaitUninterruptibly();
    }
  }
}
