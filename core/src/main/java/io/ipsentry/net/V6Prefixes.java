package io.ipsentry.net;

/**
 * The IPv6 half of {@link PrefixTable}.
 *
 * <p>Entries lie in a hash table with linear probing, three longs a cell: the upper half, the lower
 * half, and {@code value << 32 | length + 1} (0 for an empty cell). Prefixes of up to 32 bits,
 * which are few, have a table of their own that stays in the cache; the lengths in it are counted.
 * For the longer ones a summary says which lengths may be present: one of 33 to 48 bits hashed by
 * the upper 32 bits of the address, one of 49 to 128 hashed by the upper 48. Sharing a summary with
 * others, or with entries that have been removed, costs a probe in vain and nothing else; it is
 * made anew before an addition, when the table has grown or a quarter of it has been removed.
 */
final class V6Prefixes {
  private static final int LONG_FROM = 33;
  private static final int CELLS_A_WORD = 2;

  private final Cells shorter = new Cells();
  private final int[] shorterCounts = new int[LONG_FROM];
  private long shorterLengths;
  private final Cells longer = new Cells();
  private Summary summary = new Summary(16);
  private int removed;

  int put(long hi, long lo, int length, int value) {
    if (length < LONG_FROM) {
      int old = shorter.put(hi, lo, length, value);
      if (old < 0 && shorterCounts[length]++ == 0) {
        shorterLengths |= 1L << length;
      }
      return old;
    }
    reserve();
    int old = longer.put(hi, lo, length, value);
    summary.add(hi, length);
    return old;
  }

  int remove(long hi, long lo, int length) {
    if (length < LONG_FROM) {
      int old = shorter.remove(hi, lo, length);
      if (old >= 0 && --shorterCounts[length] == 0) {
        shorterLengths &= ~(1L << length);
      }
      return old;
    }
    int old = longer.remove(hi, lo, length);
    removed += old >= 0 ? 1 : 0;
    return old;
  }

  int get(long hi, long lo, int length) {
    return length < LONG_FROM ? shorter.get(hi, lo, length) : longer.get(hi, lo, length);
  }

  /** {@code length << 32 | value} of the longest match of at most {@code maxLength}, or NONE. */
  long match(long hi, long lo, int maxLength) {
    if (maxLength >= LONG_FROM) {
      long match = matchBeyond48(summary.beyond48(hi), hi, lo, maxLength);
      if (match < 0) {
        match = matchUpTo48(summary.upTo48(hi), hi, lo, maxLength);
      }
      if (match >= 0) {
        return match;
      }
    }
    long lengths = maxLength < 0 ? 0 : shorterLengths & -1L >>> (63 - Math.min(maxLength, 63));
    while (lengths != 0) {
      int length = 63 - Long.numberOfLeadingZeros(lengths);
      lengths ^= 1L << length;
      long match = probe(shorter, hi, lo, length, maxLength);
      if (match >= 0) {
        return match;
      }
    }
    return PrefixTable.NONE;
  }

  private long matchBeyond48(long lengths, long hi, long lo, int maxLength) {
    long left = lengths;
    while (left != 0) {
      int top = 63 - Long.numberOfLeadingZeros(left);
      left ^= 1L << top;
      // The upper bits stand for two lengths each.
      int length = top < 16 ? top + 49 : 2 * top + 34;
      long match = probe(longer, hi, lo, length, maxLength);
      if (match < 0 && top >= 16) {
        match = probe(longer, hi, lo, length - 1, maxLength);
      }
      if (match >= 0) {
        return match;
      }
    }
    return PrefixTable.NONE;
  }

  private long matchUpTo48(int lengths, long hi, long lo, int maxLength) {
    int left = lengths;
    while (left != 0) {
      int top = 31 - Integer.numberOfLeadingZeros(left);
      left ^= 1 << top;
      long match = probe(longer, hi, lo, top + LONG_FROM, maxLength);
      if (match >= 0) {
        return match;
      }
    }
    return PrefixTable.NONE;
  }

  private static long probe(Cells cells, long hi, long lo, int length, int maxLength) {
    if (length > maxLength) {
      return PrefixTable.NONE;
    }
    int value = cells.get(hi & IpPrefix.maskHi(length), lo & IpPrefix.maskLo(length), length);
    return value < 0 ? PrefixTable.NONE : (long) length << 32 | value;
  }

  int size() {
    return shorter.size + longer.size;
  }

  long sizeBytes() {
    return 24L * (shorter.capacity() + longer.capacity()) + 10L * summary.words() + 4L * LONG_FROM;
  }

  void forEach(PrefixTable.EntryVisitor visitor) {
    shorter.forEach(visitor);
    longer.forEach(visitor);
  }

  /** Makes room for one more entry. */
  void reserve() {
    shorter.reserve();
    longer.reserve();
    if (longer.capacity() > summary.words() * CELLS_A_WORD || removed > longer.capacity() / 4) {
      summarise();
    }
  }

  private void summarise() {
    int words = Math.max(summary.words(), longer.capacity() / CELLS_A_WORD);
    summary = new Summary(words, longer);
    removed = 0;
  }

  /** Which lengths may be present; see the class comment. Published like the cells when full. */
  private static final class Summary {
    private final char[] upTo48;
    private final long[] beyond48;

    Summary(int words) {
      upTo48 = new char[words];
      beyond48 = new long[words];
    }

    Summary(int words, Cells cells) {
      this(words);
      cells.forEach((hi, lo, length, value) -> add(hi, length));
    }

    int words() {
      return beyond48.length;
    }

    void add(long hi, int length) {
      if (length <= 48) {
        upTo48[slot(hi >>> 32)] |= (char) (1 << (length - LONG_FROM));
      } else {
        int bit = length <= 64 ? length - 49 : (length - 65) / 2 + 16;
        beyond48[slot(hi >>> 16)] |= 1L << bit;
      }
    }

    /** Bit n: the length n + 33. */
    int upTo48(long hi) {
      return upTo48[slot(hi >>> 32)];
    }

    /** Bit n: the length n + 49 for n below 16, else the lengths 2n + 33 and 2n + 34. */
    long beyond48(long hi) {
      return beyond48[slot(hi >>> 16)];
    }

    private int slot(long upperBits) {
      return Cells.spread(upperBits * 0x9e37_79b9_7f4a_7c15L) & (beyond48.length - 1);
    }
  }

  /** The hash table; see the class comment. */
  private static final class Cells {
    private static final int MIN_CELLS = 64;
    private static final int MAX_CELLS = 1 << 29;
    private static final int WIDTH = 3;

    private Block block = new Block(MIN_CELLS);
    private int size;

    /** Filled before it is published through its final field: a reader needs no lock to see it. */
    private static final class Block {
      final long[] cells;

      Block(int capacity) {
        cells = new long[capacity * WIDTH];
      }

      Block(int capacity, Block old) {
        this(capacity);
        for (int i = 0; i < old.cells.length; i += WIDTH) {
          if (old.cells[i + 2] != 0) {
            int length = (int) old.cells[i + 2] - 1;
            int at = find(cells, old.cells[i], old.cells[i + 1], length);
            System.arraycopy(old.cells, i, cells, at, WIDTH);
          }
        }
      }
    }

    int capacity() {
      return block.cells.length / WIDTH;
    }

    int put(long hi, long lo, int length, int value) {
      reserve();
      long[] cells = block.cells;
      int at = find(cells, hi, lo, length);
      long old = cells[at + 2];
      cells[at] = hi;
      cells[at + 1] = lo;
      cells[at + 2] = (long) value << 32 | (length + 1);
      if (old == 0) {
        size++;
        return PrefixTable.NONE;
      }
      return (int) (old >>> 32);
    }

    int remove(long hi, long lo, int length) {
      long[] cells = block.cells;
      int at = find(cells, hi, lo, length);
      long old = cells[at + 2];
      if (old == 0) {
        return PrefixTable.NONE;
      }
      close(at / WIDTH);
      size--;
      return (int) (old >>> 32);
    }

    int get(long hi, long lo, int length) {
      long[] read = block.cells;
      int at = find(read, hi, lo, length);
      long meta = read[at + 2];
      return (int) meta == length + 1 ? (int) (meta >>> 32) : PrefixTable.NONE;
    }

    void forEach(PrefixTable.EntryVisitor visitor) {
      long[] cells = block.cells;
      for (int i = 0; i < cells.length; i += WIDTH) {
        long meta = cells[i + 2];
        if (meta != 0) {
          visitor.visit(cells[i], cells[i + 1], (int) meta - 1, (int) (meta >>> 32));
        }
      }
    }

    void reserve() {
      int capacity = capacity();
      if (size < capacity / 4 * 3) {
        return;
      }
      if (capacity == MAX_CELLS) {
        throw new IllegalStateException("prefix table is full; remove entries before adding more");
      }
      block = new Block(capacity * 2, block);
    }

    /** Empties a cell and moves later entries of its run forward, so that no probe ends early. */
    private void close(int hole) {
      long[] cells = block.cells;
      int mask = capacity() - 1;
      int empty = hole;
      int at = (hole + 1) & mask;
      while (cells[at * WIDTH + 2] != 0) {
        int from = at * WIDTH;
        int home = home(cells[from], cells[from + 1], (int) cells[from + 2] - 1, mask);
        if (((at - home) & mask) >= ((at - empty) & mask)) {
          System.arraycopy(cells, from, cells, empty * WIDTH, WIDTH);
          empty = at;
        }
        at = (at + 1) & mask;
      }
      cells[empty * WIDTH + 2] = 0;
    }

    /** Offset of the cell with the key, or of the empty one where it belongs; bounded. */
    private static int find(long[] cells, long hi, long lo, int length) {
      int mask = cells.length / WIDTH - 1;
      int at = home(hi, lo, length, mask);
      for (int probes = 0; probes < mask; probes++) {
        int offset = at * WIDTH;
        long meta = cells[offset + 2];
        if (meta == 0
            || ((int) meta == length + 1 && cells[offset] == hi && cells[offset + 1] == lo)) {
          return offset;
        }
        at = (at + 1) & mask;
      }
      return at * WIDTH;
    }

    private static int home(long hi, long lo, int length, int mask) {
      long mixed = (hi + length) * 0x9e37_79b9_7f4a_7c15L;
      mixed = (mixed ^ mixed >>> 32 ^ lo) * 0xd6e8_feb8_6659_fd93L;
      return spread(mixed) & mask;
    }

    static int spread(long mixed) {
      return (int) (mixed >>> 32 ^ mixed >>> 57);
    }
  }
}
