package io.ipsentry.pattern;

import java.util.Arrays;

/** Sets of matched patterns, each kept once and known by a number; 0 is the empty set. */
final class MatchSets {
  private final int words;
  private long[] bits;
  private int[][] numbers = new int[8][];
  private int size;
  private int[] index = new int[32];

  MatchSets(int patterns) {
    this.words = Math.max(1, patterns + 63 >>> 6);
    this.bits = new long[8 * words];
    clear();
  }

  /** Longs in the bits of a set. */
  int words() {
    return words;
  }

  int size() {
    return size;
  }

  void clear() {
    size = 0;
    Arrays.fill(index, 0);
    Arrays.fill(numbers, null);
    number(new long[words]);
  }

  /** Patterns of a set, ascending. */
  int[] numbers(int set) {
    return numbers[set];
  }

  void copyTo(int set, long[] to) {
    System.arraycopy(bits, set * words, to, 0, words);
  }

  /** The number of a set; a set that is not known is added. */
  int number(long[] set) {
    int mask = index.length - 1;
    int i = hash(set, 0) & mask;
    while (index[i] != 0) {
      int candidate = index[i] - 1;
      if (Arrays.equals(bits, candidate * words, (candidate + 1) * words, set, 0, words)) {
        return candidate;
      }
      i = i + 1 & mask;
    }
    index[i] = size + 1;
    add(set);
    return size - 1;
  }

  private void add(long[] set) {
    if (size == numbers.length) {
      numbers = Arrays.copyOf(numbers, 2 * size);
      bits = Arrays.copyOf(bits, 2 * size * words);
    }
    System.arraycopy(set, 0, bits, size * words, words);
    int count = 0;
    for (long word : set) {
      count += Long.bitCount(word);
    }
    int[] list = new int[count];
    int next = 0;
    for (int word = 0; word < words; word++) {
      for (long rest = set[word]; rest != 0; rest &= rest - 1) {
        list[next++] = word << 6 | Long.numberOfTrailingZeros(rest);
      }
    }
    numbers[size++] = list;
    if (2 * size > index.length) {
      rehash();
    }
  }

  private void rehash() {
    index = new int[2 * index.length];
    int mask = index.length - 1;
    for (int set = 0; set < size; set++) {
      int i = hash(bits, set * words) & mask;
      while (index[i] != 0) {
        i = i + 1 & mask;
      }
      index[i] = set + 1;
    }
  }

  private int hash(long[] from, int offset) {
    long hash = 0;
    for (int i = 0; i < words; i++) {
      hash = (hash ^ from[offset + i]) * 0x9e3779b97f4a7c15L;
      hash ^= hash >>> 29;
    }
    return (int) (hash ^ hash >>> 32);
  }
}
