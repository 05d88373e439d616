package io.ipsentry.authz.hits;

import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.ipsentry.detection.ReportedHit;
import io.ipsentry.proto.v1.ReportRequest;
import io.ipsentry.proto.v1.ReportResponse;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One stream to the owner. Written by the sending thread, told by threads of the connection; it
 * wakes the sending thread whenever something changes.
 */
final class ReportSession implements ClientResponseObserver<ReportRequest, ReportResponse> {
  /** The owner answers a hello within this time, or it is not there. */
  static final Duration WELCOME = Duration.ofSeconds(10);

  /** A message is no larger than this, so that the owner's limit is never met. */
  private static final int MAX_MESSAGE_BYTES = 48 << 10;

  private final Runnable wake;
  private final OwnerTold told;
  private volatile @Nullable ClientCallStreamObserver<ReportRequest> call;
  private volatile long welcome = -1;
  private volatile @Nullable Status end;

  /** Is told where the owner stands. */
  @FunctionalInterface
  interface OwnerTold {
    void told(long counted, long decided, long head, long stored);
  }

  ReportSession(Runnable wake, OwnerTold told) {
    this.wake = wake;
    this.told = told;
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<ReportRequest> requests) {
    call = requests;
    requests.setOnReadyHandler(wake);
  }

  /** Says who reports. */
  void hello(String reporter) {
    ClientCallStreamObserver<ReportRequest> running = call;
    if (running != null) {
      running.onNext(
          ReportRequest.newBuilder()
              .setHello(ReportRequest.Hello.newBuilder().setReporter(reporter))
              .build());
    }
  }

  /** Last number that the owner had counted when it was greeted; negative: it has not answered. */
  long welcome() {
    return welcome;
  }

  /** Why it has ended; null: it has not. */
  @Nullable Status end() {
    return end;
  }

  boolean isReady() {
    ClientCallStreamObserver<ReportRequest> running = call;
    return running != null && running.isReady();
  }

  /** A message that was sent, by its size. */
  record Sent(int hits, int bytes) {}

  /** Sends as many of the hits as one message takes, at least one. */
  Sent send(ReportQueue.Part part) {
    ReportRequest.Hits.Builder hits = ReportRequest.Hits.newBuilder().setFirst(part.first());
    int bytes = 0;
    for (ReportedHit hit : part.hits()) {
      io.ipsentry.proto.v1.ReportedHit message = HitMessages.toProto(hit);
      bytes += message.getSerializedSize();
      if (bytes > MAX_MESSAGE_BYTES && hits.getHitsCount() > 0) {
        break;
      }
      hits.addHits(message);
    }
    ReportRequest request = ReportRequest.newBuilder().setHits(hits).build();
    ClientCallStreamObserver<ReportRequest> running = call;
    if (running != null) {
      running.onNext(request);
    }
    return new Sent(hits.getHitsCount(), request.getSerializedSize());
  }

  @Override
  public void onNext(ReportResponse response) {
    told.told(
        response.getCounted(), response.getDecided(), response.getHead(), response.getStored());
    if (welcome < 0) {
      welcome = response.getCounted();
    }
    wake.run();
  }

  @Override
  public void onError(Throwable cause) {
    fail(cause);
  }

  @Override
  public void onCompleted() {
    fail(Status.UNAVAILABLE.withDescription("the owner ended the stream").asException());
  }

  /** It is over. */
  void fail(Throwable cause) {
    if (end == null) {
      end = Status.fromThrowable(cause);
    }
    wake.run();
  }

  /** Ends it, if it has not ended. */
  void cancel() {
    ClientCallStreamObserver<ReportRequest> running = call;
    if (running != null && end == null) {
      running.cancel("the session is over", null);
    }
  }
}
