package io.ipsentry.authz.http;

import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.RequestJudge;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.ssl.SslContext;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * HTTP forward-auth: nginx {@code auth_request}, Traefik and Caddy forward-auth, Envoy's HTTP
 * {@code ext_authz}, Gateway API {@code ExternalAuth}.
 *
 * <table>
 * <caption>Paths; how the request is described stands at {@code RequestMapping}</caption>
 * <tr><td>{@code /forward-auth}</td><td>it is in {@code X-Forwarded-…} headers</td></tr>
 * <tr><td>{@code /ext-authz/…}</td><td>it is the call itself, its target after the prefix</td></tr>
 * <tr><td>{@code /policies/NAME/forward-auth}, {@code /policies/NAME/ext-authz/…}</td>
 *     <td>judged by that policy</td></tr>
 * <tr><td>{@code /healthz}, {@code /readyz}</td><td>for probes</td></tr>
 * </table>
 *
 * <p>Answers, each with its verdict in {@code x-ip-sentry}: 200 {@code allowed} (or {@code shadow})
 * without a body; the refusal's status, headers and body; when it cannot be judged 503 {@code
 * unavailable}, or 200 {@code fail-open} where that was chosen. What a client can bring about by
 * itself is never let through unjudged: a line or headers beyond the limits get 414 or 431, what is
 * not HTTP/1.1 gets 400, and the connection ends.
 *
 * <p>HTTP/1.1 and 1.0, kept alive, pipelined; any method; bodies are thrown away. Limits stand at
 * {@code HttpLimits}.
 */
public final class ForwardAuthServer implements AutoCloseable {
  /** Idle connections may make one more call within this time when the server stops. */
  private static final Duration LAST_CALL = Duration.ofMillis(500);

  private static final Logger logger = LoggerFactory.getLogger(ForwardAuthServer.class);

  private final ServerState state;
  private final Channel listener;
  private final ChannelGroup connections;
  private final AtomicBoolean closed = new AtomicBoolean();

  private ForwardAuthServer(ServerState state, Channel listener, ChannelGroup connections) {
    this.state = state;
    this.listener = listener;
    this.connections = connections;
  }

  /**
   * What the server works with.
   *
   * @param loops its threads; stay the caller's to close, after this server
   * @param judges makes the judge of a thread
   * @param callers tells who is at the other end of a connection
   * @param options asked at every call, so that a new configuration can change them
   * @param reasonsNotReady for {@code /readyz}; empty: ready
   * @param tls of every connection, without ALPN or with {@code http/1.1}; null: plaintext. Whoever
   *     makes it may let it follow rotated certificates
   */
  public record Parts(
      EventLoops loops,
      Supplier<? extends RequestJudge> judges,
      CallerConnection.Factory callers,
      Supplier<Options> options,
      Supplier<List<String>> reasonsNotReady,
      @Nullable SslContext tls) {}

  /**
   * What may change while it runs.
   *
   * @param failOpen whether a request that cannot be judged is let through
   * @param maxConcurrentChecks calls that may have begun and not be over; further ones are not
   *     judged
   */
  public record Options(boolean failOpen, int maxConcurrentChecks) {}

  /**
   * Starts to serve.
   *
   * @param listen where; port 0 takes a free one
   * @throws ForwardAuthServerException if it cannot listen there
   */
  public static ForwardAuthServer start(SocketAddress listen, Parts parts) {
    return start(listen, parts, HttpLimits.DEFAULT);
  }

  static ForwardAuthServer start(SocketAddress listen, Parts parts, HttpLimits limits) {
    ServerState state = new ServerState(parts, limits);
    ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
    ChannelFuture bound =
        new ServerBootstrap()
            .group(parts.loops().acceptor(), parts.loops().workers())
            .channel(parts.loops().channelType())
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.SO_KEEPALIVE, true)
            .childHandler(new Initializer(state, connections))
            .bind(listen)
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      Throwable cause = bound.cause();
      throw new ForwardAuthServerException(
          "cannot serve forward-auth on "
              + listen
              + ": "
              + cause.getMessage()
              + "; set authz.http in the configuration to an address that is free",
          cause);
    }
    logger
        .atInfo()
        .addKeyValue("address", bound.channel().localAddress())
        .addKeyValue("tls", parts.tls() != null)
        .log("the HTTP server for gateways is up");
    return new ForwardAuthServer(state, bound.channel(), connections);
  }

  /** Where it listens, with the port that it got. */
  public InetSocketAddress address() {
    return (InetSocketAddress) listener.localAddress();
  }

  /** What happened since the start. */
  public ForwardAuthCounters counters() {
    return state.counters();
  }

  /**
   * Takes no more connections; makes every answer the last of its connection; ends idle connections
   * half a second later, others when they are answered, what is left after some seconds. A second
   * call does nothing.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    state.stop();
    listener.close().awaitUninterruptibly();
    for (Channel connection : connections) {
      ForwardAuthConnection handler = connection.pipeline().get(ForwardAuthConnection.class);
      if (handler != null) {
        connection.eventLoop().execute(() -> handler.stop(LAST_CALL.toNanos()));
      }
    }
    if (!connections.newCloseFuture().awaitUninterruptibly(state.limits().stopGrace().toMillis())) {
      logger.atWarn().addKeyValue("connections", connections.size()).log("connections were cut");
      connections.close().awaitUninterruptibly();
    }
  }

  /** Sets up a connection. */
  @SuppressWarnings("FutureReturnValueIgnored") // a connection that is closed needs no more
  private static final class Initializer extends ChannelInitializer<Channel> {
    private final ServerState state;
    private final ChannelGroup connections;

    Initializer(ServerState state, ChannelGroup connections) {
      this.state = state;
      this.connections = connections;
    }

    @Override
    protected void initChannel(Channel channel) {
      ForwardAuthCounters counters = state.counters();
      if (counters.connections.incrementAndGet() > state.limits().maxConnections()) {
        int ignored = counters.connections.decrementAndGet();
        state.connectionRefused();
        channel.close();
        return;
      }
      counters.connectionsAccepted.increment();
      channel.closeFuture().addListener(closed -> counters.connections.decrementAndGet());
      connections.add(channel);
      SslContext tls = state.parts().tls();
      if (tls != null) {
        channel.pipeline().addLast(tls.newHandler(channel.alloc()));
      }
      ForwardAuthConnection connection = new ForwardAuthConnection(state, System::nanoTime);
      channel
          .pipeline()
          .addLast(connection.arrivals())
          .addLast(new HttpRequestDecoder(decoding(state.limits())))
          .addLast(connection);
    }
  }

  static HttpDecoderConfig decoding(HttpLimits limits) {
    return new HttpDecoderConfig()
        .setMaxInitialLineLength(limits.maxLineBytes())
        .setMaxHeaderSize(limits.maxHeaderBytes());
  }
}
