package io.ipsentry.cli;

import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.kubelet.KubeletNode;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketServerProtocolConfig;
import io.netty.handler.codec.http.websocketx.WebSocketServerProtocolHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * As much of a kubelet as port-forwards and logs need: the API server of a test comes to it by a
 * Node whose address is the loopback, and asks for {@code /portForward/NAMESPACE/POD?port=N} as a
 * WebSocket of the protocol {@code v4.channel.k8s.io}. Every pod of it is this host.
 *
 * <p>In that protocol the first byte of a message is its channel: 0 data, 1 errors. The first
 * message on each is the port, 2 bytes, little-endian.
 */
final class PortForwardingKubelet implements AutoCloseable {
  private static final int MAX_MESSAGE = 1 << 20;
  private static final byte DATA = 0;
  private static final byte ERRORS = 1;

  private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final Queue<String> asked = new ConcurrentLinkedQueue<>();
  private final Map<String, String> logs = new ConcurrentHashMap<>();
  private final Channel server;

  PortForwardingKubelet(CertificateAuthority.Issued own) throws SSLException {
    SslContext tls =
        SslContextBuilder.forServer(own.certificate().toFile(), own.key().toFile()).build();
    WebSocketServerProtocolConfig webSocket =
        WebSocketServerProtocolConfig.newBuilder()
            .websocketPath("/portForward")
            .checkStartsWith(true)
            .subprotocols("v4.channel.k8s.io")
            .maxFramePayloadLength(MAX_MESSAGE)
            .build();
    server =
        new ServerBootstrap()
            .group(loop)
            .channel(NioServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    channel
                        .pipeline()
                        .addLast(
                            tls.newHandler(channel.alloc()),
                            new HttpServerCodec(),
                            new HttpObjectAggregator(MAX_MESSAGE),
                            new WebSocketServerProtocolHandler(webSocket),
                            new Logs(),
                            new Forward());
                  }
                })
            .bind(InetAddress.getLoopbackAddress(), 0)
            .syncUninterruptibly()
            .channel();
  }

  int port() {
    return ((InetSocketAddress) server.localAddress()).getPort();
  }

  /** What it was asked for, path and query. */
  Queue<String> asked() {
    return asked;
  }

  /** A Node that leads the API server here, for {@code kubectl create}. */
  String node(String name) {
    return KubeletNode.manifest(name, port());
  }

  @Override
  public void close() {
    server.close().syncUninterruptibly();
    loop.shutdownGracefully(0, 0, TimeUnit.SECONDS).awaitUninterruptibly();
  }

  /** What a container has logged, by {@code NAMESPACE/POD/CONTAINER}; others have no log. */
  Map<String, String> logs() {
    return logs;
  }

  /** Answers {@code /containerLogs/NAMESPACE/POD/CONTAINER}, with all that was logged. */
  private final class Logs extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final String PATH = "/containerLogs/";

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
      String path = new QueryStringDecoder(request.uri()).path();
      asked.add(request.uri());
      String text = path.startsWith(PATH) ? logs.get(path.substring(PATH.length())) : null;
      FullHttpResponse response =
          new DefaultFullHttpResponse(
              HttpVersion.HTTP_1_1,
              text == null ? HttpResponseStatus.NOT_FOUND : HttpResponseStatus.OK,
              Unpooled.copiedBuffer(text == null ? "no such log" : text, StandardCharsets.UTF_8));
      response.headers().setInt("Content-Length", response.content().readableBytes());
      response.headers().set("Content-Type", "text/plain");
      var ignored = context.writeAndFlush(response);
    }
  }

  /** One connection: a WebSocket on one side, TCP to the pod on the other. */
  @SuppressWarnings("FutureReturnValueIgnored") // the listener of the other side sees a broken one
  private final class Forward extends SimpleChannelInboundHandler<WebSocketFrame> {
    private @Nullable Channel pod;

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
      if (!(event instanceof WebSocketServerProtocolHandler.HandshakeComplete done)) {
        context.fireUserEventTriggered(event);
        return;
      }
      asked.add(done.requestUri());
      // Nothing is read before there is somebody to take it.
      context.channel().config().setAutoRead(false);
      int port =
          Integer.parseInt(
              new QueryStringDecoder(done.requestUri())
                  .parameters()
                  .getOrDefault("port", List.of())
                  .getFirst());
      context.write(message(DATA, portBytes(port)));
      context.writeAndFlush(message(ERRORS, portBytes(port)));
      ChannelFuture connected =
          new Bootstrap()
              .group(context.channel().eventLoop())
              .channel(NioSocketChannel.class)
              .handler(new FromPod(context))
              .connect(InetAddress.getLoopbackAddress(), port);
      pod = connected.channel();
      connected.addListener(_ -> {
        context.channel().config().setAutoRead(true);
        if (connected.cause() != null) {
          context.writeAndFlush(
              message(
                  ERRORS,
                  Unpooled.copiedBuffer(
                      String.valueOf(connected.cause().getMessage()), StandardCharsets.UTF_8)));
          context.close();
        }
      });
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, WebSocketFrame frame) {
      ByteBuf content = frame.content();
      Channel to = pod;
      if (to != null && content.isReadable() && content.readByte() == DATA) {
        to.writeAndFlush(content.retain());
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      if (pod != null) {
        pod.close();
      }
    }
  }

  @SuppressWarnings("FutureReturnValueIgnored") // as above
  private static final class FromPod extends ChannelInboundHandlerAdapter {
    private final ChannelHandlerContext client;

    FromPod(ChannelHandlerContext client) {
      this.client = client;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object bytes) {
      client.writeAndFlush(message(DATA, (ByteBuf) bytes));
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      client.close();
    }
  }

  private static ByteBuf portBytes(int port) {
    return Unpooled.buffer(2).writeShortLE(port);
  }

  private static BinaryWebSocketFrame message(byte channel, ByteBuf bytes) {
    return new BinaryWebSocketFrame(
        Unpooled.wrappedBuffer(Unpooled.buffer(1).writeByte(channel), bytes));
  }
}
