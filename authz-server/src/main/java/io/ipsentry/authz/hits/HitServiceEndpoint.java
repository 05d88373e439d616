package io.ipsentry.authz.hits;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.ipsentry.authz.admin.ApiErrors;
import io.ipsentry.authz.admin.StreamingService;
import io.ipsentry.detection.HitLedger;
import io.ipsentry.detection.HitOwner;
import io.ipsentry.proto.v1.HitServiceGrpc;
import io.ipsentry.proto.v1.ReportRequest;
import io.ipsentry.proto.v1.ReportResponse;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * {@code HitService}: takes hits that other processes found to the owner of the windows, each once.
 *
 * <p>What a reporter may send ahead is bounded by flow control: at most {@value
 * ReportStream#MAX_UNSETTLED} messages of at most {@value #MAX_HITS} hits wait for the log. Safe
 * for any thread.
 */
public final class HitServiceEndpoint extends HitServiceGrpc.HitServiceImplBase
    implements StreamingService {
  /** Hits of one message. */
  public static final int MAX_HITS = 500;

  private final HitLedger ledger;
  private final HitOwner owner;
  private final Map<String, ReportStream> streams = new ConcurrentHashMap<>();
  private final LongAdder counted = new LongAdder();
  private final LongAdder repeated = new LongAdder();
  private final LongAdder postponed = new LongAdder();

  /**
   * What it did.
   *
   * @param reporters connected now
   * @param known reporters that are remembered
   * @param hits taken to the owner
   * @param repeated hits that came again and were skipped
   * @param postponed messages that had to wait because the owner had no room
   */
  public record Statistics(long reporters, long known, long hits, long repeated, long postponed) {}

  /**
   * @param ledger tells which hits were counted
   * @param owner counts them
   */
  public HitServiceEndpoint(HitLedger ledger, HitOwner owner) {
    this.ledger = ledger;
    this.owner = owner;
    ledger.whenStored(() -> streams.values().forEach(ReportStream::tell));
  }

  @Override
  public StreamObserver<ReportRequest> report(StreamObserver<ReportResponse> responses) {
    return new ReportStream(this, (ServerCallStreamObserver<ReportResponse>) responses);
  }

  /** As of now. */
  public Statistics statistics() {
    return new Statistics(
        streams.size(), ledger.reporters(), counted.sum(), repeated.sum(), postponed.sum());
  }

  @Override
  public void endStreams() {
    streams.values().forEach(stream -> stream.end(ApiErrors.stopping()));
  }

  // ---- for the streams

  HitLedger ledger() {
    return ledger;
  }

  HitOwner owner() {
    return owner;
  }

  /** A reporter has said hello; the stream that it had before ends. */
  void opened(String reporter, ReportStream stream) {
    ReportStream before = streams.put(reporter, stream);
    if (before != null) {
      before.end(
          ApiErrors.of(
              Status.Code.ABORTED,
              ApiErrors.Reason.REPLACED,
              "the reporter " + reporter + " has opened another stream"));
    }
  }

  void closed(String reporter, ReportStream stream) {
    streams.remove(reporter, stream);
  }

  void counted(long fresh, long again) {
    counted.add(fresh);
    repeated.add(again);
  }

  void postponed() {
    postponed.increment();
  }
}
