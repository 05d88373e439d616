package io.ipsentry.net;

import org.jspecify.annotations.Nullable;

/**
 * The IPv4 half of {@link PrefixTable}.
 *
 * <p>Entries lie in a hash table with linear probing: {@code key = address << 8 | bits + 1}, 0 for
 * an empty cell. Two summaries make a match cheap:
 *
 * <ul>
 *   <li>{@code covering[address >>> 16]}: bit n says that an entry of n bits (0 to 16) covers this
 *       /16.
 *   <li>{@code longer[address >>> 16][address >>> 8 & 255]}: for each /24 of a /16 in use, bit
 *       {@code n - 17} says for 17 to 24 that an entry of n bits covers this /24, for 25 to 32 that
 *       one lies in it.
 * </ul>
 *
 * So at most the lengths 25 to 32 can be probed in vain, and only where the /24 has such entries.
 * Both summaries are exact after removals too: whether the last entry of its length has left a /24
 * is seen by probing its at most 256 neighbours.
 */
final class V4Prefixes {
  private static final int MIN_CELLS = 64;
  private static final int MAX_CELLS = 1 << 29;
  private static final int BLOCKS = 1 << 16;
  private static final int FIRST_LONGER = 17;

  /**
   * Keys and values, which grow together. Filled before it is published through its final fields,
   * so that a reader without a lock sees all of it.
   */
  private static final class Cells {
    final long[] keys;
    final int[] values;

    Cells(int cells) {
      keys = new long[cells];
      values = new int[cells];
    }

    Cells(int cells, Cells old) {
      this(cells);
      for (int i = 0; i < old.keys.length; i++) {
        if (old.keys[i] != 0) {
          int at = find(keys, old.keys[i]);
          keys[at] = old.keys[i];
          values[at] = old.values[i];
        }
      }
    }
  }

  private Cells cells = new Cells(MIN_CELLS);
  private final int[] covering = new int[BLOCKS];
  private final char[] @Nullable [] longer = new char[BLOCKS][];
  private int blocksInUse;
  private int size;

  int put(int address, int bits, int value) {
    reserve();
    long[] keys = cells.keys;
    long key = key(address, bits);
    int at = find(keys, key);
    if (keys[at] == key) {
      int old = cells.values[at];
      cells.values[at] = value;
      return old;
    }
    cells.values[at] = value;
    keys[at] = key;
    size++;
    summarise(address, bits, true);
    return PrefixTable.NONE;
  }

  int remove(int address, int bits) {
    long[] keys = cells.keys;
    long key = key(address, bits);
    int at = find(keys, key);
    if (keys[at] != key) {
      return PrefixTable.NONE;
    }
    int old = cells.values[at];
    close(at);
    size--;
    if (bits <= 24 || !anotherIn24(address, bits)) {
      summarise(address, bits, false);
    }
    return old;
  }

  int get(int address, int bits) {
    Cells read = cells;
    long key = key(address, bits);
    int at = find(read.keys, key);
    return read.keys[at] == key ? read.values[at] : PrefixTable.NONE;
  }

  /** {@code bits << 32 | value} of the longest match of at most {@code maxBits}, or NONE. */
  long match(int address, int maxBits) {
    if (maxBits < 0) {
      return PrefixTable.NONE;
    }
    int block = address >>> 16;
    char[] of24 = longer[block];
    if (of24 != null && maxBits >= FIRST_LONGER) {
      int lengths = of24[address >>> 8 & 0xff] & -1 >>> (48 - maxBits);
      while (lengths != 0) {
        int top = 31 - Integer.numberOfLeadingZeros(lengths);
        int bits = top + FIRST_LONGER;
        int value = get(address & mask(bits), bits);
        if (value >= 0) {
          return (long) bits << 32 | value;
        }
        lengths ^= 1 << top;
      }
    }
    int lengths = covering[block] & -1 >>> (31 - Math.min(maxBits, FIRST_LONGER - 1));
    while (lengths != 0) {
      int bits = 31 - Integer.numberOfLeadingZeros(lengths);
      int value = get(address & mask(bits), bits);
      if (value >= 0) {
        return (long) bits << 32 | value;
      }
      lengths ^= 1 << bits;
    }
    return PrefixTable.NONE;
  }

  int size() {
    return size;
  }

  long sizeBytes() {
    return 12L * cells.keys.length + 8L * BLOCKS + 512L * blocksInUse;
  }

  void forEach(PrefixTable.EntryVisitor visitor) {
    long[] keys = cells.keys;
    for (int i = 0; i < keys.length; i++) {
      if (keys[i] != 0) {
        int length = (int) (keys[i] & 0xff) - 1 + IpPrefix.V4_OFFSET;
        visitor.visit(0, IpPrefix.v4ToLo((int) (keys[i] >>> 8)), length, cells.values[i]);
      }
    }
  }

  /** Sets or clears the length of an entry wherever a match would look for it. */
  private void summarise(int address, int bits, boolean present) {
    if (bits < FIRST_LONGER) {
      int bit = 1 << bits;
      int from = address >>> 16;
      int to = from + (1 << (16 - bits));
      for (int block = from; block < to; block++) {
        covering[block] = present ? covering[block] | bit : covering[block] & ~bit;
      }
      return;
    }
    int bit = 1 << (bits - FIRST_LONGER);
    char[] of24 = longer[address >>> 16];
    if (of24 == null) {
      of24 = new char[256];
      longer[address >>> 16] = of24;
      blocksInUse++;
    }
    int from = address >>> 8 & 0xff;
    int to = from + (bits >= 24 ? 1 : 1 << (24 - bits));
    for (int i = from; i < to; i++) {
      of24[i] = (char) (present ? of24[i] | bit : of24[i] & ~bit);
    }
    if (!present && isZero(of24)) {
      longer[address >>> 16] = null;
      blocksInUse--;
    }
  }

  private boolean anotherIn24(int address, int bits) {
    int base = address & mask(24);
    for (int i = 0; i < 256; i += 1 << (32 - bits)) {
      if (get(base | i, bits) >= 0) {
        return true;
      }
    }
    return false;
  }

  private static boolean isZero(char[] chars) {
    for (char c : chars) {
      if (c != 0) {
        return false;
      }
    }
    return true;
  }

  /** Makes room for one more entry. */
  void reserve() {
    int capacity = cells.keys.length;
    if (size < capacity / 4 * 3) {
      return;
    }
    if (capacity == MAX_CELLS) {
      throw new IllegalStateException("prefix table is full; remove entries before adding more");
    }
    cells = new Cells(capacity * 2, cells);
  }

  /** Empties a cell and moves later entries of its run forward, so that no probe ends too early. */
  private void close(int hole) {
    long[] keys = cells.keys;
    int[] values = cells.values;
    int mask = keys.length - 1;
    int empty = hole;
    int at = (hole + 1) & mask;
    while (keys[at] != 0) {
      int home = home(keys[at], mask);
      if (((at - home) & mask) >= ((at - empty) & mask)) {
        keys[empty] = keys[at];
        values[empty] = values[at];
        empty = at;
      }
      at = (at + 1) & mask;
    }
    keys[empty] = 0;
  }

  /** The cell with the key, or the empty one where it belongs; bounded for racing readers. */
  private static int find(long[] keys, long key) {
    int mask = keys.length - 1;
    int at = home(key, mask);
    for (int probes = 0; probes < mask; probes++) {
      long found = keys[at];
      if (found == key || found == 0) {
        return at;
      }
      at = (at + 1) & mask;
    }
    return at;
  }

  private static int home(long key, int mask) {
    long mixed = key * 0x9e37_79b9_7f4a_7c15L;
    return (int) (mixed >>> 32 ^ mixed >>> 57) & mask;
  }

  private static long key(int address, int bits) {
    return Integer.toUnsignedLong(address) << 8 | (bits + 1);
  }

  private static int mask(int bits) {
    return bits == 0 ? 0 : -1 << (32 - bits);
  }
}
