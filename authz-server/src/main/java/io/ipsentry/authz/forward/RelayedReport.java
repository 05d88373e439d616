package io.ipsentry.authz.forward;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.ipsentry.proto.v1.HitServiceGrpc.HitServiceStub;
import io.ipsentry.proto.v1.ReportRequest;
import io.ipsentry.proto.v1.ReportResponse;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One reporter's stream, passed on to the leader. Of either direction the next message is asked for
 * when the other side can take it, so at most one each waits here. Safe for any thread.
 */
final class RelayedReport implements StreamObserver<ReportRequest> {
  private final ServerCallStreamObserver<ReportResponse> reporter;
  private final Consumer<RelayedReport> onEnd;
  private final Leader leader = new Leader();
  private @Nullable ClientCallStreamObserver<ReportRequest> call;

  /** The reporter has room for a response that was not asked for yet; and the other way round. */
  private boolean owesReporter;

  private boolean owesLeader;
  private boolean ended;

  /**
   * @param onEnd called once, when it is over
   */
  RelayedReport(ServerCallStreamObserver<ReportResponse> reporter, Consumer<RelayedReport> onEnd) {
    this.reporter = reporter;
    this.onEnd = onEnd;
    reporter.disableAutoRequest();
    reporter.setOnReadyHandler(this::askLeader);
    reporter.setOnCancelHandler(this::reporterGone);
  }

  /** Calls the leader; to be called once. */
  void begin(HitServiceStub stub) {
    var ignored = stub.report(leader);
    reporter.request(1);
  }

  // ---- from the reporter

  @Override
  public synchronized void onNext(ReportRequest request) {
    if (ended || call == null) {
      return;
    }
    call.onNext(request);
    owesReporter = true;
    askReporter();
  }

  @Override
  public void onError(Throwable cause) {
    reporterGone();
  }

  @Override
  public synchronized void onCompleted() {
    if (!ended && call != null) {
      call.onCompleted();
    }
  }

  private synchronized void askReporter() {
    if (!ended && owesReporter && call != null && call.isReady()) {
      owesReporter = false;
      reporter.request(1);
    }
  }

  private synchronized void askLeader() {
    if (!ended && owesLeader && call != null && reporter.isReady()) {
      owesLeader = false;
      call.request(1);
    }
  }

  private void reporterGone() {
    finish(() -> cancel("the reporter has gone"));
  }

  /** Ends it, both ways. */
  void end(StatusRuntimeException status) {
    finish(() -> {
      cancel("the stream has ended");
      reporter.onError(status);
    });
  }

  private void cancel(String why) {
    if (call != null) {
      call.cancel(why, null);
    }
  }

  private void finish(Runnable last) {
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
      last.run();
    }
    onEnd.accept(this);
  }

  /** What the leader says. */
  private final class Leader implements ClientResponseObserver<ReportRequest, ReportResponse> {
    @Override
    public void beforeStart(ClientCallStreamObserver<ReportRequest> stream) {
      stream.disableAutoRequestWithInitial(1);
      stream.setOnReadyHandler(RelayedReport.this::askReporter);
      synchronized (RelayedReport.this) {
        call = stream;
      }
    }

    @Override
    public void onNext(ReportResponse response) {
      synchronized (RelayedReport.this) {
        if (ended) {
          return;
        }
        reporter.onNext(response);
        owesLeader = true;
      }
      askLeader();
    }

    @Override
    public void onError(Throwable cause) {
      Status status = Status.fromThrowable(cause);
      // What the leader thinks of us is nothing that the reporter could mend.
      boolean ours =
          status.getCode() == Status.Code.UNAUTHENTICATED
              || status.getCode() == Status.Code.PERMISSION_DENIED;
      finish(() ->
          reporter.onError(
              ours
                  ? Status.UNAVAILABLE
                      .withDescription(
                          "the leader does not take what this replica passes on: "
                              + status.getDescription())
                      .asRuntimeException()
                  : status.asRuntimeException(trailers(cause))));
    }

    @Override
    public void onCompleted() {
      finish(reporter::onCompleted);
    }
  }

  private static @Nullable Metadata trailers(Throwable cause) {
    return Status.trailersFromThrowable(cause);
  }
}
