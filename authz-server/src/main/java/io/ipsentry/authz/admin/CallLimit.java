package io.ipsentry.authz.admin;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
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
      ApiErrors.close(
          call,
          unary
              ? ApiErrors.of(
                  Status.Code.RESOURCE_EXHAUSTED,
                  ApiErrors.Reason.TOO_MANY_CALLS,
                  "too many calls at once; try again")
              : ApiErrors.of(
                  Status.Code.RESOURCE_EXHAUSTED,
                  ApiErrors.Reason.TOO_MANY_STREAMS,
                  "too many watches at once; end some"));
      return new ServerCall.Listener<>() {};
    }
    AtomicBoolean released = new AtomicBoolean();
    Runnable release =
        () -> {
          if (released.compareAndSet(false, true)) {
            permits.release();
          }
        };
    ServerCall<Q, A> limited = unary ? call : new ReleasingCall<>(call, release);
    return new SimpleForwardingServerCallListener<>(next.startCall(limited, headers)) {
      // After a unary call's handler, even when its answer came earlier: what runs has a place.
      @Override
      public void onComplete() {
        release.run();
        super.onComplete();
      }

      @Override
      public void onCancel() {
        release.run();
        super.onCancel();
      }
    };
  }

  /** A stream that we end has given up its place, even if its caller never reads that it ended. */
  private static final class ReleasingCall<Q, A> extends SimpleForwardingServerCall<Q, A> {
    private final Runnable release;

    ReleasingCall(ServerCall<Q, A> call, Runnable release) {
      super(call);
      this.release = release;
    }

    @Override
    public void close(Status status, Metadata trailers) {
      release.run();
      super.close(status, trailers);
    }
  }
}
