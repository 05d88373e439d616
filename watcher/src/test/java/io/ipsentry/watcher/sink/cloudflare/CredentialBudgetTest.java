package io.ipsentry.watcher.sink.cloudflare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.sink.SinkException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class CredentialBudgetTest {
  private final AtomicLong nanos = new AtomicLong();

  @Test
  void pace_oneBurst_makesTheNextOnesWait() {
    CredentialBudget.Pace pace = CredentialBudget.pace();
    int free = 0;
    while (free < 1_000 && pace.reserve() == 0) {
      free++;
    }

    // Two periods may meet in the midst of it.
    assertThat(free).isBetween(CredentialBudget.REQUESTS, 2 * CredentialBudget.REQUESTS);
    long waits = pace.reserve();
    assertThat(waits).isPositive().isLessThanOrEqualTo(2 * CredentialBudget.PERIOD.toNanos());
    double most = CredentialBudget.REQUESTS * (300.0 / CredentialBudget.PERIOD.toSeconds() + 1);
    assertThat(most).isLessThan(1_200);
  }

  @Test
  void acquire_noPlaceYet_waits() {
    AtomicLong waited = new AtomicLong();
    CredentialBudget budget =
        new CredentialBudget(
            () -> 7_000_000, time -> waited.addAndGet(time.toMillis()), nanos::get);

    budget.acquire();
    budget.answered(true);

    assertThat(waited).hasValue(7);
  }

  @Test
  void acquire_allCallsFail_nobodyCallsForHalfAMinute() {
    CredentialBudget budget = new CredentialBudget(() -> 0, time -> {}, nanos::get);
    for (int i = 0; i < 5; i++) {
      budget.acquire();
      budget.answered(false);
    }

    assertThatThrownBy(budget::acquire)
        .isInstanceOfSatisfying(
            SinkException.class, e -> assertThat(e.retryAfter()).hasValue(Duration.ofSeconds(30)));
    nanos.set(Duration.ofSeconds(31).toNanos());
    budget.acquire();
    budget.answered(true);
    budget.acquire();
    budget.answered(true);
  }

  @Test
  void acquire_interrupted_isTransientAndStaysInterrupted() {
    CredentialBudget budget =
        new CredentialBudget(
            () -> 1,
            time -> {
              throw new InterruptedException();
            },
            nanos::get);

    assertThatThrownBy(budget::acquire)
        .isInstanceOfSatisfying(
            SinkException.class, e -> assertThat(e.kind()).isEqualTo(SinkException.Kind.TRANSIENT));
    assertThat(Thread.interrupted()).isTrue();
  }
}
