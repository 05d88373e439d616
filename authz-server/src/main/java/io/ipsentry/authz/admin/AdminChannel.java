package io.ipsentry.authz.admin;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NegotiationType;
import io.grpc.netty.NettyChannelBuilder;
import io.ipsentry.authz.admin.AdminEndpoint.Tcp;
import io.ipsentry.authz.admin.AdminEndpoint.Tls;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.File;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/**
 * A connection to an admin API. It connects when it is first used, and again when it was lost. Safe
 * for any thread.
 */
public final class AdminChannel implements AutoCloseable {
  /** Largest answer: a full page with the longest texts. */
  private static final int MAX_ANSWER_BYTES = 64 << 20;

  /** A host that has gone without a word is given up after so long. */
  private static final int CONNECT_MILLIS = 5_000;

  /**
   * So much may be under way over a socket of this host: two chunks of a snapshot. What waits to be
   * read is memory, and with more of it than a small young generation holds, garbage grows old.
   */
  private static final int SOCKET_WINDOW_BYTES = 128 << 10;

  private static final long KEEP_ALIVE_SECONDS = 20;

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final AdminEndpoint endpoint;
  private final EventLoopGroup loop;
  private final ExecutorService callbacks;
  private final ManagedChannel channel;

  private AdminChannel(
      AdminEndpoint endpoint,
      EventLoopGroup loop,
      ExecutorService callbacks,
      ManagedChannel channel) {
    this.endpoint = endpoint;
    this.loop = loop;
    this.callbacks = callbacks;
    this.channel = channel;
  }

  /**
   * Makes a connection, without connecting.
   *
   * @throws AdminEndpointException if a file of the endpoint cannot be used
   */
  public static AdminChannel open(AdminEndpoint endpoint) {
    // Before anything is opened: its files may be of no use.
    Optional<SslContext> tls = tcp(endpoint).flatMap(Tcp::tls).map(AdminChannel::context);
    EventLoopGroup loop =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("admin-client", true), NioIoHandler.newFactory());
    ExecutorService callbacks = Executors.newVirtualThreadPerTaskExecutor();
    NettyChannelBuilder builder =
        switch (endpoint) {
          case AdminEndpoint.Socket socket ->
              NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(socket.path()))
                  .channelType(NioDomainSocketChannel.class)
                  .overrideAuthority("ip-sentry")
                  .flowControlWindow(SOCKET_WINDOW_BYTES)
                  .usePlaintext();
          case Tcp tcp -> over(tcp, tls);
          case AdminEndpoint.Tunnel tunnel -> over(entrance(tunnel), tls);
        };
    ManagedChannel channel =
        builder
            .eventLoopGroup(loop)
            .executor(callbacks)
            .maxInboundMessageSize(MAX_ANSWER_BYTES)
            .build();
    return new AdminChannel(endpoint, loop, callbacks, channel);
  }

  private static Optional<Tcp> tcp(AdminEndpoint endpoint) {
    return switch (endpoint) {
      case AdminEndpoint.Socket _ -> Optional.empty();
      case Tcp tcp -> Optional.of(tcp);
      case AdminEndpoint.Tunnel tunnel -> Optional.of(entrance(tunnel));
    };
  }

  private static Tcp entrance(AdminEndpoint.Tunnel tunnel) {
    return new Tcp(tunnel.passage().host(), tunnel.passage().port(), tunnel.tls(), tunnel.token());
  }

  private static NettyChannelBuilder over(Tcp tcp, Optional<SslContext> tls) {
    NettyChannelBuilder builder =
        NettyChannelBuilder.forAddress(tcp.host(), tcp.port())
            .channelType(NioSocketChannel.class)
            .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
            .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
            .keepAliveTimeout(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS);
    tcp.token().ifPresent(token -> builder.intercept(new TokenHeader(token)));
    tls.ifPresentOrElse(
        context -> builder.negotiationType(NegotiationType.TLS).sslContext(context),
        builder::usePlaintext);
    tcp.tls().flatMap(Tls::serverName).ifPresent(builder::overrideAuthority);
    return builder;
  }

  private static SslContext context(Tls tls) {
    SslContextBuilder builder = GrpcSslContexts.forClient();
    tls.ca().ifPresent(ca -> builder.trustManager(readable(ca, "--ca")));
    tls.certificate()
        .ifPresent(certificate ->
            builder.keyManager(
                readable(certificate, "--cert"), readable(tls.key().orElseThrow(), "--key")));
    tls.shown().ifPresent(builder::keyManager);
    if (!tls.verified()) {
      builder.trustManager(InsecureTrustManagerFactory.INSTANCE);
    }
    try {
      return builder.build();
    } catch (SSLException e) {
      throw new AdminEndpointException("TLS cannot be set up: " + e.getMessage(), e);
    }
  }

  private static File readable(Path file, String option) {
    if (!Files.isReadable(file)) {
      throw new AdminEndpointException("cannot read " + file + "; name a PEM file with " + option);
    }
    return file.toFile();
  }

  /** What calls are made on. */
  public Channel channel() {
    return channel;
  }

  /** Where it leads. */
  public AdminEndpoint endpoint() {
    return endpoint;
  }

  /** Connects again without waiting for the pause between attempts to end. */
  public void connectNow() {
    channel.resetConnectBackoff();
  }

  /** Why nobody answered, for people, and how to mend it. */
  public String why(StatusRuntimeException failure) {
    if (endpoint instanceof AdminEndpoint.Tunnel tunnel && tunnel.passage().problem().isPresent()) {
      return tunnel.passage().problem().get();
    }
    boolean plaintext = tcp(endpoint).filter(tcp -> tcp.tls().isEmpty()).isPresent();
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      switch (cause) {
        case NotSslRecordException _ -> {
          return "it does not speak TLS; set admin.tls there, or use --insecure";
        }
        case SSLException tls -> {
          return "TLS failed: "
              + tls.getMessage()
              + "; name the CA of its certificate with --ca, and call it by a name that the"
              + " certificate has";
        }
        case UnknownHostException _ -> {
          return "there is no such host";
        }
        case ConnectException _ -> {
          return "nobody listens there; see admin.listen of the running instance";
        }
        case AdminEndpointException own -> {
          return String.valueOf(own.getMessage());
        }
        default -> {
          // The cause may say more.
        }
      }
    }
    String told = failure.getStatus().getDescription();
    String detail = told == null || told.isEmpty() ? failure.getStatus().getCode().name() : told;
    return plaintext && failure.getStatus().getCode() == Status.Code.UNAVAILABLE
        ? detail + "; if it speaks TLS, leave out --insecure"
        : detail;
  }

  @Override
  public void close() {
    channel.shutdownNow();
    try {
      channel.awaitTermination(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (endpoint instanceof AdminEndpoint.Tunnel tunnel) {
      tunnel.passage().close();
    }
    callbacks.shutdownNow();
    loop.shutdownGracefully(0, 100, TimeUnit.MILLISECONDS).awaitUninterruptibly(1_000);
  }

  /** Sends the token of the moment. */
  private record TokenHeader(TokenSource source) implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<A> responses, Metadata headers) {
          headers.put(AUTHORIZATION, "Bearer " + source.token());
          super.start(responses, headers);
        }
      };
    }
  }
}
