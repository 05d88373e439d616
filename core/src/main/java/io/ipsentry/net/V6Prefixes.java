package io.ipsentry.net;

/**
 * The IPv6 half of {@link PrefixTable}.
 *
 * <p>Entries lie in a hash table with linear probing, three longs a cell: the upper half, the lower
 * half, and {@code value << 32 | length + 1} (0 for an empty cell). Prefixes of up to 32 bits,
 * which are few, have a table of their own that stays in the cache; the lengths in it are counted.
 * For the longer ones {@link V6Summary} says which lengths may be present and spares most probes in
 * vain; it is made anew before an addition, when the table has grown or a quarter of it has been
 * removed.
 */
final class V6Prefixes {
  private static final int CELLS_A_WORD = 2;

  private final Cells shorter = new Cells();
  private final int[] shorterCounts = new int[V6Summary.FROM];
  private long shorterLengths;
  private final Cells longer = new Cells();
  private V6Summary summary = new V6Summary(16);
  private int removed;

  int put(long hi, long lo, int length, int value) {
    if (length < V6Summary.FROM) {
      int old = shorter.put(hi, lo, length, value);
      if (old < 0 && shorterCounts[length]++ == 0) {
        shorterLengths |= 1L << length;
      }
      return old;
    }
    reserve();
    int old = longer.put(hi, lo, length, value);
    summary.add(hi, lo, length);
    return old;
  }

  int remove(long hi, long lo, int length) {
    if (length < V6Summary.FROM) {
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
    return length < V6Summary.FROM ? shorter.get(hi, lo, length) : longer.get(hi, lo, length);
  }

  /** {@code length << 32 | value} of the longest match of at most {@code maxLength}, or NONE. */
  long match(long hi, long lo, int maxLength) {
    if (maxLength >= V6Summary.FROM) {
      // Both are read at once, so that one cache miss does not wait for the other.
      V6Summary now = summary;
      long far = now.far(hi);
      long near = now.near(hi);
      long match = matchFar(far, hi, lo, maxLength);
      if (match < 0) {
        match = matchNear(near, hi, maxLength);
      }
      if (match >= 0) {
        return match;
      }
    }
    return matchShorter(hi, maxLength);
  }

  private long matchFar(long far, long hi, long lo, int maxLength) {
    int left = (int) far;
    while (left != 0) {
      int bit = V6Summary.lastBit(left);
      left ^= 1 << bit;
      int shortest = V6Summary.farShortest(bit);
      int longest = Math.min(V6Summary.farLongest(bit), maxLength);
      for (int length = longest; length >= shortest; length--) {
        long match = probe(far, hi & IpPrefix.maskHi(length), lo & IpPrefix.maskLo(length), length);
        if (match >= 0) {
          return match;
        }
      }
    }
    return PrefixTable.NONE;
  }

  private long matchNear(long near, long hi, int maxLength) {
    int left = (int) near;
    while (left != 0) {
      int bit = V6Summary.lastBit(left);
      left ^= 1 << bit;
      int length = bit + V6Summary.FROM;
      if (length <= maxLength) {
        long match = probe(near, hi & IpPrefix.maskHi(length), 0, length);
        if (match >= 0) {
          return match;
        }
      }
    }
    return PrefixTable.NONE;
  }

  private long probe(long word, long hi, long lo, int length) {
    long hash = V6Summary.hash(hi, lo, length);
    int value = V6Summary.mayHold(word, hash) ? longer.get(hash, hi, lo, length) : PrefixTable.NONE;
    return value < 0 ? PrefixTable.NONE : (long) length << 32 | value;
  }

  private long matchShorter(long hi, int maxLength) {
    long lengths = maxLength < 0 ? 0 : shorterLengths & -1L >>> (63 - Math.min(maxLength, 63));
    while (lengths != 0) {
      int length = 63 - Long.numberOfLeadingZeros(lengths);
      lengths ^= 1L << length;
      int value = shorter.get(hi & IpPrefix.maskHi(length), 0, length);
      if (value >= 0) {
        return (long) length << 32 | value;
      }
    }
    return PrefixTable.NONE;
  }

  int size() {
    return shorter.size + longer.size;
  }

  long sizeBytes() {
    return 24L * (shorter.capacity() + longer.capacity())
        + summary.sizeBytes()
        + 4L * V6Summary.FROM;
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
    summary = new V6Summary(words, longer::forEach);
    removed = 0;
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
            long hash = V6Summary.hash(old.cells[i], old.cells[i + 1], length);
            int at = find(cells, hash, old.cells[i], old.cells[i + 1], length);
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
      int at = find(cells, V6Summary.hash(hi, lo, length), hi, lo, length);
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
      int at = find(cells, V6Summary.hash(hi, lo, length), hi, lo, length);
      long old = cells[at + 2];
      if (old == 0) {
        return PrefixTable.NONE;
      }
      close(at / WIDTH);
      size--;
      return (int) (old >>> 32);
    }

    int get(long hi, long lo, int length) {
      return get(V6Summary.hash(hi, lo, length), hi, lo, length);
    }

    /**
     * @param hash {@link V6Summary#hash} of the prefix
     */
    int get(long hash, long hi, long lo, int length) {
      long[] read = block.cells;
      int at = find(read, hash, hi, lo, length);
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
        long hash = V6Summary.hash(cells[from], cells[from + 1], (int) cells[from + 2] - 1);
        int home = V6Summary.place(hash, mask);
        if (((at - home) & mask) >= ((at - empty) & mask)) {
          System.arraycopy(cells, from, cells, empty * WIDTH, WIDTH);
          empty = at;
        }
        at = (at + 1) & mask;
      }
      cells[empty * WIDTH + 2] = 0;
    }

    /** Offset of the cell with the key, or of the empty one where it belongs; bounded. */
    private static int find(long[] cells, long hash, long hi, long lo, int length) {
      int mask = cells.length / WIDTH - 1;
      int at = V6Summary.place(hash, mask);
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
  }
}
