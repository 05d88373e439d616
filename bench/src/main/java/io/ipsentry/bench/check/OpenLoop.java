package io.ipsentry.bench.check;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Calls at a fixed rate, whatever the answers take, and the time from the moment at which a call
 * was due to its answer: a server that stalls is charged for all that had to wait.
 */
final class OpenLoop {
  private static final long PARK_NANOS = 20_000;
  private static final int CHANNELS = 2;

  private OpenLoop() {}

  /**
   * Latencies of a run, in microseconds.
   *
   * @param failure how the first call without an answer ended; null: all had one
   */
  record Latency(double p50, double p99, double p999, @Nullable Status failure) {}

  static Latency run(
      int port, MethodDescriptor<byte[], byte[]> method, byte[] message, int rate, int seconds)
      throws InterruptedException {
    int total = rate * seconds;
    long[] nanos = new long[total];
    AtomicReference<@Nullable Status> failure = new AtomicReference<>();
    CountDownLatch left = new CountDownLatch(total);
    ManagedChannel[] channels = new ManagedChannel[CHANNELS];
    Arrays.setAll(
        channels,
        i ->
            NettyChannelBuilder.forAddress(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                .usePlaintext()
                .directExecutor()
                .build());
    long interval = TimeUnit.SECONDS.toNanos(1) / rate;
    long start = System.nanoTime();
    int sent = 0;
    while (sent < total) {
      long due = Math.min(total, (System.nanoTime() - start) / interval + 1);
      while (sent < due) {
        int number = sent++;
        call(
            channels[number % CHANNELS].newCall(method, CallOptions.DEFAULT),
            message,
            start + number * interval,
            number,
            nanos,
            failure,
            left);
      }
      LockSupport.parkNanos(PARK_NANOS);
    }
    boolean all = left.await(30, TimeUnit.SECONDS);
    for (ManagedChannel channel : channels) {
      channel.shutdownNow();
    }
    if (!all) {
      throw new IllegalStateException(left.getCount() + " calls have no answer");
    }
    Arrays.sort(nanos);
    return new Latency(
        nanos[total / 2] / 1e3,
        nanos[(int) (total * 0.99)] / 1e3,
        nanos[(int) (total * 0.999)] / 1e3,
        failure.get());
  }

  private static void call(
      ClientCall<byte[], byte[]> call,
      byte[] message,
      long dueNanos,
      int number,
      long[] nanos,
      AtomicReference<@Nullable Status> failure,
      CountDownLatch left) {
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onClose(Status status, Metadata trailers) {
            nanos[number] = System.nanoTime() - dueNanos;
            if (!status.isOk()) {
              failure.compareAndSet(null, status);
            }
            left.countDown();
          }
        },
        new Metadata());
    call.request(1);
    call.sendMessage(message);
    call.halfClose();
  }
}
