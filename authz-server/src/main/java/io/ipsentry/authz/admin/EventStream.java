package io.ipsentry.authz.admin;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.proto.v1.WatchResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One watcher of the log: takes events from a subscription and sends them as fast as the caller
 * reads.
 *
 * <p>When the caller reads slowly, the subscription's thread waits here and the log is the queue,
 * so nothing is held in memory but what the transport buffers. One that takes nothing for longer
 * than the stall is cut with {@code ABORTED}; what it was sent before is still delivered first, so
 * it may go on behind the last event that it got. Safe for any thread.
 */
final class EventStream implements BanLog.Sink {
  private final ServerCallStreamObserver<WatchResponse> responses;
  private final long stallNanos;
  private final Consumer<EventStream> onEnd;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private BanLog.@Nullable Subscription subscription;
  private long lastSent;
  private boolean ended;

  /**
   * @param stall how long the caller may leave an event waiting
   */
  EventStream(
      ServerCallStreamObserver<WatchResponse> responses,
      Duration stall,
      Consumer<EventStream> onEnd) {
    this.responses = responses;
    this.stallNanos = stall.toNanos();
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
      long left = stallNanos;
      while (!ended && !responses.isReady() && left > 0) {
        left = changed.awaitNanos(left);
      }
      if (ended) {
        return false;
      }
      if (responses.isReady()) {
        responses.onNext(WatchResponse.newBuilder().setEvent(WireMessages.toProto(event)).build());
        lastSent = event.seq();
        return true;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
    end(tooSlow());
    return false;
  }

  private StatusRuntimeException tooSlow() {
    return ApiErrors.of(
        Status.Code.ABORTED,
        ApiErrors.Reason.WATCHER_TOO_SLOW,
        "no event was taken for "
            + stallNanos / 1e9
            + " s; the last one sent was "
            + lastSent
            + "; watch again from the one behind the last that you got",
        Map.of(ApiErrors.LAST_SENT, Long.toString(lastSent)));
  }

  /** Tells how far the log goes, if the caller can take it; events matter more than this. */
  void progress(long head) {
    lock.lock();
    try {
      if (!ended && responses.isReady()) {
        responses.onNext(WatchResponse.newBuilder().setHead(head).build());
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whether it has ended, for whatever reason. */
  boolean hasEnded() {
    lock.lock();
    try {
      return ended;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void failed(RuntimeException cause) {
    end(ApiErrors.of(cause));
  }

  /** Ends the stream; null: the caller has gone. A second call does nothing. */
  void end(@Nullable StatusRuntimeException status) {
    BanLog.Subscription toClose;
    lock.lock();
    try {
      if (ended) {
        return;
      }
      ended = true;
      changed.signalAll();
      if (status != null) {
        responses.onError(status);
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
