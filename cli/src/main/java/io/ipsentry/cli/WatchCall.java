package io.ipsentry.cli;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.ipsentry.authz.admin.ApiErrors;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.proto.v1.WatchRequest;
import io.ipsentry.proto.v1.WatchResponse;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A running {@code Watch}: hands on one event at a time and asks for the next when the sink has
 * taken it, so that a slow sink slows the server. When the server cuts it because the sink was too
 * slow for too long, it watches again from where it is; the sink notices nothing. Safe for any
 * thread.
 */
final class WatchCall
    implements BanLog.Subscription, ClientResponseObserver<WatchRequest, WatchResponse> {
  private final AdminClient client;
  private final BanLog.Sink sink;

  /** Held while the sink is told something. */
  private final ReentrantLock telling = new ReentrantLock();

  private volatile @Nullable ClientCallStreamObserver<WatchRequest> call;

  /** Number of the last event that the sink was told; 0: none yet. */
  private long lastSeq;

  private boolean ended;

  private WatchCall(AdminClient client, BanLog.Sink sink) {
    this.client = client;
    this.sink = sink;
  }

  static WatchCall start(AdminClient client, long from, BanLog.Sink sink) {
    WatchCall watch = new WatchCall(client, sink);
    watch.call(from);
    return watch;
  }

  private void call(long from) {
    client.streams().watch(WatchRequest.newBuilder().setFromSeq(from).build(), this);
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<WatchRequest> stream) {
    call = stream;
    stream.disableAutoRequestWithInitial(1);
  }

  @Override
  public void onNext(WatchResponse response) {
    telling.lock();
    try {
      if (ended) {
        return;
      }
      SequencedEvent event = WireMessages.event(response.getEvent());
      sink.events(List.of(event));
      lastSeq = event.seq();
      if (call != null) {
        call.request(1);
      }
    } catch (RuntimeException e) {
      fail(e);
    } finally {
      telling.unlock();
    }
  }

  @Override
  public void onError(Throwable cause) {
    if (cause instanceof StatusRuntimeException status
        && ApiErrors.reason(status).equals(Optional.of(ApiErrors.Reason.WATCHER_TOO_SLOW))
        && resume()) {
      return;
    }
    fail(
        cause instanceof StatusRuntimeException status
            ? client.failure(status, "")
            : client.failure(Status.fromThrowable(cause).asRuntimeException(), ""));
  }

  @Override
  public void onCompleted() {
    fail(
        client.failure(
            Status.UNAVAILABLE.withDescription("it ended the watch").asRuntimeException(), ""));
  }

  /** Watches again behind the last event; false: there was none to tell where that is. */
  private boolean resume() {
    telling.lock();
    try {
      if (ended || lastSeq == 0) {
        return false;
      }
      call(lastSeq + 1);
      return true;
    } finally {
      telling.unlock();
    }
  }

  private void fail(RuntimeException cause) {
    telling.lock();
    try {
      if (!ended) {
        ended = true;
        cancel();
        sink.failed(cause);
      }
    } finally {
      telling.unlock();
    }
  }

  @Override
  public void close() {
    telling.lock();
    try {
      ended = true;
      cancel();
    } finally {
      telling.unlock();
    }
  }

  private void cancel() {
    ClientCallStreamObserver<WatchRequest> running = call;
    if (running != null) {
      running.cancel("watch closed", null);
    }
  }
}
