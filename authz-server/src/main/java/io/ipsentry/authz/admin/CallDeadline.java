package io.ipsentry.authz.admin;

import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Answers a unary call that takes too long with {@code DEADLINE_EXCEEDED}, however long the caller
 * would wait. What the call does is not interrupted, for whether an append is in must not become
 * unknown to this process. Safe for any thread.
 */
final class CallDeadline implements ServerInterceptor {
  private final Duration time;
  private final ScheduledExecutorService timer;

  /**
   * @param timer only closes calls, so one thread is enough
   */
  CallDeadline(Duration time, ScheduledExecutorService timer) {
    this.time = time;
    this.timer = timer;
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    if (call.getMethodDescriptor().getType() != MethodType.UNARY) {
      return next.startCall(call, headers);
    }
    OnceClosedCall<Q, A> guarded = new OnceClosedCall<>(call);
    Future<?> expiry =
        timer.schedule(() -> expire(guarded), time.toMillis(), TimeUnit.MILLISECONDS);
    return new SimpleForwardingServerCallListener<>(next.startCall(guarded, headers)) {
      @Override
      public void onComplete() {
        expiry.cancel(false);
        super.onComplete();
      }

      @Override
      public void onCancel() {
        expiry.cancel(false);
        super.onCancel();
      }
    };
  }

  private void expire(ServerCall<?, ?> call) {
    ApiErrors.close(
        call,
        ApiErrors.of(
            Status.Code.DEADLINE_EXCEEDED,
            ApiErrors.Reason.TOO_LONG,
            "not done within "
                + time.toMillis() / 1e3
                + " s; a change may still be made, so ask with Get before you repeat it"));
  }
}
