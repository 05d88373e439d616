package io.ipsentry.authz.forward;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.AdminEndpointException;
import io.ipsentry.authz.admin.ApiErrors;
import io.ipsentry.authz.admin.TokenSource;
import io.ipsentry.config.ClusterStoreConfig.LeaderConfig;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The way to the admin API of whoever leads: each call goes to the leader of that moment. When the
 * leader changes, calls to the one before may still end; they are cut when the leader changes once
 * more. Safe for any thread.
 */
public final class LeaderChannel implements AutoCloseable {
  /** Where Kubernetes puts a pod's own token. */
  private static final Path SERVICE_ACCOUNT_TOKEN =
      Path.of("/var/run/secrets/kubernetes.io/serviceaccount/token");

  private static final int MAX_PORT = 65_535;

  private final Supplier<LeaderView> leader;
  private final Optional<AdminEndpoint.Tls> tls;
  private final TokenSource token;
  private final Channel channel = new Current();
  private @Nullable Way now;
  private @Nullable Way before;
  private boolean closed;

  private record Way(String address, AdminChannel channel) {}

  /**
   * @param leader asked at each call
   * @param tls empty: plaintext
   * @param token that this process shows
   */
  public LeaderChannel(
      Supplier<LeaderView> leader, Optional<AdminEndpoint.Tls> tls, TokenSource token) {
    this.leader = leader;
    this.tls = tls;
    this.token = token;
  }

  /** As a configuration says. */
  public static LeaderChannel of(LeaderConfig config, Supplier<LeaderView> leader) {
    return new LeaderChannel(
        leader,
        config.insecure()
            ? Optional.empty()
            : Optional.of(AdminEndpoint.Tls.of(config.ca(), config.serverName())),
        TokenSource.file(config.tokenFile().orElse(SERVICE_ACCOUNT_TOKEN)));
  }

  /**
   * What calls are made on. While nobody else leads, they fail with {@code UNAVAILABLE}, as they do
   * when the files for TLS cannot be used.
   */
  public Channel channel() {
    return channel;
  }

  /** Who leads now. */
  LeaderView leader() {
    return leader.get();
  }

  /** Why a call failed, for people, and how to mend it. */
  synchronized String why(StatusRuntimeException failure) {
    // What the leader, or this class, says is plain; what the network says is not.
    return now == null || ApiErrors.reason(failure).isPresent()
        ? String.valueOf(failure.getStatus().getDescription())
        : now.channel().why(failure);
  }

  /** Lets the next call connect at once, although an attempt has just failed. */
  public synchronized void connectNow() {
    if (now != null) {
      now.channel().connectNow();
    }
  }

  private Channel current() {
    return switch (leader.get()) {
      case LeaderView.Self _ ->
          throw unreachable("this replica leads, so there is nobody to pass calls on to");
      case LeaderView.Nobody(String why) -> throw unreachable(why);
      case LeaderView.Other other -> to(other.address());
    };
  }

  private synchronized Channel to(String address) {
    if (closed) {
      throw unreachable("ip-sentry is stopping");
    }
    Way way = now;
    if (way == null || !way.address().equals(address)) {
      try {
        way = new Way(address, AdminChannel.open(endpoint(address)));
      } catch (AdminEndpointException | IllegalArgumentException e) {
        throw unreachable("the leader " + address + " cannot be reached: " + e.getMessage());
      }
      if (before != null) {
        before.channel().close();
      }
      before = now;
      now = way;
    }
    return way.channel().channel();
  }

  private AdminEndpoint endpoint(String address) {
    int colon = address.lastIndexOf(':');
    String host = address.substring(0, Math.max(0, colon));
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    }
    int port;
    try {
      port = Integer.parseInt(address.substring(colon + 1));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("its address has no port", e);
    }
    if (host.isEmpty() || port < 1 || port > MAX_PORT) {
      throw new IllegalArgumentException("its address is not HOST:PORT");
    }
    return new AdminEndpoint.Tcp(host, port, tls, Optional.of(token));
  }

  private static StatusRuntimeException unreachable(String why) {
    return ApiErrors.of(Status.Code.UNAVAILABLE, ApiErrors.Reason.NO_LEADER, why);
  }

  @Override
  public synchronized void close() {
    closed = true;
    for (Way way : new Way[] {now, before}) {
      if (way != null) {
        way.channel().close();
      }
    }
  }

  /** Chooses the way at each call. */
  private final class Current extends Channel {
    @Override
    public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
      try {
        return current().newCall(method, options);
      } catch (StatusRuntimeException e) {
        return new FailedCall<>(e);
      }
    }

    @Override
    public String authority() {
      return "leader";
    }
  }

  /** A call that was over before it began. */
  private static final class FailedCall<Q, A> extends ClientCall<Q, A> {
    private final StatusRuntimeException failure;

    FailedCall(StatusRuntimeException failure) {
      this.failure = failure;
    }

    @Override
    public void start(Listener<A> responses, Metadata headers) {
      Metadata trailers = failure.getTrailers();
      responses.onClose(failure.getStatus(), trailers == null ? new Metadata() : trailers);
    }

    @Override
    public void request(int messages) {}

    @Override
    public void cancel(@Nullable String message, @Nullable Throwable cause) {}

    @Override
    public void halfClose() {}

    @Override
    public void sendMessage(Q message) {}
  }
}
