package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class HeapGrowthTest {
  private static final long MIB = 1L << 20;
  private static final long ALLOWED = 16 * MIB;
  private static final Duration LOOK = Duration.ofMillis(250);

  private long nanos = 7;
  private long heap = 20 * MIB;
  private long live = heap;
  private int collections;

  private final HeapGrowth growth =
      new HeapGrowth(ALLOWED, HeapGrowth.QUIET, () -> heap, this::collected, () -> nanos);

  private void collected() {
    collections++;
    heap = live;
  }

  private void look(Duration later) {
    nanos += later.toNanos();
    growth.look();
  }

  @Test
  void look_burst_heapStaysWithinWhatIsAllowed() {
    long highest = 0;
    for (int i = 0; i < 200; i++) {
      heap += MIB;
      highest = Math.max(highest, heap);
      look(LOOK);
    }

    assertThat(highest).isLessThanOrEqualTo(20 * MIB + ALLOWED + MIB);
    assertThat(collections).isBetween(200 / 18, 200 / 16);
  }

  @Test
  void look_keptGrowth_collectsLessOftenTheMoreThereIs() {
    live = 200 * MIB;
    heap = live;
    look(LOOK);
    assertThat(collections).isZero();
    look(HeapGrowth.PAUSE);
    assertThat(collections).isEqualTo(1);

    heap += ALLOWED + MIB;
    look(HeapGrowth.PAUSE);
    assertThat(collections).isEqualTo(1);
    heap += 2 * ALLOWED + 2 * MIB;
    look(HeapGrowth.PAUSE);
    assertThat(collections).isEqualTo(2);
  }

  @Test
  void look_growsFasterThanItMayCollect_pausesBetween() {
    look(HeapGrowth.PAUSE);
    for (int i = 0; i < 8; i++) {
      heap += 100 * MIB;
      look(LOOK);
    }

    assertThat(collections).isEqualTo(2);
  }

  @Test
  void look_quietAfterLittleGrowth_collectsOnce() {
    heap += HeapGrowth.SMALL + 1;
    look(LOOK);
    look(HeapGrowth.QUIET.minusNanos(1));
    assertThat(collections).isZero();
    look(Duration.ofNanos(1));
    assertThat(collections).isEqualTo(1);

    look(HeapGrowth.QUIET);
    assertThat(collections).isEqualTo(1);
  }

  @Test
  void look_quietWithNextToNothing_collectsNothing() {
    heap += HeapGrowth.SMALL;
    look(HeapGrowth.QUIET);
    look(HeapGrowth.QUIET);

    assertThat(collections).isZero();
  }

  @Test
  void collect_known_countsAsSettled() {
    live = 30 * MIB;
    heap = 90 * MIB;
    growth.collect();
    heap += HeapGrowth.SMALL;
    look(HeapGrowth.QUIET);

    assertThat(collections).isEqualTo(1);
  }
}
