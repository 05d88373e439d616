package io.ipsentry.authz.transport;

import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import jdk.net.ExtendedSocketOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that serve gateways: one accepts connections, the others own them and judge their
 * requests. Shared by the gRPC and the HTTP server, since judging never blocks and more threads
 * than cores would only take turns.
 *
 * <p>Sockets go through Linux epoll where Netty's native library can be loaded, else through the
 * JDK (NIO): on another system, or where nothing may be unpacked and executed in {@code
 * java.io.tmpdir}. Safe for any thread.
 */
public final class EventLoops implements AutoCloseable {
  /** Threads end within this time, whatever still runs on them. */
  private static final Duration GRACE = Duration.ofSeconds(2);

  private static final int KEEP_ALIVE_IDLE_SECONDS = 60;
  private static final int KEEP_ALIVE_INTERVAL_SECONDS = 5;
  private static final int KEEP_ALIVE_PROBES = 3;

  private static final Logger logger = LoggerFactory.getLogger(EventLoops.class);

  private final EventLoopGroup acceptor;
  private final EventLoopGroup workers;
  private final Class<? extends ServerChannel> channelType;

  private EventLoops(
      EventLoopGroup acceptor, EventLoopGroup workers, Class<? extends ServerChannel> channelType) {
    this.acceptor = acceptor;
    this.workers = workers;
    this.channelType = channelType;
  }

  /**
   * Starts threads, by epoll where it can be had.
   *
   * @param threads that own connections, 1 or more; as many as cores is right
   */
  public static EventLoops start(int threads) {
    if (Epoll.isAvailable()) {
      return start(threads, EpollIoHandler.newFactory(), EpollServerSocketChannel.class);
    }
    logger.atInfo().addKeyValue("cause", cause()).log("epoll cannot be used, NIO is");
    return startNio(threads);
  }

  /** Starts threads that use the sockets of the JDK. */
  public static EventLoops startNio(int threads) {
    return start(threads, NioIoHandler.newFactory(), NioServerSocketChannel.class);
  }

  private static EventLoops start(
      int threads, IoHandlerFactory handlers, Class<? extends ServerChannel> channelType) {
    return new EventLoops(
        new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("accept", true), handlers),
        new MultiThreadIoEventLoopGroup(
            threads, new DefaultThreadFactory("gateway", true), handlers),
        channelType);
  }

  private static String cause() {
    Throwable cause = Epoll.unavailabilityCause();
    return cause == null ? "unknown" : String.valueOf(cause.getMessage());
  }

  /** Accepts connections. */
  public EventLoopGroup acceptor() {
    return acceptor;
  }

  /** Own connections. */
  public EventLoopGroup workers() {
    return workers;
  }

  /** The kind of listening socket that fits the threads. */
  public Class<? extends ServerChannel> channelType() {
    return channelType;
  }

  /**
   * How the kernel is to notice that the peer of a connection with {@code SO_KEEPALIVE} is gone
   * (tcp(7)): after a minute of silence it asks three times, 5 s apart, and what was sent waits for
   * no longer either. That last one the sockets of the JDK do not have.
   */
  public Map<ChannelOption<Integer>, Integer> keepAlive() {
    if (channelType.equals(EpollServerSocketChannel.class)) {
      return Map.of(
          EpollChannelOption.TCP_KEEPIDLE,
          KEEP_ALIVE_IDLE_SECONDS,
          EpollChannelOption.TCP_KEEPINTVL,
          KEEP_ALIVE_INTERVAL_SECONDS,
          EpollChannelOption.TCP_KEEPCNT,
          KEEP_ALIVE_PROBES,
          EpollChannelOption.TCP_USER_TIMEOUT,
          1_000 * (KEEP_ALIVE_IDLE_SECONDS + KEEP_ALIVE_INTERVAL_SECONDS * KEEP_ALIVE_PROBES));
    }
    return Map.of(
        NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPIDLE),
        KEEP_ALIVE_IDLE_SECONDS,
        NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPINTERVAL),
        KEEP_ALIVE_INTERVAL_SECONDS,
        NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPCOUNT),
        KEEP_ALIVE_PROBES);
  }

  /** Ends the threads; the servers on them must have been closed. */
  @Override
  public void close() {
    List<Future<?>> ends =
        List.of(
            acceptor.shutdownGracefully(0, GRACE.toMillis(), TimeUnit.MILLISECONDS),
            workers.shutdownGracefully(0, GRACE.toMillis(), TimeUnit.MILLISECONDS));
    for (Future<?> end : ends) {
      if (!end.awaitUninterruptibly(2 * GRACE.toMillis())) {
        logger.atWarn().log("a thread that serves gateways does not end");
      }
    }
  }
}
