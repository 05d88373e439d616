package io.ipsentry.rule;

import java.util.Arrays;

/** Arrays in pieces of one size, so that growing copies nothing but the list of pieces. */
final class Chunks {
  static final int BITS = 12;

  /** Elements of a piece. */
  static final int SIZE = 1 << BITS;

  static final int MASK = SIZE - 1;

  private Chunks() {}

  static int at(int[][] chunks, int i) {
    return chunks[i >>> BITS][i & MASK];
  }

  static long at(long[][] chunks, int i) {
    return chunks[i >>> BITS][i & MASK];
  }

  static void set(int[][] chunks, int i, int value) {
    chunks[i >>> BITS][i & MASK] = value;
  }

  static void set(long[][] chunks, int i, long value) {
    chunks[i >>> BITS][i & MASK] = value;
  }

  /** The same with one piece more, of zeros. */
  static long[][] grown(long[][] chunks) {
    long[][] grown = Arrays.copyOf(chunks, chunks.length + 1);
    grown[chunks.length] = new long[SIZE];
    return grown;
  }

  /** The same with one piece more, of zeros. */
  static int[][] grown(int[][] chunks) {
    int[][] grown = Arrays.copyOf(chunks, chunks.length + 1);
    grown[chunks.length] = new int[SIZE];
    return grown;
  }
}
