package io.ipsentry.authz.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.ipsentry.authz.transport.CallsInFlight.OfThread;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class CallsInFlightTest {
  private static final int THREADS = 4;
  private static final int MAX = 50;

  private final CallsInFlight calls = new CallsInFlight();

  @Test
  void enter_asManyAsMay_areLetInAndOneMoreWhenOneLeaves() {
    List<OfThread> places = new ArrayList<>();
    for (int i = 0; i < MAX; i++) {
      places.add(entered(MAX));
    }

    assertThat(calls.enter(MAX)).isNull();
    assertThat(calls.count()).isEqualTo(MAX);
    calls.leave(places.getFirst());
    assertThat(calls.enter(MAX)).isNotNull();
  }

  @Test
  void enter_callsOfOtherThreads_count() throws InterruptedException {
    Thread other =
        Thread.ofPlatform()
            .start(() -> {
              for (int i = 0; i < MAX; i++) {
                entered(MAX);
              }
            });
    other.join();

    assertThat(calls.enter(MAX)).isNull();
    assertThat(calls.enter(MAX + 1)).isNotNull();
  }

  @Test
  void leave_threadThatBeganHasEnded_isCounted() throws InterruptedException {
    ConcurrentLinkedQueue<OfThread> left = new ConcurrentLinkedQueue<>();
    Thread ending = new FastThreadLocalThread(() -> left.add(entered(MAX)));
    ending.start();
    ending.join();

    assertThat(calls.count()).isEqualTo(1);
    left.forEach(calls::leave);
    assertThat(calls.count()).isZero();
  }

  @Test
  void count_threadsThatEnterAndLeaveForEachOther_comesBackToNoneAndStaysWithinTheBound()
      throws InterruptedException {
    ConcurrentLinkedQueue<OfThread> open = new ConcurrentLinkedQueue<>();
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(THREADS);
    List<Thread> threads = new ArrayList<>();
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    for (int i = 0; i < THREADS; i++) {
      Random random = new Random(i);
      threads.add(
          new FastThreadLocalThread(() -> {
            assertThatCode(go::await).doesNotThrowAnyException();
            for (int turn = 0; turn < 100_000; turn++) {
              OfThread place = random.nextInt(3) > 0 ? calls.enter(MAX) : null;
              if (place != null) {
                most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                open.add(place);
              }
              OfThread leaving = place == null || random.nextBoolean() ? open.poll() : null;
              if (leaving != null) {
                inside.decrementAndGet();
                calls.leave(leaving);
              }
            }
            done.countDown();
            assertThatCode(done::await).doesNotThrowAnyException();
          }));
    }
    threads.forEach(Thread::start);
    go.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    open.forEach(calls::leave);

    assertThat(calls.count()).isZero();
    assertThat(most).hasValueLessThanOrEqualTo(MAX + THREADS).hasValueGreaterThanOrEqualTo(MAX);
  }

  private OfThread entered(int max) {
    OfThread place = calls.enter(max);
    return Objects.requireNonNull(place);
  }
}
