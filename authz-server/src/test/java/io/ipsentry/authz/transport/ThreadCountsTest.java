package io.ipsentry.authz.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.concurrent.FastThreadLocal;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

final class ThreadCountsTest {
  private static final int THREADS = 4;
  private static final int TIMES = 50_000;

  private final ThreadCounts counts = new ThreadCounts(2);

  @Test
  void sum_untouched_isZero() {
    assertThat(counts.sum(0)).isZero();
    assertThat(counts.sum(1)).isZero();
  }

  @Test
  void sum_threadsThatEndedAndRun_isExact() throws InterruptedException {
    CountDownLatch counted = new CountDownLatch(THREADS);
    CountDownLatch read = new CountDownLatch(1);
    List<Thread> waiting = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      Thread ending = new FastThreadLocalThread(this::count);
      ending.start();
      Thread staying =
          (i % 2 == 0 ? Thread.ofPlatform() : Thread.ofVirtual())
              .start(() -> {
                count();
                counted.countDown();
                awaitQuietly(read);
              });
      ending.join();
      waiting.add(staying);
    }
    counted.await();

    assertThat(counts.sum(0)).isEqualTo(2L * THREADS * TIMES);
    assertThat(counts.sum(1)).isEqualTo(2L * THREADS * TIMES * 3);

    read.countDown();
    for (Thread thread : waiting) {
      thread.join();
    }
    assertThat(counts.sum(0)).isEqualTo(2L * THREADS * TIMES);
  }

  @Test
  void sum_whileThreadsCome_neverFalls() throws InterruptedException {
    Thread coming =
        Thread.ofPlatform()
            .start(() -> {
              for (int i = 0; i < 200; i++) {
                Thread ending =
                    new FastThreadLocalThread(() -> {
                      counts.increment(0);
                      FastThreadLocal.removeAll();
                    });
                ending.start();
                joinQuietly(ending);
              }
            });
    long before = 0;
    while (coming.isAlive()) {
      long now = counts.sum(0);
      assertThat(now).isGreaterThanOrEqualTo(before);
      before = now;
    }
    coming.join();
    assertThat(counts.sum(0)).isEqualTo(200);
  }

  private void count() {
    for (int i = 0; i < TIMES; i++) {
      counts.increment(0);
      counts.add(1, 3);
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void joinQuietly(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
