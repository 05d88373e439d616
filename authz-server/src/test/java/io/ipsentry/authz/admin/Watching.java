package io.ipsentry.authz.admin;

import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.WatchRequest;
import io.ipsentry.proto.v1.WatchResponse;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/** A watcher that takes only as many responses as it asks for. */
final class Watching implements ClientResponseObserver<WatchRequest, WatchResponse> {
  final Queue<WatchResponse> responses = new ConcurrentLinkedQueue<>();
  volatile @Nullable StatusRuntimeException end;
  private final int first;
  private final int atATime;
  private volatile @Nullable ClientCallStreamObserver<WatchRequest> call;

  private Watching(int first, int atATime) {
    this.first = first;
    this.atATime = atATime;
  }

  /**
   * Watches.
   *
   * @param first responses that it asks for at once; it asks for more with {@link #take}
   * @param atATime responses that it asks for whenever it got one
   */
  static Watching start(Channel channel, WatchRequest request, int first, int atATime) {
    Watching watching = new Watching(first, atATime);
    BanServiceGrpc.newStub(channel).watch(request, watching);
    return watching;
  }

  void cancel() {
    ClientCallStreamObserver<WatchRequest> running = call;
    if (running != null) {
      running.cancel("enough", null);
    }
  }

  void take(int more) {
    ClientCallStreamObserver<WatchRequest> running = call;
    if (running != null) {
      running.request(more);
    }
  }

  long lastSeq() {
    return responses.stream().mapToLong(response -> response.getEvent().getSeq()).max().orElse(0);
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<WatchRequest> stream) {
    call = stream;
    stream.disableAutoRequestWithInitial(first);
  }

  @Override
  public void onNext(WatchResponse response) {
    responses.add(response);
    if (atATime > 0) {
      take(atATime);
    }
  }

  @Override
  public void onError(Throwable cause) {
    end = (StatusRuntimeException) cause;
  }

  @Override
  public void onCompleted() {
    throw new AssertionError("a watch never completes");
  }
}
