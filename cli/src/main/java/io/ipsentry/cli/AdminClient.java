package io.ipsentry.cli;

import com.google.rpc.BadRequest.FieldViolation;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.ipsentry.authz.admin.ApiErrors;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.BanServiceGrpc.BanServiceBlockingStub;
import io.ipsentry.proto.v1.BanServiceGrpc.BanServiceStub;
import io.ipsentry.proto.v1.GetStatusRequest;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.proto.v1.StatusServiceGrpc;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * A connection to the admin API of a running instance. Safe for any thread.
 *
 * <p>Failures come out as {@link BanLogException} and {@link IllegalArgumentException}.
 */
final class AdminClient implements AutoCloseable {
  /** Longest wait for an answer. */
  static final Duration DEADLINE = Duration.ofSeconds(30);

  /** Largest answer: a full page with the longest texts. */
  private static final int MAX_ANSWER_BYTES = 64 << 20;

  private final Path socket;
  private final EventLoopGroup loop;
  private final ExecutorService callbacks;
  private final ManagedChannel channel;

  AdminClient(Path socket) {
    GrpcLogging.install();
    this.socket = socket;
    loop =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("admin-client", true), NioIoHandler.newFactory());
    callbacks = Executors.newVirtualThreadPerTaskExecutor();
    channel =
        NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(socket))
            .channelType(NioDomainSocketChannel.class)
            .eventLoopGroup(loop)
            .executor(callbacks)
            .maxInboundMessageSize(MAX_ANSWER_BYTES)
            .overrideAuthority("ip-sentry")
            .usePlaintext()
            .build();
  }

  /** Calls of which each has the deadline. */
  BanServiceBlockingStub bans() {
    return BanServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** For streams, which have no deadline. */
  BanServiceStub streams() {
    return BanServiceGrpc.newStub(channel);
  }

  GetStatusResponse status() {
    return ask(() ->
        StatusServiceGrpc.newBlockingStub(channel)
            .withDeadlineAfter(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
            .getStatus(GetStatusRequest.getDefaultInstance()));
  }

  /** Makes a call that changes nothing. */
  <T> T ask(Supplier<T> call) {
    try {
      return call.get();
    } catch (StatusRuntimeException e) {
      throw failure(e, "");
    }
  }

  /** Makes a call that may have had its effect although no answer came. */
  <T> T change(Supplier<T> call) {
    try {
      return call.get();
    } catch (StatusRuntimeException e) {
      throw failure(e, "; see with get whether the change was made, or make it again");
    }
  }

  /** What a failed call means to the user. */
  RuntimeException failure(StatusRuntimeException e, String uncertain) {
    String told = e.getStatus().getDescription();
    String detail = told == null || told.isEmpty() ? e.getStatus().getCode().name() : told;
    return switch (e.getStatus().getCode()) {
      case INVALID_ARGUMENT -> new RejectedRequestException(rejected(detail, e), e);
      case ABORTED, OUT_OF_RANGE -> BanLogException.permanent(detail, e);
      case RESOURCE_EXHAUSTED ->
          BanLogException.transientFailure("ip-sentry on " + socket + " is busy: " + detail, e);
      case FAILED_PRECONDITION -> BanLogException.permanent(detail, e);
      case UNIMPLEMENTED ->
          BanLogException.permanent(
              "ip-sentry on " + socket + " is older than this command; restart it", e);
      case DEADLINE_EXCEEDED ->
          BanLogException.transientFailure(
              "ip-sentry on "
                  + socket
                  + " did not answer within "
                  + DEADLINE.toSeconds()
                  + " s"
                  + uncertain,
              e);
      default ->
          BanLogException.transientFailure(
              "no answer from ip-sentry on " + socket + " (" + detail + ")" + uncertain, e);
    };
  }

  /** Names each field that was refused, one a line. */
  private String rejected(String detail, StatusRuntimeException e) {
    List<FieldViolation> violations = ApiErrors.violations(e);
    return "ip-sentry on "
        + socket
        + " does not take this request"
        + (violations.isEmpty()
            ? ": " + detail
            : violations.stream()
                .map(violation -> violation.getField() + ": " + violation.getDescription())
                .collect(Collectors.joining("\n  ", ":\n  ", "")));
  }

  @Override
  public void close() {
    channel.shutdownNow();
    try {
      channel.awaitTermination(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    callbacks.shutdownNow();
    loop.shutdownGracefully(0, 100, TimeUnit.MILLISECONDS).awaitUninterruptibly(1_000);
  }
}
