package io.ipsentry.authz.admin;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;

/** Takes the end that comes first, from whatever thread, and drops what comes after it. */
final class OnceClosedCall<Q, A> extends SimpleForwardingServerCall<Q, A> {
  private boolean answered;

  OnceClosedCall(ServerCall<Q, A> call) {
    super(call);
  }

  @Override
  public synchronized void request(int messages) {
    super.request(messages);
  }

  @Override
  public synchronized void sendHeaders(Metadata headers) {
    if (!answered) {
      super.sendHeaders(headers);
    }
  }

  @Override
  public synchronized void sendMessage(A message) {
    if (!answered) {
      super.sendMessage(message);
    }
  }

  @Override
  public synchronized void close(Status status, Metadata trailers) {
    if (!answered) {
      answered = true;
      super.close(status, trailers);
    }
  }
}
