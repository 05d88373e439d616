package io.ipsentry.authz.admin;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.BadRequest.FieldViolation;
import com.google.rpc.ErrorInfo;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.ipsentry.authz.transport.WireWriter;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.CompactedException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Failures of the API as rich statuses ({@code google.rpc.Status} in {@code
 * grpc-status-details-bin}), and how a caller reads them.
 *
 * <p>Every failure has an {@code ErrorInfo}: domain {@value #DOMAIN}, and a {@link Reason} by which
 * programs tell failures of one code apart. {@code INVALID_ARGUMENT} has a {@code BadRequest} too,
 * with every field that is wrong. The message is for people and says how to mend it. Stateless.
 */
public final class ApiErrors {
  /** Whose reasons these are. */
  public static final String DOMAIN = "ip-sentry";

  /**
   * Metadata of {@link Reason#WATCHER_TOO_SLOW}: number of the last event that was sent; 0: none.
   */
  static final String LAST_SENT = "last_sent_seq";

  /**
   * Metadata of {@link Reason#NOT_IN_THE_LOG} where older events were deleted: number of the first
   * that is kept.
   */
  static final String FIRST_KEPT = "first_kept_seq";

  private static final Metadata.Key<byte[]> STATUS_DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  // google.rpc.Status, google.protobuf.Any and google.rpc.ErrorInfo: written by their numbers, for
  // the generated ones load the descriptors, and who follows a leader meets failures.
  private static final int CODE = 1;
  private static final int MESSAGE = 2;
  private static final int DETAILS = 3;
  private static final int TYPE_URL = 1;
  private static final int VALUE = 2;
  private static final int INFO_REASON = 1;
  private static final int INFO_DOMAIN = 2;
  private static final int INFO_METADATA = 3;

  private static final Logger logger = LoggerFactory.getLogger(ApiErrors.class);

  private ApiErrors() {}

  /** Why a call failed. Names are part of the API. */
  public enum Reason {
    /** Fields of the request cannot be understood. */
    INVALID_FIELDS,
    /** As many calls as are taken at once were running. */
    TOO_MANY_CALLS,
    /** As many streams as are taken at once were open. */
    TOO_MANY_STREAMS,
    /** A watcher did not take events for too long. */
    WATCHER_TOO_SLOW,
    /** A snapshot was not taken fast enough. */
    READER_TOO_SLOW,
    /** The log is not the one that the caller named. */
    OTHER_LOG,
    /** The log does not have events around the asked number. */
    NOT_IN_THE_LOG,
    /** This process does not lead, and passes nothing on; nothing was done. */
    NOT_THE_LEADER,
    /** The log cannot be used at the moment. */
    LOG_UNAVAILABLE,
    /** The log cannot be used until somebody mends it. */
    LOG_UNUSABLE,
    /** The call took too long here. */
    TOO_LONG,
    /** The caller has opened another stream in place of this one. */
    REPLACED,
    /** The server is stopping. */
    STOPPING,
    /** The caller did not prove who it is. */
    UNAUTHENTICATED,
    /** The caller is known, and may not. */
    DENIED,
    /** Whether the caller may cannot be found out at the moment. */
    ACCESS_UNKNOWN,
    /** No replica leads, or it cannot be reached. */
    NO_LEADER,
    /** A defect of ours. */
    DEFECT
  }

  /** Fields that cannot be understood. */
  public static StatusRuntimeException invalid(List<FieldViolation> violations) {
    String message =
        violations.stream()
            .map(violation -> violation.getField() + ": " + violation.getDescription())
            .collect(Collectors.joining("; "));
    return of(
        Status.Code.INVALID_ARGUMENT,
        Reason.INVALID_FIELDS,
        message,
        Map.of(),
        BadRequest.newBuilder().addAllFieldViolations(violations).build());
  }

  public static StatusRuntimeException of(Status.Code code, Reason reason, String message) {
    return of(code, reason, message, Map.of());
  }

  /**
   * A failure.
   *
   * @param metadata facts for programs
   * @param details further ones
   */
  public static StatusRuntimeException of(
      Status.Code code,
      Reason reason,
      String message,
      Map<String, String> metadata,
      Message... details) {
    WireWriter info = new WireWriter().text(INFO_REASON, reason.name()).text(INFO_DOMAIN, DOMAIN);
    metadata.forEach((key, value) -> info.entry(INFO_METADATA, key, value));
    WireWriter status = new WireWriter().number(CODE, code.value()).text(MESSAGE, message);
    status.message(DETAILS, any("google.rpc.ErrorInfo", info.toByteArray()));
    for (Message detail : details) {
      String type = detail.getDescriptorForType().getFullName();
      status.message(DETAILS, any(type, detail.toByteArray()));
    }
    Metadata trailers = new Metadata();
    trailers.put(STATUS_DETAILS, status.toByteArray());
    return code.toStatus().withDescription(message).asRuntimeException(trailers);
  }

  private static WireWriter any(String type, byte[] detail) {
    return new WireWriter().text(TYPE_URL, "type.googleapis.com/" + type).bytes(VALUE, detail);
  }

  /** What streams are told when the server stops. */
  public static StatusRuntimeException stopping() {
    return of(Status.Code.UNAVAILABLE, Reason.STOPPING, "ip-sentry is stopping");
  }

  /** What a failed call is told; a defect of ours is logged, and not told. */
  public static StatusRuntimeException of(RuntimeException failure) {
    return switch (failure) {
      case StatusRuntimeException ready -> ready;
      case CompactedException gone ->
          of(
              Status.Code.OUT_OF_RANGE,
              Reason.NOT_IN_THE_LOG,
              String.valueOf(gone.getMessage()),
              Map.of(FIRST_KEPT, Long.toString(gone.firstKept())));
      case BanLogException log when log.isTransient() ->
          of(Status.Code.UNAVAILABLE, Reason.LOG_UNAVAILABLE, String.valueOf(log.getMessage()));
      case BanLogException log ->
          of(
              Status.Code.FAILED_PRECONDITION,
              Reason.LOG_UNUSABLE,
              String.valueOf(log.getMessage()));
      default -> {
        logger.atError().setCause(failure).log("a call of the admin API failed");
        yield of(
            Status.Code.INTERNAL, Reason.DEFECT, "a defect; the log of ip-sentry has the details");
      }
    };
  }

  /** Ends a call with a failure. */
  static void close(ServerCall<?, ?> call, StatusRuntimeException failure) {
    Metadata trailers = failure.getTrailers();
    call.close(failure.getStatus(), trailers == null ? new Metadata() : trailers);
  }

  // --- for callers

  /** The reason of a failure; empty: it is none of ours, or of a newer version. */
  public static Optional<Reason> reason(StatusRuntimeException failure) {
    return info(failure)
        .map(ErrorInfo::getReason)
        .flatMap(name ->
            List.of(Reason.values()).stream()
                .filter(reason -> reason.name().equals(name))
                .findFirst());
  }

  /** The fields that were refused; empty unless the code is {@code INVALID_ARGUMENT}. */
  public static List<FieldViolation> violations(StatusRuntimeException failure) {
    return detail(failure, BadRequest.class)
        .map(BadRequest::getFieldViolationsList)
        .orElse(List.of());
  }

  /** Number of the last event that was sent to a watcher that was cut; 0: none. */
  public static OptionalLong lastSent(StatusRuntimeException failure) {
    return number(failure, LAST_SENT);
  }

  /** Number of the first event from which all are kept; empty: none was deleted. */
  public static OptionalLong firstKept(StatusRuntimeException failure) {
    return number(failure, FIRST_KEPT);
  }

  private static OptionalLong number(StatusRuntimeException failure, String key) {
    String number = info(failure).map(info -> info.getMetadataOrDefault(key, "")).orElse("");
    return number.matches("[0-9]{1,18}")
        ? OptionalLong.of(Long.parseLong(number))
        : OptionalLong.empty();
  }

  private static Optional<ErrorInfo> info(StatusRuntimeException failure) {
    return detail(failure, ErrorInfo.class).filter(info -> info.getDomain().equals(DOMAIN));
  }

  private static <T extends Message> Optional<T> detail(
      StatusRuntimeException failure, Class<T> type) {
    com.google.rpc.Status status = StatusProto.fromThrowable(failure);
    if (status == null) {
      return Optional.empty();
    }
    for (Any detail : status.getDetailsList()) {
      if (detail.is(type)) {
        try {
          return Optional.of(detail.unpack(type));
        } catch (InvalidProtocolBufferException e) {
          // A broken detail says nothing; the code and the message are still there.
          logger.atDebug().setCause(e).log("a detail of a status cannot be read");
        }
      }
    }
    return Optional.empty();
  }
}
