package io.ipsentry.authz.admin;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * Lets only callers through that {@link AdminCallers} knows, and tells the services who they are.
 * Health is for everybody: who balances load need not have a token. Safe for any thread.
 */
final class CallerCheck implements ServerInterceptor {
  /** Who calls; absent on the Unix socket, where callers are believed. */
  static final Context.Key<String> IDENTITY = Context.key("ip-sentry-caller");

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final String HEALTH = "grpc.health.v1.Health";

  private final Supplier<AdminCallers> callers;
  private final LongAdder refused;

  /**
   * @param callers of the moment
   * @param refused counts calls that were refused
   */
  CallerCheck(Supplier<AdminCallers> callers, LongAdder refused) {
    this.callers = callers;
    this.refused = refused;
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    if (HEALTH.equals(call.getMethodDescriptor().getServiceName())) {
      return next.startCall(call, headers);
    }
    AdminCallers.Outcome outcome =
        callers.get().look(headers.get(AUTHORIZATION), certificate(call), address(call));
    return switch (outcome) {
      case AdminCallers.Outcome.Known known ->
          Contexts.interceptCall(
              Context.current().withValue(IDENTITY, known.identity()), call, headers, next);
      case AdminCallers.Outcome.Refused why -> {
        refused.increment();
        ApiErrors.close(
            call,
            ApiErrors.of(Status.Code.UNAUTHENTICATED, ApiErrors.Reason.UNAUTHENTICATED, why.why()));
        yield new ServerCall.Listener<>() {};
      }
    };
  }

  private static @Nullable X509Certificate certificate(ServerCall<?, ?> call) {
    SSLSession session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    if (session == null) {
      return null;
    }
    try {
      Certificate[] chain = session.getPeerCertificates();
      return chain.length > 0 && chain[0] instanceof X509Certificate first ? first : null;
    } catch (SSLPeerUnverifiedException e) {
      // The client showed none.
      return null;
    }
  }

  private static String address(ServerCall<?, ?> call) {
    SocketAddress remote = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    return remote instanceof InetSocketAddress inet && inet.getAddress() != null
        ? inet.getAddress().getHostAddress()
        : "unknown";
  }
}
