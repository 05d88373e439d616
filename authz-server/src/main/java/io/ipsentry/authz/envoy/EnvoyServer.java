package io.ipsentry.authz.envoy;

import io.envoyproxy.envoy.service.accesslog.v3.AccessLogServiceGrpc;
import io.envoyproxy.envoy.service.auth.v3.AuthorizationGrpc;
import io.grpc.Attributes;
import io.grpc.Codec;
import io.grpc.DecompressorRegistry;
import io.grpc.Grpc;
import io.grpc.Server;
import io.grpc.ServerTransportFilter;
import io.grpc.channelz.v1.ChannelzGrpc;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.ChannelzService;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.transport.MergedWrites;
import io.ipsentry.authz.verdict.RequestJudge;
import io.ipsentry.detection.HitReceiver;
import io.netty.channel.ChannelOption;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.cert.Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gRPC server for Envoys: {@code Authorization}, {@code AccessLogService}, and gRPC's health,
 * reflection and channelz.
 *
 * <p>Checks run on the threads that read them. Limits: {@link Limits}, {@value #MAX_MESSAGE_BYTES}
 * bytes a message ({@code RESOURCE_EXHAUSTED} beyond), {@value #MAX_METADATA_BYTES} bytes of
 * metadata.
 */
public final class EnvoyServer implements AutoCloseable {
  /**
   * Largest message. Envoy's own limit for the headers of a request is 60 KiB by default; bodies of
   * requests are no use here and should not be sent.
   */
  public static final int MAX_MESSAGE_BYTES = 1024 * 1024;

  /** Most metadata of a call. What Envoy adds to its calls is far less. */
  public static final int MAX_METADATA_BYTES = 16 * 1024;

  /**
   * What a caller may send before we say that it was read: enough for all calls of a connection.
   * Fixed, so that the server does not measure the connection's bandwidth by pings.
   */
  private static final int FLOW_CONTROL_WINDOW_BYTES = 1024 * 1024;

  /**
   * Messages may be compressed. That is not announced: who compresses knows without, and every
   * answer would carry a header more.
   */
  private static final DecompressorRegistry DECOMPRESSORS =
      DecompressorRegistry.emptyInstance().with(new Codec.Gzip(), false);

  /** Calls, connections and sockets that channelz shows a page. */
  private static final int CHANNELZ_PAGE = 100;

  /** Envoys that ping a connection (connection_keepalive) do so every few seconds at most. */
  private static final Duration SHORTEST_PING = Duration.ofSeconds(1);

  /**
   * gRPC does not ping: it would look at the clock at every frame, which a check has two of. The
   * kernel notices Envoys that are gone.
   */
  private static final long NO_PINGS = Long.MAX_VALUE;

  private static final Logger logger = LoggerFactory.getLogger(EnvoyServer.class);

  private final Server server;
  private final HealthStatusManager health;
  private final CheckEndpoint checks;
  private final AccessLogEndpoint logs;
  private final EnvoyCounters counters;
  private final Duration grace;
  private final AtomicBoolean closed = new AtomicBoolean();

  private EnvoyServer(
      Server server,
      HealthStatusManager health,
      CheckEndpoint checks,
      AccessLogEndpoint logs,
      EnvoyCounters counters,
      Duration grace) {
    this.server = server;
    this.health = health;
    this.checks = checks;
    this.logs = logs;
    this.counters = counters;
    this.grace = grace;
  }

  /**
   * What the server works with.
   *
   * @param loops its threads; stay the caller's to close, after the server
   * @param judges makes the judge of a thread
   * @param callers tells who is at the other end of a connection
   * @param accessLogs what entries are judged by, asked at every message
   * @param hits where hits of entries go
   * @param clock wall time, against which the times of entries are held
   * @param tls of every connection, HTTP/2 by ALPN; null: plaintext. Whoever makes it may let it
   *     follow rotated certificates
   */
  public record Parts(
      EventLoops loops,
      Supplier<RequestJudge> judges,
      CallerConnection.Factory callers,
      Supplier<AccessLogRules> accessLogs,
      HitReceiver hits,
      InstantSource clock,
      @Nullable SslContext tls) {}

  /**
   * What the server bounds.
   *
   * @param maxConcurrentChecks checks that may have begun and not be answered; further ones end at
   *     once with {@code UNAVAILABLE}
   * @param maxCallsPerConnection calls of one connection at once, as HTTP/2 announces it; an Envoy
   *     opens another connection beyond it
   * @param maxConnectionAge a connection is asked to go after this, give or take a tenth, so that
   *     Envoys spread over the replicas that there are
   * @param grace running calls get this long when their connection or the server ends
   */
  public record Limits(
      int maxConcurrentChecks,
      int maxCallsPerConnection,
      Duration maxConnectionAge,
      Duration grace) {
    /** A stream of access logs ends by itself before its connection is asked to. */
    Duration maxStreamAge() {
      return maxConnectionAge.multipliedBy(4).dividedBy(5);
    }

    /**
     * Of Envoy's connections, as most of its users have them: 1,024 calls at once are what it asks
     * for itself; five minutes are what a new replica may wait for its share, and a connection's
     * start costs less than a thousandth of that; a check takes no ten seconds.
     */
    public static Limits of(int maxConcurrentChecks) {
      return new Limits(maxConcurrentChecks, 1_024, Duration.ofMinutes(5), Duration.ofSeconds(10));
    }
  }

  /**
   * Starts to serve. Health says {@code NOT_SERVING} until {@link #ready}.
   *
   * @param listen where
   * @throws EnvoyServerException if it cannot listen there
   */
  public static EnvoyServer start(SocketAddress listen, Parts parts, Limits limits) {
    EnvoyCounters counters = new EnvoyCounters();
    HealthStatusManager health = new HealthStatusManager();
    setHealth(health, ServingStatus.NOT_SERVING);
    AccessLogEndpoint logs =
        new AccessLogEndpoint(
            new AccessLogJudge(parts.accessLogs(), parts.hits(), parts.clock(), counters),
            counters,
            limits.maxStreamAge());
    CheckEndpoint checks =
        new CheckEndpoint(parts.judges(), counters, limits.maxConcurrentChecks());
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(listen)
            .channelFactory(MergedWrites.listening(parts.loops().channelType()))
            .bossEventLoopGroup(parts.loops().acceptor())
            .workerEventLoopGroup(parts.loops().workers())
            .directExecutor()
            .flowControlWindow(FLOW_CONTROL_WINDOW_BYTES)
            .decompressorRegistry(DECOMPRESSORS)
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            .maxInboundMetadataSize(MAX_METADATA_BYTES)
            .maxConcurrentCallsPerConnection(limits.maxCallsPerConnection())
            .maxConnectionAge(limits.maxConnectionAge().toMillis(), TimeUnit.MILLISECONDS)
            .maxConnectionAgeGrace(limits.grace().toMillis(), TimeUnit.MILLISECONDS)
            .keepAliveTime(NO_PINGS, TimeUnit.NANOSECONDS)
            .permitKeepAliveTime(SHORTEST_PING.toMillis(), TimeUnit.MILLISECONDS)
            .permitKeepAliveWithoutCalls(true)
            .addTransportFilter(new CallerFilter(parts.callers()))
            .addService(checks.service())
            .addService(logs.service())
            .addService(health.getHealthService())
            .fallbackHandlerRegistry(
                new RareServices(
                    Map.of(
                        ServerReflectionGrpc.SERVICE_NAME,
                        () -> ProtoReflectionServiceV1.newInstance().bindService(),
                        ChannelzGrpc.SERVICE_NAME,
                        () -> ChannelzService.newInstance(CHANNELZ_PAGE).bindService())));
    builder.withChildOption(ChannelOption.SO_KEEPALIVE, true);
    parts.loops().keepAlive().forEach(builder::withChildOption);
    SslContext tls = parts.tls();
    if (tls != null) {
      builder.sslContext(tls);
    }
    try {
      Server server = builder.build().start();
      logger
          .atInfo()
          .addKeyValue("address", listen)
          .addKeyValue("tls", tls != null)
          .log("the gRPC server for Envoy is up");
      return new EnvoyServer(server, health, checks, logs, counters, limits.grace());
    } catch (IOException e) {
      logs.close();
      throw new EnvoyServerException(
          "cannot serve Envoy on "
              + listen
              + ": "
              + e.getMessage()
              + "; set authz.listen in the configuration to an address that is free",
          e);
    }
  }

  /**
   * Has the code of checks loaded before a server is started, by answering some on the loopback
   * address; takes a second or two at most. An Envoy waits 200 ms, and the first check of a new
   * process takes longer otherwise. Where it cannot be done that is said, and the first check is
   * slow.
   *
   * @param loops of the server
   * @param judges makes the judge of a thread; what these judge is nobody's request
   * @param tls of the server, or null
   */
  public static void warmUp(
      EventLoops loops, Supplier<RequestJudge> judges, @Nullable SslContext tls) {
    long begin = System.nanoTime();
    try {
      int answered = WarmUp.run(loops, judges, null);
      if (tls != null) {
        answered += WarmUp.run(loops, judges, tls);
      }
      logger
          .atInfo()
          .addKeyValue("checks", answered)
          .addKeyValue("millis", Duration.ofNanos(System.nanoTime() - begin).toMillis())
          .log("warmed up");
    } catch (IOException e) {
      logger.atWarn().setCause(e).log("cannot warm up; the first checks may be slow");
    }
  }

  /** Where it listens, with the port that it got. */
  public InetSocketAddress address() {
    return (InetSocketAddress) server.getListenSockets().getFirst();
  }

  /** What happened since the start. */
  public EnvoyCounters counters() {
    return counters;
  }

  /** Bounds checks otherwise from now on; those that have begun go on. */
  public void maxConcurrentChecks(int now) {
    checks.maxInFlight(now);
  }

  /** Says by gRPC's health service whether checks can be judged. */
  public void ready(boolean ready) {
    setHealth(health, ready ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  }

  private static void setHealth(HealthStatusManager health, ServingStatus status) {
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, status);
    health.setStatus(AuthorizationGrpc.SERVICE_NAME, status);
    health.setStatus(AccessLogServiceGrpc.SERVICE_NAME, status);
  }

  /**
   * Takes no more connections and calls, lets running ones end within the grace, and cuts what is
   * left. A second call does nothing.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    health.enterTerminalState();
    server.shutdown();
    logs.endStreams();
    try {
      if (!server.awaitTermination(grace.toMillis(), TimeUnit.MILLISECONDS)) {
        server.shutdownNow();
        server.awaitTermination(grace.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
    logs.close();
  }

  /** Decides once a connection who is at its other end. */
  private static final class CallerFilter extends ServerTransportFilter {
    private final CallerConnection.Factory callers;

    CallerFilter(CallerConnection.Factory callers) {
      this.callers = callers;
    }

    @Override
    public Attributes transportReady(Attributes attributes) {
      CallerConnection connection =
          callers.connected(
              attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR),
              certificates(attributes.get(Grpc.TRANSPORT_ATTR_SSL_SESSION)));
      return attributes.toBuilder().set(CheckEndpoint.CONNECTION, connection).build();
    }

    private static List<Certificate> certificates(@Nullable SSLSession session) {
      if (session == null) {
        return List.of();
      }
      try {
        return List.of(session.getPeerCertificates());
      } catch (SSLPeerUnverifiedException e) {
        // It showed none, which only those may do from whom none is asked.
        return List.of();
      }
    }
  }
}
