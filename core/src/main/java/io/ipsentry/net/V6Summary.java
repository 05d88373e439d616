package io.ipsentry.net;

import java.util.function.Consumer;

/**
 * Which lengths of 33 bits and more {@link V6Prefixes} may hold around an address, and whether a
 * prefix may be there at all: one long for what shares the upper 48 bits of the address, one for
 * what shares the upper 32, so that most probes in vain are spared the way to a cell.
 *
 * <p>Both are found by hash. The long of the upper 48 bits stands for lengths from 49: bits 0 to 15
 * for 49 to 64, bits 16 to 23 for groups of eight from 65, bit 24 for 128. The long of the upper 32
 * stands for lengths from 33: bits 0 to 15 for 33 to 48. The upper half is a Bloom filter of the
 * entries, two bits each (B. H. Bloom, Space/time trade-offs in hash coding with allowable errors,
 * 1970). Sharing a long with others, or with entries that have been removed, costs a probe in vain
 * and nothing else.
 *
 * <p>Threads as {@link PrefixTable} says.
 */
final class V6Summary {
  /** The shortest prefix that is summarised. */
  static final int FROM = 33;

  private static final int FAR_FROM = 49;
  private static final int LAST_BIT = 31;
  private static final int GROUPS_FROM = 65;
  private static final int GROUP = 8;
  private static final int FIRST_GROUP = 16;
  private static final int WHOLE_ADDRESS = 24;

  private static final long MIX = 0x9e37_79b9_7f4a_7c15L;
  private static final long MIX_AGAIN = 0xd6e8_feb8_6659_fd93L;

  private final long[] near;
  private final long[] far;

  /**
   * A summary of nothing.
   *
   * @param words power of two, at least 4
   */
  V6Summary(int words) {
    this(words, visitor -> {});
  }

  /**
   * Filled before it is published through its final fields: a reader needs no lock to see it all.
   *
   * @param words power of two, at least 4
   * @param entries shows the entries to a visitor
   */
  V6Summary(int words, Consumer<PrefixTable.EntryVisitor> entries) {
    far = new long[words];
    near = new long[words / 4];
    entries.accept((hi, lo, length, value) -> add(hi, lo, length));
  }

  /** Longs for the upper 48 bits. */
  int words() {
    return far.length;
  }

  long sizeBytes() {
    return 8L * (far.length + near.length);
  }

  void add(long hi, long lo, int length) {
    long filter = (long) filter(hash(hi, lo, length)) << Integer.SIZE;
    if (length < FAR_FROM) {
      near[nearAt(hi)] |= filter | 1L << (length - FROM);
    } else {
      far[farAt(hi)] |= filter | 1L << farBit(length);
    }
  }

  /** The long for the upper 48 bits of an address. */
  long far(long hi) {
    return far[farAt(hi)];
  }

  /** The long for the upper 32 bits of an address. */
  long near(long hi) {
    return near[nearAt(hi)];
  }

  /** The highest bit of those a long has for lengths, or −1; the others are less. */
  static int lastBit(int lengths) {
    return LAST_BIT - Integer.numberOfLeadingZeros(lengths);
  }

  /** The longest length that a bit of a long for the upper 48 bits stands for. */
  static int farLongest(int bit) {
    if (bit < FIRST_GROUP) {
      return bit + FAR_FROM;
    }
    return bit == WHOLE_ADDRESS
        ? IpPrefix.MAX_LENGTH
        : Math.min(GROUPS_FROM + GROUP * (bit - FIRST_GROUP + 1), IpPrefix.MAX_LENGTH) - 1;
  }

  /** The shortest length that a bit of a long for the upper 48 bits stands for. */
  static int farShortest(int bit) {
    boolean group = bit >= FIRST_GROUP && bit < WHOLE_ADDRESS;
    return group ? GROUPS_FROM + GROUP * (bit - FIRST_GROUP) : farLongest(bit);
  }

  /** Whether a long leaves it open that an entry of this {@link #hash} is there. */
  static boolean mayHold(long word, long hash) {
    int filter = filter(hash);
    return ((int) (word >>> Integer.SIZE) & filter) == filter;
  }

  /** Hash of a prefix; {@link #place} makes a place in a table of it. */
  static long hash(long hi, long lo, int length) {
    long mixed = (hi + length) * MIX;
    return (mixed ^ mixed >>> 32 ^ lo) * MIX_AGAIN;
  }

  /** A place from 0 to {@code mask}, which is a power of two less one. */
  static int place(long hash, int mask) {
    return (int) (hash >>> 32 ^ hash >>> 57) & mask;
  }

  private static int farBit(int length) {
    if (length < GROUPS_FROM) {
      return length - FAR_FROM;
    }
    return length == IpPrefix.MAX_LENGTH
        ? WHOLE_ADDRESS
        : FIRST_GROUP + (length - GROUPS_FROM) / GROUP;
  }

  /** Two of 32 bits, from the middle of the hash, which {@link #place} uses least. */
  private static int filter(long hash) {
    return 1 << (int) (hash >>> 27) | 1 << (int) (hash >>> 22);
  }

  private int farAt(long hi) {
    return place((hi >>> 16) * MIX, far.length - 1);
  }

  private int nearAt(long hi) {
    return place((hi >>> 32) * MIX, near.length - 1);
  }
}
