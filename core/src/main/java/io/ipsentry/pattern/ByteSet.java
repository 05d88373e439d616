package io.ipsentry.pattern;

import org.jspecify.annotations.Nullable;

/** A set of byte values, one bit each: {@code w0} holds 0 to 63, {@code w3} 192 to 255. */
record ByteSet(long w0, long w1, long w2, long w3) {
  static final ByteSet ALL = new ByteSet(-1, -1, -1, -1);
  static final ByteSet LINE_FEED = range('\n', '\n');
  static final ByteSet WORD = range('0', '9').or(range('A', 'Z')).or(range('a', 'z')).or(of('_'));
  private static final ByteSet NONE = new ByteSet(0, 0, 0, 0);

  static ByteSet of(int value) {
    return range(value, value);
  }

  static ByteSet range(int first, int last) {
    long[] words = new long[4];
    for (int value = first; value <= last; value++) {
      words[value >>> 6] |= 1L << value;
    }
    return new ByteSet(words[0], words[1], words[2], words[3]);
  }

  static ByteSet none() {
    return NONE;
  }

  ByteSet or(ByteSet other) {
    return new ByteSet(w0 | other.w0, w1 | other.w1, w2 | other.w2, w3 | other.w3);
  }

  ByteSet not() {
    return new ByteSet(~w0, ~w1, ~w2, ~w3);
  }

  void copyTo(long[] words, int at) {
    words[at] = w0;
    words[at + 1] = w1;
    words[at + 2] = w2;
    words[at + 3] = w3;
  }

  boolean intersects(ByteSet other) {
    return ((w0 & other.w0) | (w1 & other.w1) | (w2 & other.w2) | (w3 & other.w3)) != 0;
  }

  boolean contains(int value) {
    long word = value < 128 ? (value < 64 ? w0 : w1) : value < 192 ? w2 : w3;
    return (word >>> value & 1) != 0;
  }

  // As a record's own, which the JVM puts together of 15 classes at each start.

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ByteSet set
        && w0 == set.w0
        && w1 == set.w1
        && w2 == set.w2
        && w3 == set.w3;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(w0 + 31 * (w1 + 31 * (w2 + 31 * w3)));
  }
}
