package io.ipsentry.authz.admin;

import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Bounds how many calls run at once; those beyond it are refused with {@code RESOURCE_EXHAUSTED}
 * and may try again. Streams have a bound of their own, so that watchers cannot keep others out.
 * Safe for any thread.
 */
final class CallLimit implements ServerInterceptor {
  private final Semaphore calls;
  private final Semaphore streams;

  CallLimit(int calls, int streams) {
    this.calls = new Semaphore(calls);
    this.streams = new Semaphore(streams);
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    boolean unary = call.getMethodDescriptor().getType() == MethodDescriptor.MethodType.UNARY;
    Semaphore permits = unary ? calls : streams;
    if (!permits.tryAcquire()) {
      call.close(
          Status.RESOURCE_EXHAUSTED.withDescription(
              unary ? "too many calls at once; try again" : "too many watches at once; end some"),
          new Metadata());
      return new ServerCall.Listener<>() {};
    }
    AtomicBoolean released = new AtomicBoolean();
    return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
      @Override
      public void onComplete() {
        release();
        super.onComplete();
      }

      @Override
      public void onCancel() {
        release();
        super.onCancel();
      }

      private void release() {
        if (released.compareAndSet(false, true)) {
          permits.release();
        }
      }
    };
  }
}
