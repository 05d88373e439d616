package io.ipsentry.authz.admin;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.ipsentry.authz.admin.RequestFields.Field;
import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
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
import io.ipsentry.proto.v1.FeedPartRequest;
import io.ipsentry.proto.v1.FeedPartResponse;
import io.ipsentry.proto.v1.GetRequest;
import io.ipsentry.proto.v1.GetResponse;
import io.ipsentry.proto.v1.HistoryRequest;
import io.ipsentry.proto.v1.HistoryResponse;
import io.ipsentry.proto.v1.ListRequest;
import io.ipsentry.proto.v1.ListResponse;
import io.ipsentry.proto.v1.SnapshotRequest;
import io.ipsentry.proto.v1.SnapshotResponse;
import io.ipsentry.proto.v1.UnbanRequest;
import io.ipsentry.proto.v1.UnbanResponse;
import io.ipsentry.proto.v1.WatchRequest;
import io.ipsentry.proto.v1.WatchResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code BanService}: reads requests, lets {@link BanOperations} act, writes responses. */
final class BanServiceEndpoint extends BanServiceGrpc.BanServiceImplBase {
  private static final String DEFAULT_BY = "admin-api";

  /** Between two tellings of a watcher how far the log goes. */
  private static final Duration PROGRESS_INTERVAL = Duration.ofSeconds(2);

  private static final Logger logger = LoggerFactory.getLogger(BanServiceEndpoint.class);

  private final BanOperations operations;
  private final AdminLimits limits;
  private final Later later;
  private final @Nullable SnapshotStreams snapshots;
  private final Set<EventStream> streams = ConcurrentHashMap.newKeySet();

  /** Runs something after a while, on a thread that may wait for the log. */
  @FunctionalInterface
  interface Later {
    void schedule(Runnable task, Duration delay);
  }

  /**
   * @param snapshots null: followers get none
   */
  BanServiceEndpoint(
      BanOperations operations,
      AdminLimits limits,
      Later later,
      @Nullable SnapshotStreams snapshots) {
    this.operations = operations;
    this.limits = limits;
    this.later = later;
    this.snapshots = snapshots;
  }

  @Override
  public void ban(BanRequest request, StreamObserver<BanResponse> responses) {
    answer(responses, () -> ban(request));
  }

  private BanResponse ban(BanRequest request) {
    RequestFields fields = new RequestFields();
    Field<IpPrefix> ip = fields.address("ip", request.getIp());
    Duration length =
        switch (request.getLengthCase()) {
          case DURATION -> fields.length("duration", request.getDuration()).read();
          case PERMANENT -> {
            if (!request.getPermanent()) {
              fields.wrong("permanent", "must be true, or leave it out");
            }
            yield null;
          }
          case LENGTH_NOT_SET -> BanOperations.DEFAULT_LENGTH;
        };
    fields.check();
    BanOutcome outcome =
        operations.ban(ip.value(), length, request.getReason(), by(request.getBy()));
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
    IpPrefix ip = address(request.getIp());
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
    RequestFields fields = new RequestFields();
    Field<IpPrefix> ip = fields.address("ip", request.getIp());
    Duration length =
        request.hasDuration() ? fields.length("duration", request.getDuration()).read() : null;
    fields.check();
    AllowOutcome outcome =
        operations.allow(ip.value(), length, request.getReason(), by(request.getBy()));
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
    IpPrefix ip = address(request.getIp());
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
    Standing standing = operations.get(address(request.getIp()));
    GetResponse.Builder response =
        GetResponse.newBuilder()
            .setIp(standing.ip().toString())
            .setBanned(standing.banned())
            .addAllBans(WireMessages.toProto(standing.bans()));
    standing.allowedBy().forEach(entry -> response.addAllowedBy(WireMessages.toProto(entry)));
    if (standing.protectedBy() != null) {
      response.setProtectedBy(WireMessages.toProto(standing.protectedBy()));
    }
    standing.heldBy().forEach(feed -> response.addHeldBy(WireMessages.toProto(feed)));
    response.addAllUnreadFeeds(standing.unreadFeeds());
    return response.build();
  }

  @Override
  public void list(ListRequest request, StreamObserver<ListResponse> responses) {
    answer(responses, () -> list(request));
  }

  private ListResponse list(ListRequest request) {
    RequestFields fields = new RequestFields();
    Instant at = request.hasAt() ? fields.time("at", request.getAt()).read() : null;
    int size = fields.pageSize("page_size", request.getPageSize());
    String token = request.getPageToken();
    if (request.getFeeds() && request.getAllowed()) {
      fields.wrong("feeds", "ask for the feeds or for the allowlist");
    }
    fields.check();
    ListResponse.Builder response = ListResponse.newBuilder();
    Page<?> page;
    if (request.getAllowed()) {
      Page<Allowance> allowed = page(() -> operations.listAllowed(at, size, token));
      allowed.entries().forEach(entry -> response.addAllowed(WireMessages.toProto(entry)));
      page = allowed;
    } else if (request.getFeeds()) {
      Page<FeedState> feeds = operations.listFeeds(at);
      feeds.entries().forEach(feed -> response.addFeeds(WireMessages.toProto(feed)));
      page = feeds;
    } else {
      Page<ListedBan> bans = page(() -> operations.list(at, size, token));
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

  /** All else was checked, so what is refused is the token. */
  private static <T> T page(Supplier<T> listing) {
    RequestFields fields = new RequestFields();
    Field<T> page = fields.read("page_token", listing);
    fields.check();
    return page.value();
  }

  @Override
  public void feedPart(FeedPartRequest request, StreamObserver<FeedPartResponse> responses) {
    answer(responses, () -> feedPart(request));
  }

  private FeedPartResponse feedPart(FeedPartRequest request) {
    Optional<BanEvent.Feed> announced =
        operations.listFeeds(null).entries().stream()
            .map(FeedState::feed)
            .filter(feed ->
                feed.feed().equals(request.getFeed())
                    && feed.digest().equals(request.getDigest())
                    && feed.entries() > 0)
            .findFirst();
    return announced
        .flatMap(operations::feedPrefixes)
        .map(prefixes -> FeedParts.part(prefixes, request.getPart()))
        .orElseGet(FeedPartResponse::getDefaultInstance);
  }

  @Override
  public void history(HistoryRequest request, StreamObserver<HistoryResponse> responses) {
    answer(responses, () -> history(request));
  }

  private HistoryResponse history(HistoryRequest request) {
    RequestFields fields = new RequestFields();
    IpPrefix ip = request.getIp().isEmpty() ? null : fields.address("ip", request.getIp()).read();
    long before =
        request.getBeforeSeq() == 0
            ? BanHistory.FROM_NEWEST
            : fields.seq("before_seq", request.getBeforeSeq());
    int size = fields.pageSize("page_size", request.getPageSize());
    fields.check();
    List<SequencedEvent> events = operations.history(ip, before, size);
    HistoryResponse.Builder response = HistoryResponse.newBuilder();
    events.forEach(event -> response.addEvents(WireMessages.toProto(event)));
    return response.build();
  }

  @Override
  public void watch(WatchRequest request, StreamObserver<WatchResponse> responses) {
    EventStream stream =
        new EventStream(
            (ServerCallStreamObserver<WatchResponse>) responses,
            limits.watchStall(),
            streams::remove);
    streams.add(stream);
    try {
      RequestFields fields = new RequestFields();
      long from = fields.seq("from_seq", request.getFromSeq());
      fields.check();
      if (snapshots != null) {
        snapshots.checkLog(request.getLogId());
      }
      stream.follow(operations, existing(from));
      if (request.getProgress()) {
        tellProgress(stream);
      }
    } catch (RuntimeException e) {
      stream.end(ApiErrors.of(e));
    }
  }

  /** Tells a watcher how far the log goes, now and again and again until it ends. */
  private void tellProgress(EventStream stream) {
    if (stream.hasEnded()) {
      return;
    }
    try {
      stream.progress(head());
    } catch (BanLogException e) {
      // The subscription meets the same and ends the stream if it is for good.
      logger.atDebug().setCause(e).log("the head of the log could not be read");
    }
    later.schedule(() -> tellProgress(stream), PROGRESS_INTERVAL);
  }

  /**
   * Refuses a number that the log will only reach later: whoever asks for it has seen another log,
   * and would miss what this one holds up to there.
   */
  private long existing(long from) {
    if (from > 1) {
      long head = head();
      if (from > head + 1) {
        throw ApiErrors.of(
            Status.Code.OUT_OF_RANGE,
            ApiErrors.Reason.NOT_IN_THE_LOG,
            "the log goes up to event "
                + head
                + ", so event "
                + from
                + " was of another log; watch from 1 for all of this one, from 0 for new events");
      }
    }
    return from;
  }

  @Override
  public void snapshot(SnapshotRequest request, StreamObserver<SnapshotResponse> responses) {
    if (snapshots == null) {
      super.snapshot(request, responses);
      return;
    }
    try {
      RequestFields fields = new RequestFields();
      long atLeast = fields.seq("at_least_seq", request.getAtLeastSeq());
      fields.check();
      snapshots.checkLog(request.getLogId());
      snapshots.send((ServerCallStreamObserver<SnapshotResponse>) responses, atLeast);
    } catch (RuntimeException e) {
      responses.onError(ApiErrors.of(e));
    }
  }

  private long head() {
    return operations.history(null, BanHistory.FROM_NEWEST, 1).stream()
        .mapToLong(SequencedEvent::seq)
        .findFirst()
        .orElse(0);
  }

  /** Ends every stream, so that the server can stop. */
  void endStreams() {
    streams.forEach(stream -> stream.end(ApiErrors.stopping()));
    if (snapshots != null) {
      snapshots.endAll();
    }
  }

  /** Sends what the call gives, or the status for what it throws. */
  static <T> void answer(StreamObserver<T> responses, Supplier<T> call) {
    T response;
    try {
      response = call.get();
    } catch (RuntimeException e) {
      responses.onError(ApiErrors.of(e));
      return;
    }
    responses.onNext(response);
    responses.onCompleted();
  }

  private static IpPrefix address(String text) {
    RequestFields fields = new RequestFields();
    Field<IpPrefix> ip = fields.address("ip", text);
    fields.check();
    return ip.value();
  }

  /** Who acts: what the caller says, behind who it is where that is known. */
  private static String by(String asked) {
    String told = asked.isBlank() ? DEFAULT_BY : asked;
    Caller caller = Caller.CURRENT.get();
    return caller == null ? told : caller.by(told);
  }
}
