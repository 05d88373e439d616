package io.ipsentry.ban;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of {@code long}s of which most have the same upper half, such as times of one
 * month: 4 bytes each, and 8 from when one has another upper half on.
 *
 * <p>One thread writes. A reader that races with it gets some number.
 */
final class NarrowLongs {
  private final int[] lower;
  private int upperOfAll;
  private int @Nullable [] upper;
  private boolean written;

  NarrowLongs(int count) {
    lower = new int[count];
  }

  long get(int i) {
    int[] halves = upper;
    long half = halves == null ? upperOfAll : halves[i];
    return half << 32 | Integer.toUnsignedLong(lower[i]);
  }

  void set(int i, long value) {
    int half = (int) (value >>> 32);
    if (!written) {
      written = true;
      upperOfAll = half;
    }
    int[] halves = upper;
    if (halves == null && half != upperOfAll) {
      halves = new int[lower.length];
      Arrays.fill(halves, upperOfAll);
      upper = halves;
    }
    if (halves != null) {
      halves[i] = half;
    }
    lower[i] = (int) value;
  }

  long sizeBytes() {
    return (upper == null ? 4L : 8L) * lower.length;
  }
}
