package io.ipsentry.ban;

import org.jspecify.annotations.Nullable;

/**
 * A fixed number of {@code int}s of which most are small: 1 byte each, and 5 from when one is
 * negative or larger than 255 on.
 *
 * <p>One thread writes. A reader that races with it gets some number.
 */
final class NarrowInts {
  private static final int MAX_NARROW = 255;

  private final byte[] narrow;
  private int @Nullable [] wide;

  NarrowInts(int count) {
    narrow = new byte[count];
  }

  int get(int i) {
    int[] all = wide;
    return all == null ? narrow[i] & MAX_NARROW : all[i];
  }

  void set(int i, int value) {
    int[] all = wide;
    if (all == null && (value & ~MAX_NARROW) != 0) {
      all = new int[narrow.length];
      for (int j = 0; j < all.length; j++) {
        all[j] = narrow[j] & MAX_NARROW;
      }
      wide = all;
    }
    if (all == null) {
      narrow[i] = (byte) value;
    } else {
      all[i] = value;
    }
  }

  long sizeBytes() {
    return (wide == null ? 1L : 5L) * narrow.length;
  }
}
