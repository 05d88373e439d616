package io.ipsentry.authz.http;

import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.RequestJudge;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A connection of the server without a network, whose time the test moves. Text that is sent and
 * received has one character a byte.
 */
final class ConnectionRig implements AutoCloseable {
  /** Whoever sends it is trusted. */
  static final String TOKEN = "a-token-of-some-length";

  private static final EventLoops NO_LOOPS = ended();

  private final MockTicker ticker = Ticker.newMockTicker();
  private final AddressedChannel channel;

  /**
   * Opens a connection.
   *
   * @param peer address of the caller
   */
  ConnectionRig(ServerState state, String peer) {
    ForwardAuthConnection connection = new ForwardAuthConnection(state, ticker::nanoTime);
    channel =
        new AddressedChannel(
            EmbeddedChannel.builder()
                .register(false)
                .ticker(ticker)
                .handlers(
                    connection.arrivals(),
                    new HttpRequestDecoder(ForwardAuthServer.decoding(state.limits())),
                    connection));
    channel.remote = new InetSocketAddress(InetAddress.ofLiteral(peer), 5678);
    channel.open();
  }

  /** A connection of a gateway at 192.0.2.1 to a server of its own. */
  ConnectionRig(RequestJudge judge) {
    this(state(judge, false, 64), "192.0.2.1");
  }

  private static EventLoops ended() {
    EventLoops loops = EventLoops.startNio(1);
    loops.close();
    return loops;
  }

  /** What connections of one server share; its event loops are never asked for. */
  static ServerState state(RequestJudge judge, boolean failOpen, int maxConcurrentChecks) {
    return new ServerState(
        parts(NO_LOOPS, judge, failOpen, maxConcurrentChecks), HttpLimits.DEFAULT);
  }

  /** A server's parts: callers are trusted by {@link #TOKEN} alone, and it is ready. */
  static ForwardAuthServer.Parts parts(
      EventLoops loops, RequestJudge judge, boolean failOpen, int maxConcurrentChecks) {
    CallerConnection byToken =
        token ->
            token.equalsAscii(TOKEN) ? RequestJudge.Caller.TRUSTED : RequestJudge.Caller.UNKNOWN;
    return new ForwardAuthServer.Parts(
        loops,
        () -> judge,
        (remote, certificates) -> byToken,
        () -> new ForwardAuthServer.Options(failOpen, maxConcurrentChecks),
        List::of,
        null);
  }

  /** The client sends. */
  ConnectionRig send(String text) {
    if (channel.isOpen()) {
      channel.writeInbound(Unpooled.wrappedBuffer(text.getBytes(StandardCharsets.ISO_8859_1)));
    }
    channel.checkException();
    return this;
  }

  /** Everything that came since the last time. */
  String received() {
    StringBuilder all = new StringBuilder();
    for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
      all.append(part.toString(StandardCharsets.ISO_8859_1));
      part.release();
    }
    return all.toString();
  }

  /** Sends a call and returns what came. */
  String ask(String call) {
    return send(call).received();
  }

  /** A GET with headers, each ended by {@code \r\n}. */
  static String get(String target, String headers) {
    return "GET " + target + " HTTP/1.1\r\nHost: authz.example\r\n" + headers + "\r\n";
  }

  void passTime(Duration time) {
    ticker.advance(time.toNanos(), TimeUnit.NANOSECONDS);
    channel.runScheduledPendingTasks();
  }

  /** The client goes. */
  void hangUp() {
    channel.finishAndReleaseAll();
  }

  boolean isOpen() {
    return channel.isOpen();
  }

  EmbeddedChannel channel() {
    return channel;
  }

  @Override
  public void close() {
    hangUp();
  }

  /** A channel without a network that has a remote address all the same. */
  private static final class AddressedChannel extends EmbeddedChannel {
    private @Nullable SocketAddress remote;

    AddressedChannel(EmbeddedChannel.Builder builder) {
      super(builder);
    }

    void open() {
      try {
        register();
      } catch (Exception e) {
        throw new AssertionError("cannot open the channel", e);
      }
    }

    @Override
    protected @Nullable SocketAddress remoteAddress0() {
      return remote;
    }
  }
}
