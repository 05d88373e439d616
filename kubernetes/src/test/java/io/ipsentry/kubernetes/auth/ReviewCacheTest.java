package io.ipsentry.kubernetes.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Answers that are kept for a while, and questions that are put at once. */
final class ReviewCacheTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final AtomicLong nanos = new AtomicLong();
  private final AtomicInteger asked = new AtomicInteger();
  private final ReviewCache<Boolean> cache = new ReviewCache<>(answer -> answer, nanos::get);

  private boolean ask(String question, boolean answer) {
    return cache.get(
        question,
        () -> {
          asked.incrementAndGet();
          return answer;
        });
  }

  @Test
  void get_yesAndNo_areKeptForTheirTimes() {
    assertThat(ask("yes", true)).isTrue();
    assertThat(ask("no", false)).isFalse();
    nanos.addAndGet(ReviewCache.NO.toNanos() - 1);
    assertThat(ask("no", true)).isFalse();
    nanos.addAndGet(1);
    assertThat(ask("no", true)).isTrue();
    assertThat(ask("yes", false)).isTrue();
    nanos.addAndGet(ReviewCache.YES.toNanos() - ReviewCache.NO.toNanos());
    assertThat(ask("yes", false)).isFalse();
    assertThat(asked).hasValue(4);
  }

  /** Whoever guesses takes no room from those who are known. */
  @Test
  void get_moreThanItHolds_keepsTheNewestOfEachKind() {
    assertThat(ask("known", true)).isTrue();
    for (int i = 0; i < 3 * ReviewCache.MAX_ENTRIES; i++) {
      assertThat(ask("guess " + i, false)).isFalse();
    }
    assertThat(cache.size()).isEqualTo(ReviewCache.MAX_ENTRIES + 1);
    asked.set(0);

    assertThat(ask("known", false)).isTrue();
    assertThat(ask("guess " + (3 * ReviewCache.MAX_ENTRIES - 1), true)).isFalse();
    assertThat(asked).hasValue(0);
    assertThat(ask("guess 0", true)).isTrue();
  }

  @Test
  void get_oneQuestionByManyAtOnce_isPutOnce() {
    CountDownLatch release = new CountDownLatch(1);
    List<CompletableFuture<Boolean>> answers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      answers.add(asking("same", release, true));
    }
    await().atMost(PATIENCE).until(() -> asked.get() == 1);
    release.countDown();

    answers.forEach(answer -> assertThat(answer.join()).isTrue());
    assertThat(asked).hasValue(1);
  }

  @Test
  void get_noAnswer_isToldToAllWhoWaitAndNotKept() {
    CountDownLatch release = new CountDownLatch(1);
    List<CompletableFuture<Boolean>> answers = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      answers.add(asking("same", release, null));
    }
    await().atMost(PATIENCE).until(() -> asked.get() == 1);
    release.countDown();

    answers.forEach(answer ->
        assertThatThrownBy(answer::join)
            .isInstanceOf(CompletionException.class)
            .hasCauseInstanceOf(ApiServerException.class)
            .hasMessageContaining("away"));
    assertThat(ask("same", true)).isTrue();
  }

  @Test
  void get_moreQuestionsThanArePutAtOnce_wait() {
    CountDownLatch release = new CountDownLatch(1);
    List<CompletableFuture<Boolean>> answers = new ArrayList<>();
    for (int i = 0; i < ReviewCache.MAX_AT_ONCE + 4; i++) {
      answers.add(asking("question " + i, release, true));
    }
    await().atMost(PATIENCE).until(() -> asked.get() == ReviewCache.MAX_AT_ONCE);
    assertThat(answers).noneMatch(CompletableFuture::isDone);
    release.countDown();

    answers.forEach(answer -> assertThat(answer.join()).isTrue());
    assertThat(asked).hasValue(ReviewCache.MAX_AT_ONCE + 4);
  }

  /**
   * Asks on a thread of its own; the API server waits for {@code release}.
   *
   * @param answer null: it is away
   */
  private CompletableFuture<Boolean> asking(
      String question, CountDownLatch release, @Nullable Boolean answer) {
    CompletableFuture<Boolean> given = new CompletableFuture<>();
    Thread.startVirtualThread(() -> {
      try {
        given.complete(
            cache.get(
                question,
                () -> {
                  asked.incrementAndGet();
                  awaitQuietly(release);
                  if (answer == null) {
                    throw new ApiServerException(Reason.UNAVAILABLE, "away", null);
                  }
                  return answer;
                }));
      } catch (RuntimeException e) {
        given.completeExceptionally(e);
      }
    });
    return given;
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}
