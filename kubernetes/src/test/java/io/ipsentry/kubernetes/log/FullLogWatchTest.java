package io.ipsentry.kubernetes.log;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.DelegatingBanLog;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.TestEvents;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class FullLogWatchTest {
  private final InMemoryBanLog kept = new InMemoryBanLog();
  private final Bounded bounded = new Bounded(kept);
  private final List<String> told = new ArrayList<>();
  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 10);
  private final FullLogWatch watch = new FullLogWatch(bounded, told::add, nanos::get);

  /** A log that has room or not. */
  private static final class Bounded extends DelegatingBanLog {
    private boolean full;
    private int asked;

    Bounded(BanLog log) {
      super(log);
    }

    @Override
    public AppendResult append(long expectedHead, List<BanEvent> events) {
      asked++;
      return full && !events.isEmpty()
          ? new AppendResult.Full("no room")
          : super.append(expectedHead, events);
    }
  }

  private AppendResult append() {
    return watch.append(watch.head(), List.of(TestEvents.ban("a")));
  }

  @Test
  void append_full_isToldOnceAskedSeldomAndLeftByItself() {
    bounded.full = true;
    for (int i = 0; i < 5; i++) {
      assertThat(append()).isEqualTo(new AppendResult.Full("no room"));
    }
    assertThat(bounded.asked).isEqualTo(1);
    assertThat(watch.reason()).isEqualTo("no room");

    nanos.addAndGet(FullLogWatch.RETRY.toNanos());
    assertThat(append()).isInstanceOf(AppendResult.Full.class);
    assertThat(bounded.asked).isEqualTo(2);
    assertThat(told).containsExactly("no room");

    bounded.full = false;
    nanos.addAndGet(FullLogWatch.RETRY.toNanos());
    assertThat(append()).isEqualTo(new AppendResult.Appended(1));
    assertThat(watch.reason()).isEmpty();

    bounded.full = true;
    assertThat(append()).isInstanceOf(AppendResult.Full.class);
    assertThat(told).hasSize(2);
  }

  @Test
  void reason_nobodyWantsToWriteAnyMore_isForgotten() {
    bounded.full = true;
    assertThat(append()).isInstanceOf(AppendResult.Full.class);
    nanos.addAndGet(FullLogWatch.FORGET.toNanos());
    assertThat(watch.reason()).isEmpty();
  }

  @Test
  void append_nothing_isAlwaysAnswered() {
    bounded.full = true;
    assertThat(append()).isInstanceOf(AppendResult.Full.class);
    assertThat(watch.append(0, List.of())).isEqualTo(new AppendResult.Appended(0));
    assertThat(watch.reason()).isEqualTo("no room");
  }
}
