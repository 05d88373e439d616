package io.ipsentry.net;

/**
 * A mutable map from prefix to a number, with longest-prefix match, for a million entries and more.
 *
 * <p>A match allocates nothing and touches a few cache lines: small summaries say which lengths are
 * worth a look ({@code V4Prefixes}, {@code V6Prefixes}). When the caller cannot use the longest
 * match (its ban has ended), it goes on to the next shorter one:
 *
 * <pre>{@code
 * for (long m = table.match(hi, lo, 128); m != NONE; m = table.match(hi, lo, lengthOf(m) - 1)) {
 *   int value = valueOf(m); …
 * }
 * }</pre>
 *
 * <p>Threads: one writer at a time. A reader that races with the writer gets an arbitrary answer
 * but never an exception or an endless loop; owners guard it with the optimistic read of a {@code
 * StampedLock}.
 *
 * <p>Limit: about 400 million entries of each family; {@link #put} throws {@link
 * IllegalStateException} there. Owners set lower limits.
 */
public final class PrefixTable {
  /** No match, or no value. */
  public static final int NONE = -1;

  /** Largest value of a prefix. */
  public static final int MAX_VALUE = (1 << 26) - 1;

  private final V4Prefixes v4 = new V4Prefixes();
  private final V6Prefixes v6 = new V6Prefixes();

  /**
   * Sets the value of a prefix.
   *
   * @param value 0 to {@link #MAX_VALUE}
   * @return the value it had, or {@link #NONE}
   */
  public int put(IpPrefix prefix, int value) {
    if (value < 0 || value > MAX_VALUE) {
      throw new IllegalArgumentException("value must be 0 to " + MAX_VALUE + ", is " + value);
    }
    return prefix.isV4()
        ? v4.put((int) prefix.lo(), prefix.bits(), value)
        : v6.put(prefix.hi(), prefix.lo(), prefix.length(), value);
  }

  /**
   * Makes room for a prefix, so that the next {@link #put} does not take the time to grow. Moves
   * entries and changes none: readers need no protection from it.
   */
  public void reserve(IpPrefix prefix) {
    if (prefix.isV4()) {
      v4.reserve((int) prefix.lo(), prefix.bits());
    } else {
      v6.reserve();
    }
  }

  /**
   * Makes room for so many more IPv4 prefixes at once, so that what the table grows through before
   * need not be collected. For those of IPv6 it grows step by step.
   */
  public void reserveV4(int more) {
    v4.reserve(more);
  }

  /**
   * Forgets a prefix.
   *
   * @return the value it had, or {@link #NONE}
   */
  public int remove(IpPrefix prefix) {
    return prefix.isV4()
        ? v4.remove((int) prefix.lo(), prefix.bits())
        : v6.remove(prefix.hi(), prefix.lo(), prefix.length());
  }

  /** The value of exactly this prefix, or {@link #NONE}. */
  public int get(IpPrefix prefix) {
    return get(prefix.hi(), prefix.lo(), prefix.length());
  }

  /** The value of exactly this canonical prefix (see {@link IpPrefix}), or {@link #NONE}. */
  public int get(long hi, long lo, int length) {
    return length >= IpPrefix.V4_OFFSET && IpPrefix.isV4(hi, lo)
        ? v4.get((int) lo, length - IpPrefix.V4_OFFSET)
        : v6.get(hi, lo, length);
  }

  /**
   * The longest prefix that contains an address and is no longer than a limit.
   *
   * @param maxLength limit in the 128-bit space, 128 for none; below 0 nothing matches
   * @return {@link #NONE}, or a number that {@link #lengthOf} and {@link #valueOf} take apart
   */
  public long match(long hi, long lo, int maxLength) {
    if (IpPrefix.isV4(hi, lo)) {
      long match = v4.match((int) lo, maxLength - IpPrefix.V4_OFFSET);
      return match == NONE ? NONE : match + ((long) IpPrefix.V4_OFFSET << 32);
    }
    return v6.match(hi, lo, maxLength);
  }

  /** The length of the prefix that matched, in the 128-bit space. */
  public static int lengthOf(long match) {
    return (int) (match >>> 32);
  }

  /** The value of the prefix that matched. */
  public static int valueOf(long match) {
    return (int) match;
  }

  /** Number of prefixes. */
  public int size() {
    return v4.size() + v6.size();
  }

  /** Bytes held in arrays (object headers left out): what the table costs. */
  public long sizeBytes() {
    return v4.sizeBytes() + v6.sizeBytes();
  }

  /** Receives the entries of a table. */
  @FunctionalInterface
  public interface EntryVisitor {
    /** Called once an entry; must not change the table. */
    void visit(long hi, long lo, int length, int value);
  }

  /** Shows every entry, in no order. */
  public void forEach(EntryVisitor visitor) {
    v4.forEach(visitor);
    v6.forEach(visitor);
  }
}
