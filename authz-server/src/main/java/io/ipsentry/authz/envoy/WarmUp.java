package io.ipsentry.authz.envoy;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.transport.WireWriter;
import io.ipsentry.authz.verdict.RequestJudge;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers checks of its own on a connection of its own, so that the first one of an Envoy finds the
 * code loaded. Without it that one can take longer than the 200 ms after which an Envoy lets the
 * request pass unjudged.
 */
final class WarmUp {
  /** The classes are loaded after the first; the rest is for the compiler. */
  private static final int CHECKS = 300;

  /** On a slow machine fewer must do: who waits for us waits for this too. */
  private static final Duration LONGEST = Duration.ofSeconds(2);

  /** Of the documentation, RFC 5737. */
  private static final String CLIENT = "192.0.2.1";

  private static final Logger logger = LoggerFactory.getLogger(WarmUp.class);

  private WarmUp() {}

  /**
   * Answers checks until there were enough or the time is up.
   *
   * @param judges of which one is made; its counters should be nobody's
   * @param tls as the server will have it; null: plaintext. Where it asks for a client's
   *     certificate, no more than the handshake is done
   * @return checks that were answered
   * @throws IOException if nobody can listen on the loopback address
   */
  static int run(EventLoops loops, Supplier<RequestJudge> judges, @Nullable SslContext tls)
      throws IOException {
    InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(anyPort)
            .channelType(loops.channelType())
            .bossEventLoopGroup(loops.acceptor())
            .workerEventLoopGroup(loops.workers())
            .directExecutor()
            .addService(new CheckEndpoint(judges, new EnvoyCounters(), CHECKS).service());
    if (tls != null) {
      builder.sslContext(tls);
    }
    Server server = builder.build().start();
    try {
      return check((InetSocketAddress) server.getListenSockets().getFirst(), tls != null);
    } finally {
      server.shutdownNow();
    }
  }

  /** Returns how many were answered. */
  private static int check(InetSocketAddress server, boolean encrypted) throws IOException {
    NettyChannelBuilder builder = NettyChannelBuilder.forAddress(server).directExecutor();
    if (encrypted) {
      // It speaks to itself, and says nothing that matters.
      builder.sslContext(
          GrpcSslContexts.forClient().trustManager(InsecureTrustManagerFactory.INSTANCE).build());
    } else {
      builder.usePlaintext();
    }
    ManagedChannel channel = builder.build();
    MethodDescriptor<SerializedMessage, SerializedMessage> method =
        CheckEndpoint.method(SerializedMessage.MARSHALLER);
    CallOptions options =
        CallOptions.DEFAULT.withDeadlineAfter(LONGEST.toMillis(), TimeUnit.MILLISECONDS);
    SerializedMessage request = request();
    int answered = 0;
    try {
      while (answered < CHECKS) {
        var ignored = ClientCalls.blockingUnaryCall(channel, method, options, request);
        answered++;
      }
    } catch (StatusRuntimeException e) {
      logger.atDebug().addKeyValue("status", e.getStatus()).log("the checks of one's own end");
    } finally {
      channel.shutdownNow();
    }
    return answered;
  }

  /** A {@code CheckRequest} as an Envoy's, by the numbers of its fields. */
  static SerializedMessage request() {
    WireWriter http =
        new WireWriter()
            .text(2, "GET")
            .entry(3, "x-forwarded-for", CLIENT)
            .entry(3, "user-agent", "ip-sentry")
            .text(4, "/")
            .text(5, "warm-up.invalid");
    WireWriter client = new WireWriter().text(2, CLIENT).number(3, 1);
    WireWriter source = new WireWriter().message(1, new WireWriter().message(1, client));
    WireWriter attributes =
        new WireWriter().message(1, source).message(4, new WireWriter().message(2, http));
    return new SerializedMessage(new WireWriter().message(1, attributes).toByteArray());
  }
}
