package io.ipsentry.authz.admin;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.ipsentry.authz.admin.ClusterAccess.Answer;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets only callers through that {@link AdminCallers} knows or that {@link ClusterAccess} permits,
 * and tells the services who they are. Health is for everybody: who balances load need not have a
 * token. Runs on a thread that may wait for the cluster.
 *
 * <p>Who makes a stream is looked at again and again while it is open: it ends when he may not do
 * that any more. While nobody says whether he may, it goes on. Safe for any thread.
 */
final class CallerCheck implements ServerInterceptor {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final Logger logger = LoggerFactory.getLogger(CallerCheck.class);
  private static final String HEALTH = "grpc.health.v1.Health";

  /** Longest identity that a replica may name. */
  private static final int MAX_BEHALF_BYTES = 512;

  private final Supplier<AdminCallers> callers;
  private final Optional<ClusterAccess> cluster;
  private final LongAdder refused;
  private final BanServiceEndpoint.Later later;
  private final Duration recheck;

  /**
   * @param callers of the moment
   * @param cluster empty: callers alone decide
   * @param refused counts calls that were refused
   * @param later runs what may wait for the cluster
   * @param recheck time between two looks at the caller of a stream
   */
  CallerCheck(
      Supplier<AdminCallers> callers,
      Optional<ClusterAccess> cluster,
      LongAdder refused,
      BanServiceEndpoint.Later later,
      Duration recheck) {
    this.callers = callers;
    this.cluster = cluster;
    this.refused = refused;
    this.later = later;
    this.recheck = recheck;
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    if (HEALTH.equals(call.getMethodDescriptor().getServiceName())) {
      return next.startCall(call, headers);
    }
    Caller caller;
    try {
      caller = caller(call, headers);
    } catch (StatusRuntimeException e) {
      refused.increment();
      ApiErrors.close(call, e);
      return new ServerCall.Listener<>() {};
    }
    Context context = Context.current().withValue(Caller.CURRENT, caller);
    if (call.getMethodDescriptor().getType() == MethodType.UNARY) {
      return Contexts.interceptCall(context, call, headers, next);
    }
    Open<Q, A> stream = new Open<>(call, headers);
    later.schedule(stream::look, recheck);
    return stream.listening(Contexts.interceptCall(context, stream.call, headers, next));
  }

  private Caller caller(ServerCall<?, ?> call, Metadata headers) {
    return cluster.isPresent()
        ? permitted(cluster.get(), call, headers)
        : recognised(call, headers);
  }

  /** A stream, until it ends. */
  private final class Open<Q, A> {
    final OnceClosedCall<Q, A> call;
    private final Metadata headers;
    private volatile boolean ended;
    private volatile boolean cut;

    Open(ServerCall<Q, A> call, Metadata headers) {
      this.call = new OnceClosedCall<>(call);
      this.headers = headers;
    }

    void look() {
      if (ended) {
        return;
      }
      try {
        Caller still = caller(call, headers);
        logger.atTrace().addKeyValue("caller", still).log("a stream may go on");
      } catch (StatusRuntimeException e) {
        if (e.getStatus().getCode() != Status.Code.UNAVAILABLE) {
          refused.increment();
          cut = true;
          ApiErrors.close(call, e);
          return;
        }
      }
      later.schedule(this::look, recheck);
    }

    /** The service must not take an end that it did not make for one that it did. */
    ServerCall.Listener<Q> listening(ServerCall.Listener<Q> service) {
      return new SimpleForwardingServerCallListener<>(service) {
        @Override
        public void onComplete() {
          ended = true;
          if (cut) {
            super.onCancel();
          } else {
            super.onComplete();
          }
        }

        @Override
        public void onCancel() {
          ended = true;
          super.onCancel();
        }
      };
    }
  }

  /** Where there is no cluster: who is known may do everything. */
  private Caller recognised(ServerCall<?, ?> call, Metadata headers) {
    List<X509Certificate> chain = chain(call);
    AdminCallers.Outcome outcome =
        callers
            .get()
            .look(
                headers.get(AUTHORIZATION),
                chain.isEmpty() ? null : chain.getFirst(),
                address(call));
    return switch (outcome) {
      case AdminCallers.Outcome.Known known -> known(known.identity(), call, headers);
      case AdminCallers.Outcome.Refused why -> throw unauthenticated(why.why());
    };
  }

  /**
   * One who may do everything, but whose word on others is not taken: his own name stands first.
   */
  private static Caller known(String identity, ServerCall<?, ?> call, Metadata headers) {
    boolean forwarded = headers.containsKey(CallerIdentity.ON_BEHALF_OF);
    if (forwarded && call.getMethodDescriptor().getFullMethodName().equals(CallVerbs.REPORT)) {
      // Under another name than when it comes by itself, its hits would count twice.
      throw denied("hits are passed on between users of the cluster alone (admin.kubernetesAuth)");
    }
    return Caller.named(identity, forwarded);
  }

  private Caller permitted(ClusterAccess access, ServerCall<?, ?> call, Metadata headers) {
    String token = AdminCallers.bearer(headers.get(AUTHORIZATION));
    Optional<String> own = token == null ? Optional.empty() : callers.get().withToken(token);
    if (own.isPresent()) {
      return known(own.get(), call, headers);
    }
    byte[] behalf = headers.get(CallerIdentity.ON_BEHALF_OF);
    String method = call.getMethodDescriptor().getFullMethodName();
    if (behalf != null && (!CallVerbs.isForwarded(method) || behalf.length > MAX_BEHALF_BYTES)) {
      throw denied(method + " is not called on behalf of others");
    }
    String verb =
        behalf != null
            ? CallVerbs.FORWARD
            : CallVerbs.of(method).orElseThrow(() -> denied("nobody may call " + method));
    String user = granted(access, token, chain(call), verb);
    return behalf == null
        ? Caller.user(user)
        : Caller.onBehalfOf(new String(behalf, StandardCharsets.UTF_8));
  }

  /** The user, who may. */
  private static String granted(
      ClusterAccess access, @Nullable String token, List<X509Certificate> chain, String verb) {
    if (token == null && chain.isEmpty()) {
      throw unauthenticated(
          "send a token of the cluster as authorization: Bearer TOKEN, or show a client"
              + " certificate of the cluster (--kubeconfig, --token-file, --cert)");
    }
    Answer answer = token == null ? access.certificate(chain, verb) : access.token(token, verb);
    return switch (answer) {
      case Answer.Granted granted -> granted.user();
      case Answer.Denied denied -> throw denied(denied.why());
      case Answer.Stranger stranger -> throw unauthenticated(stranger.why());
      case Answer.NoAnswer none ->
          throw ApiErrors.of(Status.Code.UNAVAILABLE, ApiErrors.Reason.ACCESS_UNKNOWN, none.why());
    };
  }

  private static StatusRuntimeException unauthenticated(String why) {
    return ApiErrors.of(Status.Code.UNAUTHENTICATED, ApiErrors.Reason.UNAUTHENTICATED, why);
  }

  private static StatusRuntimeException denied(String why) {
    return ApiErrors.of(Status.Code.PERMISSION_DENIED, ApiErrors.Reason.DENIED, why);
  }

  /** What the client showed, its own certificate first; empty: nothing. */
  private static List<X509Certificate> chain(ServerCall<?, ?> call) {
    SSLSession session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    if (session == null) {
      return List.of();
    }
    try {
      List<X509Certificate> chain = new ArrayList<>();
      for (Certificate certificate : session.getPeerCertificates()) {
        if (!(certificate instanceof X509Certificate known)) {
          return List.of();
        }
        chain.add(known);
      }
      return chain;
    } catch (SSLPeerUnverifiedException e) {
      // The client showed none.
      return List.of();
    }
  }

  private static String address(ServerCall<?, ?> call) {
    SocketAddress remote = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    return remote instanceof InetSocketAddress inet && inet.getAddress() != null
        ? inet.getAddress().getHostAddress()
        : "unknown";
  }
}
