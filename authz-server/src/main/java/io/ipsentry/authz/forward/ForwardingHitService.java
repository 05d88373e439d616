package io.ipsentry.authz.forward;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.ipsentry.authz.admin.ApiErrors;
import io.ipsentry.authz.admin.ApiErrors.Reason;
import io.ipsentry.authz.admin.CallerIdentity;
import io.ipsentry.authz.admin.StreamingService;
import io.ipsentry.authz.hits.HitServiceEndpoint;
import io.ipsentry.authz.hits.HitServiceEndpoint.Statistics;
import io.ipsentry.proto.v1.HitServiceGrpc;
import io.ipsentry.proto.v1.ReportRequest;
import io.ipsentry.proto.v1.ReportResponse;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;

/**
 * {@code HitService} of a replica: its own while it leads, else the leader's, to which it passes
 * streams on, message by message, as fast as the slower side takes them. A stream ends when its
 * leader ceases to lead; its reporter comes again, and sends what the next leader has not counted.
 * A stream that another replica passes on is never passed on again. Safe for any thread.
 */
public final class ForwardingHitService extends HitServiceGrpc.HitServiceImplBase
    implements StreamingService {
  private final LeaderChannel leader;
  private final AtomicReference<Optional<HitServiceEndpoint>> leading =
      new AtomicReference<>(Optional.empty());
  private final Set<RelayedReport> relayed = ConcurrentHashMap.newKeySet();

  /**
   * @param leader stays the caller's to close
   */
  public ForwardingHitService(LeaderChannel leader) {
    this.leader = leader;
  }

  /** Takes hits here from now on. */
  public void lead(HitServiceEndpoint endpoint) {
    leading.set(Optional.of(endpoint));
    leaderChanged();
  }

  /** Takes none here any more, and ends the streams: their reporters come again. */
  public void standBy() {
    leading.getAndSet(Optional.empty()).ifPresent(HitServiceEndpoint::endStreams);
  }

  /** Ends the streams that are passed on: they lead to one who does not lead any more. */
  public void leaderChanged() {
    relayed.forEach(relay -> relay.end(notLeader()));
  }

  @Override
  public StreamObserver<ReportRequest> report(StreamObserver<ReportResponse> responses) {
    Optional<HitServiceEndpoint> here = leading.get();
    if (here.isPresent()) {
      return here.get().report(responses);
    }
    ServerCallStreamObserver<ReportResponse> reporter =
        (ServerCallStreamObserver<ReportResponse>) responses;
    if (CallerIdentity.isForwarded()) {
      // Set before the call is answered, or the refusal would be too late for it.
      reporter.setOnCancelHandler(() -> {});
      reporter.onError(notLeader());
      return new Ignored();
    }
    RelayedReport relay = new RelayedReport(reporter, relayed::remove);
    relayed.add(relay);
    relay.begin(
        HitServiceGrpc.newStub(leader.channel())
            .withInterceptors(
                MetadataUtils.newAttachHeadersInterceptor(CallerIdentity.onBehalfOfCaller())));
    return relay;
  }

  /** Streams that are passed on now. */
  public int relayed() {
    return relayed.size();
  }

  /** Of what was taken here since it leads; zeros while it does not. */
  public Statistics statistics() {
    return leading
        .get()
        .map(HitServiceEndpoint::statistics)
        .orElseGet(() -> new Statistics(0, 0, 0, 0, 0));
  }

  @Override
  public void endStreams() {
    relayed.forEach(relay -> relay.end(ApiErrors.stopping()));
    leading.get().ifPresent(HitServiceEndpoint::endStreams);
  }

  private static StatusRuntimeException notLeader() {
    return ApiErrors.of(
        Status.Code.UNAVAILABLE,
        Reason.NOT_THE_LEADER,
        "who leads has changed, or is not known to all; connect again");
  }

  /** What comes in on a stream that was refused. */
  private static final class Ignored implements StreamObserver<ReportRequest> {
    @Override
    public void onNext(ReportRequest request) {}

    @Override
    public void onError(Throwable cause) {}

    @Override
    public void onCompleted() {}
  }
}
