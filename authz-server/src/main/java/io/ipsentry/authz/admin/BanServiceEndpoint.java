package io.ipsentry.authz.admin;

import com.google.protobuf.Duration;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AllowOutcome;
import io.ipsentry.banlog.BanHistory;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanOutcome;
import io.ipsentry.banlog.DisallowOutcome;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.Page;
import io.ipsentry.banlog.Standing;
import io.ipsentry.banlog.UnbanOutcome;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.proto.v1.AllowRequest;
import io.ipsentry.proto.v1.AllowResponse;
import io.ipsentry.proto.v1.BanRequest;
import io.ipsentry.proto.v1.BanResponse;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.DisallowRequest;
import io.ipsentry.proto.v1.DisallowResponse;
import io.ipsentry.proto.v1.GetRequest;
import io.ipsentry.proto.v1.GetResponse;
import io.ipsentry.proto.v1.HistoryRequest;
import io.ipsentry.proto.v1.HistoryResponse;
import io.ipsentry.proto.v1.ListRequest;
import io.ipsentry.proto.v1.ListResponse;
import io.ipsentry.proto.v1.UnbanRequest;
import io.ipsentry.proto.v1.UnbanResponse;
import io.ipsentry.proto.v1.WatchRequest;
import io.ipsentry.proto.v1.WatchResponse;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code BanService}: reads requests, lets {@link BanOperations} act, writes responses. */
final class BanServiceEndpoint extends BanServiceGrpc.BanServiceImplBase {
  /** Entries of a page when the caller does not say. */
  static final int DEFAULT_PAGE_ENTRIES = 1_000;

  private static final String DEFAULT_BY = "admin-api";

  /** Longest duration: a hundred years; whoever means more means permanent. */
  private static final long MAX_LENGTH_SECONDS = 36_500L * 86_400;

  private static final Logger logger = LoggerFactory.getLogger(BanServiceEndpoint.class);

  private final BanOperations operations;
  private final Set<EventStream> streams = ConcurrentHashMap.newKeySet();

  BanServiceEndpoint(BanOperations operations) {
    this.operations = operations;
  }

  @Override
  public void ban(BanRequest request, StreamObserver<BanResponse> responses) {
    answer(responses, () -> ban(request));
  }

  private BanResponse ban(BanRequest request) {
    IpPrefix ip = IpPrefix.parse(request.getIp());
    java.time.Duration length =
        switch (request.getLengthCase()) {
          case DURATION -> length(request.getDuration());
          case PERMANENT -> permanent(request.getPermanent());
          case LENGTH_NOT_SET -> BanOperations.DEFAULT_LENGTH;
        };
    BanOutcome outcome = operations.ban(ip, length, request.getReason(), by(request.getBy()));
    BanResponse.Builder response = BanResponse.newBuilder();
    switch (outcome) {
      case BanOutcome.Banned banned -> {
        BanResponse.Banned.Builder message =
            BanResponse.Banned.newBuilder().setBan(WireMessages.toProto(banned.ban()));
        if (banned.previous() != null) {
          message.setPrevious(WireMessages.toProto(banned.previous()));
        }
        response.setBanned(message);
      }
      case BanOutcome.AlreadyBanned already ->
          response.setAlready(
              BanResponse.AlreadyBanned.newBuilder().setBan(WireMessages.toProto(already.ban())));
      case BanOutcome.Refused refused ->
          response.setRefused(WireMessages.toProto(refused.refusal()));
    }
    return response.build();
  }

  @Override
  public void unban(UnbanRequest request, StreamObserver<UnbanResponse> responses) {
    answer(responses, () -> unban(request));
  }

  private UnbanResponse unban(UnbanRequest request) {
    IpPrefix ip = IpPrefix.parse(request.getIp());
    UnbanOutcome outcome = operations.unban(ip, request.getReason(), by(request.getBy()));
    UnbanResponse.Builder response = UnbanResponse.newBuilder();
    switch (outcome) {
      case UnbanOutcome.Unbanned unbanned ->
          response.setUnbanned(
              UnbanResponse.Unbanned.newBuilder()
                  .setSeq(unbanned.seq())
                  .setBan(WireMessages.toProto(unbanned.ban()))
                  .addAllStillCoveredBy(WireMessages.toProto(unbanned.stillCoveredBy())));
      case UnbanOutcome.NotBanned notBanned ->
          response.setNotBanned(
              UnbanResponse.NotBanned.newBuilder()
                  .setIp(notBanned.ip().toString())
                  .addAllCoveredBy(WireMessages.toProto(notBanned.coveredBy())));
    }
    return response.build();
  }

  @Override
  public void allow(AllowRequest request, StreamObserver<AllowResponse> responses) {
    answer(responses, () -> allow(request));
  }

  private AllowResponse allow(AllowRequest request) {
    IpPrefix ip = IpPrefix.parse(request.getIp());
    java.time.Duration length = request.hasDuration() ? length(request.getDuration()) : null;
    AllowOutcome outcome = operations.allow(ip, length, request.getReason(), by(request.getBy()));
    AllowResponse.Builder response = AllowResponse.newBuilder();
    switch (outcome) {
      case AllowOutcome.Allowed allowed ->
          response.setAllowed(
              AllowResponse.Allowed.newBuilder()
                  .setEntry(WireMessages.toProto(allowed.entry()))
                  .addAllWithoutForce(WireMessages.toProto(allowed.withoutForce())));
      case AllowOutcome.AlreadyAllowed already ->
          response.setAlready(
              AllowResponse.AlreadyAllowed.newBuilder()
                  .setEntry(WireMessages.toProto(already.entry())));
    }
    return response.build();
  }

  @Override
  public void disallow(DisallowRequest request, StreamObserver<DisallowResponse> responses) {
    answer(responses, () -> disallow(request));
  }

  private DisallowResponse disallow(DisallowRequest request) {
    IpPrefix ip = IpPrefix.parse(request.getIp());
    DisallowOutcome outcome = operations.disallow(ip, request.getReason(), by(request.getBy()));
    DisallowResponse.Builder response = DisallowResponse.newBuilder();
    switch (outcome) {
      case DisallowOutcome.Disallowed disallowed ->
          response.setDisallowed(
              DisallowResponse.Disallowed.newBuilder()
                  .setSeq(disallowed.seq())
                  .addAllInForceAgain(WireMessages.toProto(disallowed.inForceAgain())));
      case DisallowOutcome.NotAllowed notAllowed -> {
        DisallowResponse.NotAllowed.Builder message =
            DisallowResponse.NotAllowed.newBuilder().setIp(notAllowed.ip().toString());
        notAllowed.coveredBy().forEach(entry -> message.addCoveredBy(WireMessages.toProto(entry)));
        if (notAllowed.configured() != null) {
          message.setConfigured(WireMessages.toProto(notAllowed.configured()));
        }
        response.setNotAllowed(message);
      }
    }
    return response.build();
  }

  @Override
  public void get(GetRequest request, StreamObserver<GetResponse> responses) {
    answer(responses, () -> get(request));
  }

  private GetResponse get(GetRequest request) {
    Standing standing = operations.get(IpPrefix.parse(request.getIp()));
    GetResponse.Builder response =
        GetResponse.newBuilder()
            .setIp(standing.ip().toString())
            .setBanned(standing.banned())
            .addAllBans(WireMessages.toProto(standing.bans()));
    standing.allowedBy().forEach(entry -> response.addAllowedBy(WireMessages.toProto(entry)));
    if (standing.protectedBy() != null) {
      response.setProtectedBy(WireMessages.toProto(standing.protectedBy()));
    }
    return response.build();
  }

  @Override
  public void list(ListRequest request, StreamObserver<ListResponse> responses) {
    answer(responses, () -> list(request));
  }

  private ListResponse list(ListRequest request) {
    Instant at = request.hasAt() ? WireMessages.time(request.getAt()) : null;
    int size = pageSize(request.getPageSize());
    ListResponse.Builder response = ListResponse.newBuilder();
    Page<?> page;
    if (request.getAllowed()) {
      Page<Allowance> allowed = operations.listAllowed(at, size, request.getPageToken());
      allowed.entries().forEach(entry -> response.addAllowed(WireMessages.toProto(entry)));
      page = allowed;
    } else {
      Page<ListedBan> bans = operations.list(at, size, request.getPageToken());
      response.addAllBans(WireMessages.toProto(bans.entries()));
      page = bans;
    }
    return response
        .setNextPageToken(page.next())
        .setTotal(page.total())
        .setAt(WireMessages.toProto(page.at()))
        .setHead(page.head())
        .build();
  }

  @Override
  public void history(HistoryRequest request, StreamObserver<HistoryResponse> responses) {
    answer(responses, () -> history(request));
  }

  private HistoryResponse history(HistoryRequest request) {
    IpPrefix ip = request.getIp().isEmpty() ? null : IpPrefix.parse(request.getIp());
    long before =
        request.getBeforeSeq() == 0 ? BanHistory.FROM_NEWEST : seq(request.getBeforeSeq());
    List<SequencedEvent> events = operations.history(ip, before, pageSize(request.getPageSize()));
    HistoryResponse.Builder response = HistoryResponse.newBuilder();
    events.forEach(event -> response.addEvents(WireMessages.toProto(event)));
    return response.build();
  }

  @Override
  public void watch(WatchRequest request, StreamObserver<WatchResponse> responses) {
    EventStream stream =
        new EventStream((ServerCallStreamObserver<WatchResponse>) responses, streams::remove);
    streams.add(stream);
    try {
      stream.follow(operations, seq(request.getFromSeq()));
    } catch (RuntimeException e) {
      stream.end(status(e));
    }
  }

  /** Ends every watch, so that the server can stop. */
  void endWatches() {
    streams.forEach(
        stream -> stream.end(Status.UNAVAILABLE.withDescription("ip-sentry is stopping")));
  }

  /** Sends what the call gives, or the status for what it throws. */
  static <T> void answer(StreamObserver<T> responses, Supplier<T> call) {
    T response;
    try {
      response = call.get();
    } catch (RuntimeException e) {
      responses.onError(status(e).asRuntimeException());
      return;
    }
    responses.onNext(response);
    responses.onCompleted();
  }

  /** The status for a failure; what is a defect of ours is logged, and not told to the caller. */
  static Status status(RuntimeException e) {
    return switch (e) {
      case IllegalArgumentException wrong ->
          Status.INVALID_ARGUMENT.withDescription(wrong.getMessage());
      case BanLogException failure when failure.isTransient() ->
          Status.UNAVAILABLE.withDescription(failure.getMessage());
      case BanLogException failure ->
          Status.FAILED_PRECONDITION.withDescription(failure.getMessage());
      default -> {
        logger.atError().setCause(e).log("a call of the admin API failed");
        yield Status.INTERNAL.withDescription("a defect; the log of ip-sentry has the details");
      }
    };
  }

  private static java.time.@Nullable Duration permanent(boolean permanent) {
    if (!permanent) {
      throw new IllegalArgumentException("permanent must be true, or leave it out");
    }
    return null;
  }

  private static java.time.Duration length(Duration length) {
    if (length.getSeconds() < 0
        || length.getSeconds() > MAX_LENGTH_SECONDS
        || length.getNanos() < 0
        || length.getNanos() >= 1_000_000_000
        || (length.getSeconds() == 0 && length.getNanos() < 1_000_000)) {
      throw new IllegalArgumentException(
          "a duration must be 1 ms to 36500 days; leave it out or use permanent for ever");
    }
    return java.time.Duration.ofSeconds(length.getSeconds(), length.getNanos());
  }

  private static int pageSize(int asked) {
    if (asked < 0 || asked > BanOperations.MAX_PAGE_ENTRIES) {
      throw new IllegalArgumentException(
          "page_size must be at most " + BanOperations.MAX_PAGE_ENTRIES);
    }
    return asked == 0 ? DEFAULT_PAGE_ENTRIES : asked;
  }

  private static long seq(long asked) {
    if (asked < 0) {
      throw new IllegalArgumentException("a sequence number must be below 2^63");
    }
    return asked;
  }

  private static String by(String asked) {
    return asked.isBlank() ? DEFAULT_BY : asked;
  }
}
