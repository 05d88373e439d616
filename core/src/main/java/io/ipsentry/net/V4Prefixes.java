package io.ipsentry.net;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The IPv4 half of {@link PrefixTable}.
 *
 * <p>Entries lie in {@value #SEGMENTS} hash tables with linear probing, one long a cell: {@code
 * address << 32 | value << 6 | bits + 1}, 0 for an empty cell. Each grows for itself and by a
 * quarter, so a million entries take 11 to 14 MB, and growing neither takes long nor twice the
 * room. Two summaries make a match cheap:
 *
 * <ul>
 *   <li>{@code covering[address >>> 16]}: bit n says that an entry of n bits (0 to 16) covers this
 *       /16.
 *   <li>{@code longer[address >>> 16]}, for a /16 in use: the first byte says, by bit n - 25, that
 *       entries of 25 to 32 bits lie in it, or did since there was last none; 32 bytes have a bit
 *       for each /24 in which one lies; 256 bytes more, which are there only if needed, say for
 *       each /24, by bit n - 17, that an entry of 17 to 24 bits covers it.
 * </ul>
 *
 * So at most the lengths 25 to 32 can be probed in vain, and only where the /24 has such entries,
 * which are exact after removals too: whether the last entry has left a /24 is seen by probing its
 * neighbours, 510 at most. A /16 in use costs 33 bytes, so that a million entries all over the
 * space have 3 MB of them, and not 17 as with a byte for each /24.
 */
final class V4Prefixes {
  private static final int SEGMENT_BITS = 6;
  private static final int SEGMENTS = 1 << SEGMENT_BITS;
  private static final int MIN_CELLS = 8;
  private static final int MAX_CELLS = 1 << 23;
  private static final int BLOCKS = 1 << 16;
  private static final int BLOCK_24S = 1 << 8;

  /** Where in a summary of a /16 the bits of its /24s begin, and where the bytes of longer ones. */
  private static final int HOLDS = 1;

  private static final int COVERS = HOLDS + BLOCK_24S / Byte.SIZE;

  private static final int VALUE_SHIFT = 6;
  private static final long KEY_MASK = 0xffff_ffff_0000_003fL;

  /**
   * Filled before it is published through its final field, so that a reader without a lock sees all
   * of it.
   */
  private static final class Segment {
    final long[] cells;

    /** Of the writer alone. */
    int size;

    Segment(int capacity) {
      cells = new long[capacity];
    }

    Segment(int capacity, Segment old) {
      this(capacity);
      size = old.size;
      for (long cell : old.cells) {
        if (cell != 0) {
          long key = cell & KEY_MASK;
          cells[find(cells, key, hash(key))] = cell;
        }
      }
    }
  }

  private final Segment[] segments = new Segment[SEGMENTS];
  // There once a prefix needs them: together they are half a megabyte, and many tables stay empty.
  private int @Nullable [] covering;
  private byte @Nullable [] @Nullable [] longer;
  private long longerBytes;
  private long cellsInAll = (long) SEGMENTS * MIN_CELLS;
  private int size;

  V4Prefixes() {
    Arrays.setAll(segments, i -> new Segment(MIN_CELLS));
  }

  int put(int address, int bits, int value) {
    long key = key(address, bits);
    long hash = hash(key);
    reserve(hash);
    Segment segment = segments[segment(hash)];
    long[] cells = segment.cells;
    int at = find(cells, key, hash);
    long old = cells[at];
    cells[at] = key | (long) value << VALUE_SHIFT;
    if (old != 0) {
      return value(old);
    }
    size++;
    segment.size++;
    summarise(address, bits, true);
    return PrefixTable.NONE;
  }

  int remove(int address, int bits) {
    long key = key(address, bits);
    long hash = hash(key);
    Segment segment = segments[segment(hash)];
    int at = find(segment.cells, key, hash);
    long old = segment.cells[at];
    if (old == 0) {
      return PrefixTable.NONE;
    }
    close(segment.cells, at);
    size--;
    segment.size--;
    if (bits <= 24 || !anotherIn24(address)) {
      summarise(address, bits, false);
    }
    return value(old);
  }

  int get(int address, int bits) {
    long key = key(address, bits);
    long hash = hash(key);
    long[] cells = segments[segment(hash)].cells;
    long cell = cells[find(cells, key, hash)];
    return (cell & KEY_MASK) == key ? value(cell) : PrefixTable.NONE;
  }

  /** {@code bits << 32 | value} of the longest match of at most {@code maxBits}, or NONE. */
  long match(int address, int maxBits) {
    if (maxBits < 0) {
      return PrefixTable.NONE;
    }
    byte[] @Nullable [] blocks = longer;
    byte[] of16 = blocks == null ? null : blocks[address >>> 16];
    if (of16 != null && maxBits > 16) {
      int at24 = address >>> 8 & 0xff;
      long match =
          (of16[HOLDS + (at24 >>> 3)] & 1 << (at24 & 7)) == 0
              ? PrefixTable.NONE
              : firstOf(address, of16[0] & 0xff, 25, maxBits);
      if (match < 0 && of16.length > COVERS) {
        match = firstOf(address, of16[COVERS + at24] & 0xff, 17, maxBits);
      }
      if (match >= 0) {
        return match;
      }
    }
    int[] covered = covering;
    return covered == null
        ? PrefixTable.NONE
        : firstOf(address, covered[address >>> 16], 0, maxBits);
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
    int summaries = (covering == null ? 0 : 1) + (longer == null ? 0 : 1);
    return 8L * cellsInAll + 4L * BLOCKS * summaries + longerBytes;
  }

  void forEach(PrefixTable.EntryVisitor visitor) {
    for (Segment segment : segments) {
      for (long cell : segment.cells) {
        if (cell != 0) {
          int length = (int) (cell & 0x3f) - 1 + IpPrefix.V4_OFFSET;
          visitor.visit(0, IpPrefix.v4ToLo((int) (cell >>> 32)), length, value(cell));
        }
      }
    }
  }

  /** Makes room for this prefix. */
  void reserve(int address, int bits) {
    reserve(hash(key(address, bits)));
  }

  private void reserve(long hash) {
    Segment segment = segments[segment(hash)];
    int capacity = segment.cells.length;
    if (segment.size < capacity / 4 * 3) {
      return;
    }
    if (capacity == MAX_CELLS) {
      throw new IllegalStateException("prefix table is full; remove entries before adding more");
    }
    grow(segment(hash), Math.min(MAX_CELLS, capacity + Math.max(MIN_CELLS, capacity / 4)));
  }

  /** Makes room for so many more prefixes at once. */
  void reserve(int more) {
    // Some segments get more than their share; that many seldom do.
    long share = ((long) size + more) / SEGMENTS * 33 / 32;
    int capacity = (int) Math.min(MAX_CELLS, share / 3 * 4 + MIN_CELLS);
    for (int i = 0; i < SEGMENTS; i++) {
      if (segments[i].cells.length < capacity) {
        grow(i, capacity);
      }
    }
  }

  private void grow(int at, int capacity) {
    cellsInAll += capacity - segments[at].cells.length;
    segments[at] = new Segment(capacity, segments[at]);
  }

  /** Sets or clears the length of an entry wherever a match would look for it. */
  private void summarise(int address, int bits, boolean present) {
    int block = address >>> 16;
    if (bits <= 16) {
      int[] of16 = covering;
      if (of16 == null) {
        of16 = new int[BLOCKS];
        covering = of16;
      }
      int bit = 1 << bits;
      int end = block + (1 << (16 - bits));
      for (int i = block; i < end; i++) {
        of16[i] = present ? of16[i] | bit : of16[i] & ~bit;
      }
      return;
    }
    byte[] @Nullable [] blocks = longer;
    if (blocks == null) {
      blocks = new byte[BLOCKS][];
      longer = blocks;
    }
    byte[] of24 = block(blocks, block, bits <= 24 ? COVERS + BLOCK_24S : COVERS);
    int from = address >>> 8 & 0xff;
    if (bits >= 25) {
      // The lengths first: a reader that sees the bit is to see them.
      of24[0] = present ? changed(of24[0], bits - 25, true) : of24[0];
      of24[HOLDS + (from >>> 3)] = changed(of24[HOLDS + (from >>> 3)], from & 7, present);
    } else {
      int end = from + (1 << (24 - bits));
      for (int i = from; i < end; i++) {
        of24[COVERS + i] = changed(of24[COVERS + i], bits - 17, present);
      }
    }
    if (!present && isZero(of24, HOLDS)) {
      blocks[block] = null;
      longerBytes -= of24.length;
    }
  }

  private static byte changed(byte summary, int bit, boolean present) {
    return (byte) (present ? summary | 1 << bit : summary & ~(1 << bit));
  }

  /** The summary of a /16, of at least so many bytes. */
  private byte[] block(byte[] @Nullable [] blocks, int block, int bytes) {
    byte[] of24 = blocks[block];
    if (of24 == null) {
      of24 = new byte[bytes];
      longerBytes += bytes;
      blocks[block] = of24;
    } else if (of24.length < bytes) {
      longerBytes += bytes - of24.length;
      of24 = Arrays.copyOf(of24, bytes);
      blocks[block] = of24;
    }
    return of24;
  }

  /** Whether an entry of 25 to 32 bits lies in the /24 of an address. */
  private boolean anotherIn24(int address) {
    byte[] @Nullable [] blocks = longer;
    byte[] of16 = blocks == null ? null : blocks[address >>> 16];
    int lengths = of16 == null ? 0 : of16[0] & 0xff;
    int base = address & mask(24);
    for (int bits = 25; bits <= 32; bits++) {
      for (int i = 0; (lengths & 1 << (bits - 25)) != 0 && i < 256; i += 1 << (32 - bits)) {
        if (get(base | i, bits) >= 0) {
          return true;
        }
      }
    }
    return false;
  }

  private static boolean isZero(byte[] bytes, int from) {
    for (int i = from; i < bytes.length; i++) {
      if (bytes[i] != 0) {
        return false;
      }
    }
    return true;
  }

  /** Empties a cell and moves later entries of its run forward, so that no probe ends too early. */
  private static void close(long[] cells, int hole) {
    int empty = hole;
    int at = next(hole, cells);
    while (cells[at] != 0) {
      int home = home(hash(cells[at] & KEY_MASK), cells);
      if (distance(home, at, cells) >= distance(empty, at, cells)) {
        cells[empty] = cells[at];
        empty = at;
      }
      at = next(at, cells);
    }
    cells[empty] = 0;
  }

  /** The cell with the key, or the empty one where it belongs; bounded for racing readers. */
  private static int find(long[] cells, long key, long hash) {
    int at = home(hash, cells);
    for (int probes = 1; probes < cells.length; probes++) {
      long cell = cells[at];
      if (cell == 0 || (cell & KEY_MASK) == key) {
        return at;
      }
      at = next(at, cells);
    }
    return at;
  }

  private static int next(int at, long[] cells) {
    return at + 1 == cells.length ? 0 : at + 1;
  }

  /** Steps from one cell to another, of which the last is followed by the first. */
  private static int distance(int from, int to, long[] cells) {
    return to >= from ? to - from : to - from + cells.length;
  }

  /** 64 bits of which the upper ones choose the segment and the 32 below them the cell. */
  private static long hash(long key) {
    long mixed = (key ^ key >>> 32) * 0x9e37_79b9_7f4a_7c15L;
    return (mixed ^ mixed >>> 32) * 0xd6e8_feb8_6659_fd93L;
  }

  private static int segment(long hash) {
    return (int) (hash >>> Long.SIZE - SEGMENT_BITS);
  }

  /** A place in proportion to the number of cells, which is no power of two. */
  private static int home(long hash, long[] cells) {
    long fraction = hash << SEGMENT_BITS >>> 32;
    return (int) (fraction * cells.length >>> 32);
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
