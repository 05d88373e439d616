package io.ipsentry.cli;

import com.google.rpc.BadRequest.FieldViolation;
import io.grpc.StatusRuntimeException;
import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.ApiErrors;
import io.ipsentry.authz.checks.CheckMessages;
import io.ipsentry.authz.verdict.CheckedRequest;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.CompactedException;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.BanServiceGrpc.BanServiceBlockingStub;
import io.ipsentry.proto.v1.BanServiceGrpc.BanServiceStub;
import io.ipsentry.proto.v1.CheckServiceGrpc;
import io.ipsentry.proto.v1.GetStatusRequest;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.proto.v1.ListChecksRequest;
import io.ipsentry.proto.v1.StatusServiceGrpc;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
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

  private final AdminChannel channel;
  private final String name;

  AdminClient(AdminEndpoint endpoint) {
    GrpcLogging.install();
    channel = AdminChannel.open(endpoint);
    name = endpoint.text();
  }

  /** Calls of which each has the deadline. */
  BanServiceBlockingStub bans() {
    return BanServiceGrpc.newBlockingStub(channel.channel())
        .withDeadlineAfter(DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** For streams, which have no deadline. */
  BanServiceStub streams() {
    return BanServiceGrpc.newStub(channel.channel());
  }

  GetStatusResponse status() {
    return ask(() ->
        StatusServiceGrpc.newBlockingStub(channel.channel())
            .withDeadlineAfter(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
            .getStatus(GetStatusRequest.getDefaultInstance()));
  }

  /** A few of the requests that were judged lately. */
  List<CheckedRequest> checks() {
    return ask(() ->
        CheckServiceGrpc.newBlockingStub(channel.channel())
            .withDeadlineAfter(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
            .listChecks(ListChecksRequest.getDefaultInstance())
            .getChecksList()
            .stream()
            .map(CheckMessages::check)
            .toList());
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
      case ABORTED -> BanLogException.permanent(detail, e);
      case OUT_OF_RANGE -> {
        OptionalLong firstKept = ApiErrors.firstKept(e);
        yield firstKept.isPresent()
            ? new CompactedException(firstKept.getAsLong())
            : BanLogException.permanent(detail, e);
      }
      case RESOURCE_EXHAUSTED ->
          BanLogException.transientFailure("ip-sentry on " + name + " is busy: " + detail, e);
      case FAILED_PRECONDITION -> BanLogException.permanent(detail, e);
      case UNIMPLEMENTED ->
          BanLogException.permanent(
              "ip-sentry on " + name + " is older than this command; restart it", e);
      case DEADLINE_EXCEEDED ->
          BanLogException.transientFailure(
              "ip-sentry on "
                  + name
                  + " did not answer within "
                  + DEADLINE.toSeconds()
                  + " s"
                  + uncertain,
              e);
      case UNAUTHENTICATED, PERMISSION_DENIED ->
          BanLogException.permanent("ip-sentry on " + name + " does not know you: " + detail, e);
      default ->
          BanLogException.transientFailure(
              "no answer from ip-sentry on " + name + " (" + channel.why(e) + ")" + uncertain, e);
    };
  }

  /** Names each field that was refused, one a line. */
  private String rejected(String detail, StatusRuntimeException e) {
    List<FieldViolation> violations = ApiErrors.violations(e);
    return "ip-sentry on "
        + name
        + " does not take this request"
        + (violations.isEmpty()
            ? ": " + detail
            : violations.stream()
                .map(violation -> violation.getField() + ": " + violation.getDescription())
                .collect(Collectors.joining("\n  ", ":\n  ", "")));
  }

  @Override
  public void close() {
    channel.close();
  }
}
