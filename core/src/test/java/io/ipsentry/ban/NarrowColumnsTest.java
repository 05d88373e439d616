package io.ipsentry.ban;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** {@link NarrowLongs} and {@link NarrowInts} beside plain arrays. */
final class NarrowColumnsTest {
  private static final int COUNT = 64;

  @Test
  void longs_ofAllSizes_areKeptExactly() {
    for (long seed = 1; seed <= 200; seed++) {
      Random random = new Random(seed);
      NarrowLongs column = new NarrowLongs(COUNT);
      long[] plain = new long[COUNT];
      long usual = random.nextLong();
      for (int step = 0; step < 300; step++) {
        int i = random.nextInt(COUNT);
        boolean odd = random.nextInt(100) == 0;
        long value = odd ? random.nextLong() : usual & -1L << 32 | random.nextInt() & 0xffff_ffffL;
        column.set(i, value);
        plain[i] = value;
        assertThat(column.get(i)).as("seed %d, step %d", seed, step).isEqualTo(value);
      }
      for (int i = 0; i < COUNT; i++) {
        // What was never set says nothing.
        if (plain[i] != 0) {
          assertThat(column.get(i)).as("seed %d, place %d", seed, i).isEqualTo(plain[i]);
        }
      }
    }
  }

  @Test
  void longs_oneUpperHalf_takeFourBytesEach() {
    NarrowLongs column = new NarrowLongs(COUNT);
    for (int i = 0; i < COUNT; i++) {
      column.set(i, 1_764_000_000_000L + i);
    }
    assertThat(column.sizeBytes()).isEqualTo(4 * COUNT);
    column.set(3, Long.MAX_VALUE);
    assertThat(column.sizeBytes()).isEqualTo(8 * COUNT);
    assertThat(column.get(4)).isEqualTo(1_764_000_000_004L);
  }

  @Test
  void ints_ofAllSizes_areKeptExactly() {
    for (long seed = 1; seed <= 200; seed++) {
      Random random = new Random(seed);
      NarrowInts column = new NarrowInts(COUNT);
      int[] plain = new int[COUNT];
      for (int step = 0; step < 300; step++) {
        int i = random.nextInt(COUNT);
        plain[i] = random.nextInt(100) == 0 ? random.nextInt() : random.nextInt(256);
        column.set(i, plain[i]);
      }
      for (int i = 0; i < COUNT; i++) {
        assertThat(column.get(i)).as("seed %d, place %d", seed, i).isEqualTo(plain[i]);
      }
    }
  }

  @Test
  void ints_upTo255_takeOneByteEach() {
    NarrowInts column = new NarrowInts(COUNT);
    column.set(0, 255);
    assertThat(column.sizeBytes()).isEqualTo(COUNT);
    column.set(1, 256);
    assertThat(column.sizeBytes()).isEqualTo(5 * COUNT);
    assertThat(column.get(0)).isEqualTo(255);
  }
}
