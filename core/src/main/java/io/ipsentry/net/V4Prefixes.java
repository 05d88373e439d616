package io.ipsentry.net;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The IPv4 half of {@link PrefixTable}.
 *
 * <p>Entries lie in a hash table with linear probing, one long a cell: {@code address << 32 | value
 * << 6 | bits + 1}, 0 for an empty cell. Two summaries make a match cheap:
 *
 * <ul>
 *   <li>{@code covering[address >>> 16]}: bit n says that an entry of n bits (0 to 16) covers this
 *       /16.
 *   <li>{@code longer[address >>> 16]}, for a /16 in use: the first 256 bytes say for each /24 of
 *       it, by bit n - 25, that an entry of 25 to 32 bits lies in it; the second 256 bytes, which
 *       are there only if needed, by bit n - 17, that an entry of 17 to 24 bits covers it.
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
  private static final int BLOCK_24S = 1 << 8;

  private static final int VALUE_SHIFT = 6;
  private static final long KEY_MASK = 0xffff_ffff_0000_003fL;

  /**
   * Filled before it is published through its final field, so that a reader without a lock sees all
   * of it.
   */
  private static final class Cells {
    final long[] cells;

    Cells(int capacity) {
      cells = new long[capacity];
    }

    Cells(int capacity, Cells old) {
      this(capacity);
      for (long cell : old.cells) {
        if (cell != 0) {
          cells[find(cells, cell & KEY_MASK)] = cell;
        }
      }
    }
  }

  private Cells table = new Cells(MIN_CELLS);
  private final int[] covering = new int[BLOCKS];
  private final byte[] @Nullable [] longer = new byte[BLOCKS][];
  private long longerBytes;
  private int size;

  int put(int address, int bits, int value) {
    reserve();
    long[] cells = table.cells;
    long key = key(address, bits);
    int at = find(cells, key);
    long old = cells[at];
    cells[at] = key | (long) value << VALUE_SHIFT;
    if (old != 0) {
      return value(old);
    }
    size++;
    summarise(address, bits, true);
    return PrefixTable.NONE;
  }

  int remove(int address, int bits) {
    long[] cells = table.cells;
    int at = find(cells, key(address, bits));
    long old = cells[at];
    if (old == 0) {
      return PrefixTable.NONE;
    }
    close(at);
    size--;
    if (bits <= 24 || !anotherIn24(address, bits)) {
      summarise(address, bits, false);
    }
    return value(old);
  }

  int get(int address, int bits) {
    long[] cells = table.cells;
    long key = key(address, bits);
    long cell = cells[find(cells, key)];
    return (cell & KEY_MASK) == key ? value(cell) : PrefixTable.NONE;
  }

  /** {@code bits << 32 | value} of the longest match of at most {@code maxBits}, or NONE. */
  long match(int address, int maxBits) {
    if (maxBits < 0) {
      return PrefixTable.NONE;
    }
    byte[] of24 = longer[address >>> 16];
    if (of24 != null && maxBits > 16) {
      int at24 = address >>> 8 & 0xff;
      long match = firstOf(address, of24[at24] & 0xff, 25, maxBits);
      if (match < 0 && of24.length > BLOCK_24S) {
        match = firstOf(address, of24[BLOCK_24S + at24] & 0xff, 17, maxBits);
      }
      if (match >= 0) {
        return match;
      }
    }
    return firstOf(address, covering[address >>> 16], 0, maxBits);
  }

  /**
   * Probes the lengths of a summary, longest first; its bit 0 stands for the length {@code base}.
   */
  private long firstOf(int address, int summary, int base, int maxBits) {
    int limit = maxBits - base;
    int lengths = limit >= 31 ? summary : limit < 0 ? 0 : summary & (2 << limit) - 1;
    while (lengths != 0) {
      int top = 31 - Integer.numberOfLeadingZeros(lengths);
      int bits = top + base;
      int value = get(address & mask(bits), bits);
      if (value >= 0) {
        return (long) bits << 32 | value;
      }
      lengths ^= 1 << top;
    }
    return PrefixTable.NONE;
  }

  int size() {
    return size;
  }

  long sizeBytes() {
    return 8L * table.cells.length + 8L * BLOCKS + longerBytes;
  }

  void forEach(PrefixTable.EntryVisitor visitor) {
    for (long cell : table.cells) {
      if (cell != 0) {
        int length = (int) (cell & 0x3f) - 1 + IpPrefix.V4_OFFSET;
        visitor.visit(0, IpPrefix.v4ToLo((int) (cell >>> 32)), length, value(cell));
      }
    }
  }

  /** Makes room for one more entry. */
  void reserve() {
    int capacity = table.cells.length;
    if (size < capacity / 4 * 3) {
      return;
    }
    if (capacity == MAX_CELLS) {
      throw new IllegalStateException("prefix table is full; remove entries before adding more");
    }
    table = new Cells(capacity * 2, table);
  }

  /** Sets or clears the length of an entry wherever a match would look for it. */
  private void summarise(int address, int bits, boolean present) {
    int block = address >>> 16;
    if (bits <= 16) {
      int bit = 1 << bits;
      int end = block + (1 << (16 - bits));
      for (int i = block; i < end; i++) {
        covering[i] = present ? covering[i] | bit : covering[i] & ~bit;
      }
      return;
    }
    byte[] of24 = block(block, bits <= 24 ? 2 * BLOCK_24S : BLOCK_24S);
    int from = address >>> 8 & 0xff;
    if (bits >= 25) {
      of24[from] = changed(of24[from], bits - 25, present);
    } else {
      int end = from + (1 << (24 - bits));
      for (int i = from; i < end; i++) {
        of24[BLOCK_24S + i] = changed(of24[BLOCK_24S + i], bits - 17, present);
      }
    }
    if (!present && isZero(of24)) {
      longer[block] = null;
      longerBytes -= of24.length;
    }
  }

  private static byte changed(byte summary, int bit, boolean present) {
    return (byte) (present ? summary | 1 << bit : summary & ~(1 << bit));
  }

  /** The summary of a /16, of at least so many bytes. */
  private byte[] block(int block, int bytes) {
    byte[] of24 = longer[block];
    if (of24 == null) {
      of24 = new byte[bytes];
      longerBytes += bytes;
      longer[block] = of24;
    } else if (of24.length < bytes) {
      longerBytes += bytes - of24.length;
      of24 = Arrays.copyOf(of24, bytes);
      longer[block] = of24;
    }
    return of24;
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

  private static boolean isZero(byte[] bytes) {
    for (byte b : bytes) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  /** Empties a cell and moves later entries of its run forward, so that no probe ends too early. */
  private void close(int hole) {
    long[] cells = table.cells;
    int mask = cells.length - 1;
    int empty = hole;
    int at = (hole + 1) & mask;
    while (cells[at] != 0) {
      int home = home(cells[at] & KEY_MASK, mask);
      if (((at - home) & mask) >= ((at - empty) & mask)) {
        cells[empty] = cells[at];
        empty = at;
      }
      at = (at + 1) & mask;
    }
    cells[empty] = 0;
  }

  /** The cell with the key, or the empty one where it belongs; bounded for racing readers. */
  private static int find(long[] cells, long key) {
    int mask = cells.length - 1;
    int at = home(key, mask);
    for (int probes = 0; probes < mask; probes++) {
      long cell = cells[at];
      if (cell == 0 || (cell & KEY_MASK) == key) {
        return at;
      }
      at = (at + 1) & mask;
    }
    return at;
  }

  private static int home(long key, int mask) {
    long mixed = (key ^ key >>> 32) * 0x9e37_79b9_7f4a_7c15L;
    return (int) (mixed >>> 32 ^ mixed >>> 57) & mask;
  }

  private static long key(int address, int bits) {
    return (long) address << 32 | (bits + 1);
  }

  private static int value(long cell) {
    return (int) cell >>> VALUE_SHIFT;
  }

  private static int mask(int bits) {
    return bits == 0 ? 0 : -1 << (32 - bits);
  }
}
