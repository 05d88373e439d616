package io.ipsentry.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.rule.HitWindows.Terms;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HitWindowsTest {
  private static final long BUDGET = 8 << 20;

  private static boolean add(
      HitWindows windows, int rule, long hi, long lo, long time, int pattern) {
    return windows.add(rule, hi, lo, time, pattern, Long.MIN_VALUE);
  }

  private static HitWindows windows(Terms... terms) {
    return new HitWindows(BUDGET, terms);
  }

  @Test
  void add_thresholdWithinWindow_isReachedByTheHitThatMakesTheNumber() {
    HitWindows windows = windows(new Terms(3, 0, 120_000));

    assertThat(add(windows, 0, 0, 7, 1_000, 1)).isFalse();
    assertThat(add(windows, 0, 0, 7, 2_000, 1)).isFalse();
    assertThat(add(windows, 0, 0, 7, 3_000, 1)).isTrue();
    assertThat(windows.count()).isEqualTo(3);
    assertThat(windows.decidedAtMillis()).isEqualTo(3_000);
  }

  @Test
  void add_firstHitExactlyOneWindowAgo_doesNotCount() {
    HitWindows windows = windows(new Terms(2, 0, 120_000));

    add(windows, 0, 0, 7, 0, 1);
    assertThat(add(windows, 0, 0, 7, 120_000, 1)).isFalse();
    assertThat(add(windows, 0, 0, 7, 239_999, 1)).isTrue();
  }

  @Test
  void add_distinctPatterns_areReachedBeforeTheThreshold() {
    HitWindows windows = windows(new Terms(3, 2, 120_000));

    assertThat(add(windows, 0, 0, 7, 1_000, 1)).isFalse();
    assertThat(add(windows, 0, 0, 7, 2_000, 1)).isFalse();
    assertThat(add(windows, 0, 0, 7, 2_001, 2)).isTrue();
    assertThat(windows.distinctCount()).isEqualTo(2);
  }

  @Test
  void add_lateHitThatCompletesAnEarlierWindow_decidesAtTheLaterHit() {
    HitWindows windows = windows(new Terms(3, 0, 10_000));

    add(windows, 0, 0, 7, 20_000, 1);
    add(windows, 0, 0, 7, 25_000, 1);
    assertThat(add(windows, 0, 0, 7, 16_000, 1)).isTrue();
    assertThat(windows.decidedAtMillis()).isEqualTo(25_000);
  }

  @Test
  void add_otherRuleOrAddress_countsApart() {
    HitWindows windows = windows(new Terms(2, 0, 1_000), new Terms(2, 0, 1_000));

    assertThat(add(windows, 0, 0, 7, 10, 1)).isFalse();
    assertThat(add(windows, 1, 0, 7, 10, 1)).isFalse();
    assertThat(add(windows, 0, 0, 8, 10, 1)).isFalse();
    assertThat(add(windows, 0, 1, 7, 10, 1)).isFalse();
    assertThat(add(windows, 0, 0, 7, 10, 1)).isTrue();
    assertThat(windows.size()).isEqualTo(4);
  }

  @Test
  void forget_thenHits_startsAnew() {
    HitWindows windows = windows(new Terms(2, 0, 1_000));
    add(windows, 0, 0, 7, 10, 1);
    windows.forget(0, 0, 7);

    assertThat(add(windows, 0, 0, 7, 11, 1)).isFalse();
    assertThat(windows.size()).isEqualTo(1);
  }

  @Test
  void add_floorAfterEarlierHits_leavesThemOut() {
    HitWindows windows = windows(new Terms(2, 0, 60_000));
    windows.add(0, 0, 7, 1_000, 1, Long.MIN_VALUE);

    assertThat(windows.add(0, 0, 7, 3_000, 1, 1_000)).isFalse();
    assertThat(windows.add(0, 0, 7, 3_001, 1, 2_999)).isTrue();
  }

  /** Terms over the seeds: windows shorter and longer than the lateness, with each way to count. */
  private static Terms terms(Random random) {
    int threshold = random.nextInt(7);
    int distinct = threshold == 0 ? 1 + random.nextInt(4) : random.nextInt(4);
    long[] lengths = {1, 50, 999, 10_000, 15_000, 120_000};
    return new Terms(threshold, distinct, lengths[random.nextInt(lengths.length)]);
  }

  /** Of IPv4, a network of IPv6, an address of it, and a network that looks like the first. */
  private static final long[][] ADDRESSES = {
    {0, 0xFFFF_C633_6407L},
    {0x2001_0DB8_0000_0001L, 0},
    {0x2001_0DB8_0000_0001L, 7},
    {0xFFFF_C633_6407L, 0}
  };

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
  void add_seededHitsUpToTenSecondsLate_agreesWithNaiveModel(long seed) {
    Random random = new Random(seed);
    for (int round = 0; round < 20; round++) {
      Terms terms = terms(random);
      HitWindows windows = windows(terms);
      Map<Integer, List<long[]>> model = new HashMap<>();
      long clock = 1_000_000;
      for (int i = 0; i < 3_000; i++) {
        clock += random.nextInt(4) == 0 ? random.nextInt(20_000) : random.nextInt(300);
        boolean late = random.nextInt(5) == 0;
        long time = late ? clock - random.nextLong(HitWindows.OUT_OF_ORDER_MILLIS) : clock;
        int address = random.nextInt(ADDRESSES.length);
        long hi = ADDRESSES[address][0];
        long lo = ADDRESSES[address][1];
        int pattern = random.nextInt(5);
        List<long[]> hits = model.computeIfAbsent(address, a -> new ArrayList<>());
        hits.add(new long[] {time, pattern});

        boolean expected = naivelyReached(hits, terms, time);
        boolean reached = add(windows, 0, hi, lo, time, pattern);

        assertThat(reached)
            .as("seed %s round %s hit %s %s", seed, round, i, terms)
            .isEqualTo(expected);
        if (reached) {
          windows.forget(0, hi, lo);
          hits.clear();
        }
      }
    }
  }

  /** Every window that ends at a hit is counted from scratch, over all hits ever. */
  private static boolean naivelyReached(List<long[]> hits, Terms terms, long added) {
    for (long[] end : hits) {
      if (end[0] < added) {
        continue;
      }
      List<long[]> within =
          hits.stream()
              .filter(h -> h[0] <= end[0] && end[0] - h[0] < terms.windowMillis())
              .toList();
      long different = within.stream().mapToLong(h -> h[1]).distinct().count();
      boolean byHits = terms.threshold() > 0 && within.size() >= terms.threshold();
      boolean byPatterns = terms.distinct() > 0 && different >= terms.distinct();
      if (byHits || byPatterns) {
        return true;
      }
    }
    return false;
  }

  @Test
  void add_fiftyMillionAddresses_staysInBudgetAndStillCatchesTheAttacker() {
    long budget = 16 << 20;
    HitWindows windows = new HitWindows(budget, new Terms[] {new Terms(3, 2, 3_600_000)});
    long seed = 42;
    boolean caught = false;
    for (int i = 0; i < 50_000_000; i++) {
      seed = seed * 6364136223846793005L + 1442695040888963407L;
      add(windows, 0, 0, 0xFFFF_0000_0000L | i, i / 100, (int) (seed >>> 60));
      if (i % 100_000 == 50_000) {
        caught |= add(windows, 0, 1, 1, i / 100, 1);
      }
    }

    assertThat(windows.bytes()).isLessThanOrEqualTo(budget);
    assertThat(windows.evictions()).isGreaterThan(49_000_000);
    assertThat(caught).as("an attacker with a hit every 100,000 others").isTrue();
  }

  @Test
  void bytes_onlyLongAddressesOfIpv6_needBothHalves() {
    HitWindows windows = windows(new Terms(3, 0, 3_600_000));
    for (int i = 0; i < 4_000; i++) {
      add(windows, 0, 0, 0xFFFF_0000_0000L | i, 0, 1);
    }
    long before = windows.bytes();
    for (int i = 0; i < 90; i++) {
      add(windows, 0, 0x2001_0DB8_0000_0000L | i, 0, 0, 1);
    }

    assertThat(before).isEqualTo(4_096 * (28 + 16) + 8_192 * 4);
    assertThat(windows.bytes()).isEqualTo(before);
    add(windows, 0, 0x2001_0DB8_0000_0000L, 1, 0, 1);
    add(windows, 0, 0x2001_0DB8_0000_0000L, 2, 0, 1);
    assertThat(windows.bytes()).isEqualTo(before + 4_096 * 8);
  }

  @Test
  void add_floodOfSingleHits_doesNotDisplaceAnAddressWithMoreHits() {
    HitWindows windows = new HitWindows(1 << 20, new Terms[] {new Terms(3, 0, 3_600_000)});
    add(windows, 0, 1, 1, 0, 1);
    add(windows, 0, 1, 1, 1, 1);
    for (int i = 0; i < 1_000_000; i++) {
      add(windows, 0, 0, i, 2, 1);
    }

    assertThat(add(windows, 0, 1, 1, 3, 1)).isTrue();
    assertThat(windows.bytes()).isLessThanOrEqualTo(1 << 20);
  }

  @Test
  void add_onePatternFloodOnDistinctRule_isBoundedAndStaysExact() {
    HitWindows windows = new HitWindows(1 << 20, new Terms[] {new Terms(0, 3, 3_600_000)});
    add(windows, 0, 0, 7, 0, 99);
    for (int i = 1; i < 100_000; i++) {
      assertThat(add(windows, 0, 0, 7, i, 1)).isFalse();
    }

    assertThat(add(windows, 0, 0, 7, 100_000, 2)).isTrue();
  }

  @Test
  void add_oneAddressLargerThanTheBudget_keepsTheNewestHits() {
    HitWindows windows =
        new HitWindows(1 << 20, new Terms[] {new Terms(10_000, 10_000, 86_400_000)});
    for (int i = 0; i < 9_999; i++) {
      assertThat(add(windows, 0, 0, 7, i, 1)).isFalse();
    }

    assertThat(add(windows, 0, 0, 7, 10_000, 1)).isTrue();
    assertThat(windows.bytes()).isLessThanOrEqualTo(1 << 20);
  }

  @Test
  void expire_watermarkPassesWindowAndLateness_dropsOnlyWhatCannotCount() {
    HitWindows windows = windows(new Terms(3, 0, 60_000));
    add(windows, 0, 0, 1, 1_000, 1);
    add(windows, 0, 0, 2, 30_000, 1);

    windows.expire(70_999, 100);
    assertThat(windows.size()).isEqualTo(2);
    windows.expire(71_000, 100);
    assertThat(windows.size()).isEqualTo(1);
  }

  @Test
  void writeTo_thenReadFrom_goesOnCountingWhereItStood() throws IOException {
    Random random = new Random(5);
    HitWindows windows = windows(new Terms(3, 2, 60_000), new Terms(5, 0, 10_000));
    for (int i = 0; i < 20_000; i++) {
      int rule = random.nextInt(2);
      long address = (random.nextBoolean() ? 0xFFFF_0000_0000L : 0) + random.nextInt(4_500);
      if (add(windows, rule, 0, address, i, random.nextInt(3))) {
        windows.forget(rule, 0, address);
      }
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    windows.writeTo(new DataOutputStream(bytes));
    HitWindows restored = windows(new Terms(5, 0, 10_000), new Terms(3, 2, 60_000));
    restored.readFrom(
        new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())), rule -> 1 - rule);

    assertThat(restored.size()).isEqualTo(windows.size());
    for (int i = 0; i < 20_000; i++) {
      int rule = random.nextInt(2);
      long address = (random.nextBoolean() ? 0xFFFF_0000_0000L : 0) + random.nextInt(4_500);
      int pattern = random.nextInt(3);
      boolean expected = add(windows, rule, 0, address, 20_000 + i, pattern);
      assertThat(add(restored, 1 - rule, 0, address, 20_000 + i, pattern)).isEqualTo(expected);
      if (expected) {
        windows.forget(rule, 0, address);
        restored.forget(1 - rule, 0, address);
      }
    }
  }

  @Test
  void renumber_ruleGone_dropsItsWindowsAndKeepsTheOthers() {
    HitWindows windows = windows(new Terms(2, 0, 60_000), new Terms(2, 0, 60_000));
    add(windows, 0, 0, 7, 1, 1);
    add(windows, 1, 0, 7, 1, 1);

    windows.renumber(new Terms[] {new Terms(2, 0, 60_000)}, old -> old - 1);

    assertThat(windows.size()).isEqualTo(1);
    assertThat(add(windows, 0, 0, 7, 2, 1)).isTrue();
  }

  @Test
  void readFrom_damagedBytes_saysSo() {
    byte[] damaged = {9, 0, 0, 0, 1};

    assertThatThrownBy(() ->
            windows(new Terms(2, 0, 1))
                .readFrom(new DataInputStream(new ByteArrayInputStream(damaged)), r -> r))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("form 9");
  }
}
