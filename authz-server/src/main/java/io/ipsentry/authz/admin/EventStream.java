package io.ipsentry.authz.admin;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.proto.v1.WatchResponse;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One watcher of the log: takes events from a subscription and sends them as fast as the caller
 * reads.
 *
 * <p>When the caller reads slowly, the subscription's thread waits here and the log is the queue,
 * so nothing is held in memory but what the transport buffers. Safe for any thread.
 */
final class EventStream implements BanLog.Sink {
  private final ServerCallStreamObserver<WatchResponse> responses;
  private final Consumer<EventStream> onEnd;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private BanLog.@Nullable Subscription subscription;
  private boolean ended;

  EventStream(ServerCallStreamObserver<WatchResponse> responses, Consumer<EventStream> onEnd) {
    this.responses = responses;
    this.onEnd = onEnd;
    responses.setOnReadyHandler(this::wake);
    responses.setOnCancelHandler(() -> end(null));
  }

  /** Begins to deliver; called once. */
  void follow(BanOperations operations, long from) {
    BanLog.Subscription started = operations.watch(from, this);
    lock.lock();
    try {
      if (!ended) {
        subscription = started;
        return;
      }
    } finally {
      lock.unlock();
    }
    started.close();
  }

  @Override
  public void events(List<SequencedEvent> events) {
    for (SequencedEvent event : events) {
      if (!send(event)) {
        return;
      }
    }
  }

  /** Waits until the caller can take an event and sends it; false: the stream has ended. */
  private boolean send(SequencedEvent event) {
    lock.lock();
    try {
      while (!ended && !responses.isReady()) {
        changed.await();
      }
      if (ended) {
        return false;
      }
      responses.onNext(WatchResponse.newBuilder().setEvent(WireMessages.toProto(event)).build());
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void failed(RuntimeException cause) {
    end(BanServiceEndpoint.status(cause));
  }

  /** Ends the stream; null: the caller has gone. A second call does nothing. */
  void end(@Nullable Status status) {
    BanLog.Subscription toClose;
    lock.lock();
    try {
      if (ended) {
        return;
      }
      ended = true;
      changed.signalAll();
      if (status != null) {
        responses.onError(status.asRuntimeException());
      }
      toClose = subscription;
    } finally {
      lock.unlock();
    }
    onEnd.accept(this);
    if (toClose != null) {
      toClose.close();
    }
  }

  private void wake() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
