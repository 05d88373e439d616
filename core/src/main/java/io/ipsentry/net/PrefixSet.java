package io.ipsentry.net;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.RandomAccess;

/**
 * An immutable set of addresses, given by prefixes of both families.
 *
 * <p>Kept as sorted arrays of the prefixes that lie in no other one (17 bytes for IPv6, 2 to 5 for
 * IPv4, see {@link V4Members}), so a question is one binary search and allocates nothing. Safe for
 * any thread. At most {@value #MAX_PREFIXES} prefixes.
 */
public final class PrefixSet {
  /** More prefixes are refused; the largest public feeds have about a million. */
  public static final int MAX_PREFIXES = 16_000_000;

  private static final PrefixSet EMPTY =
      new PrefixSet(V4Members.NONE, new long[0], new long[0], new byte[0]);

  private final V4Members v4;
  private final long[] v6Hi;
  private final long[] v6Lo;
  private final byte[] v6Lengths;

  /** Of arrays that are in order, disjoint, and nobody else's. */
  PrefixSet(V4Members v4, long[] v6Hi, long[] v6Lo, byte[] v6Lengths) {
    this.v4 = v4;
    this.v6Hi = v6Hi;
    this.v6Lo = v6Lo;
    this.v6Lengths = v6Lengths;
  }

  /** The set that holds nothing. */
  public static PrefixSet empty() {
    return EMPTY;
  }

  /** The addresses of all the prefixes, which may overlap or repeat. */
  public static PrefixSet of(Collection<IpPrefix> prefixes) {
    if (prefixes.size() > MAX_PREFIXES) {
      throw new IllegalArgumentException(
          "a prefix set holds at most " + MAX_PREFIXES + " prefixes");
    }
    IpPrefix[] sorted = prefixes.toArray(IpPrefix[]::new);
    Arrays.sort(sorted);
    PrefixSetBuilder set = new PrefixSetBuilder();
    for (IpPrefix prefix : sorted) {
      set.add(prefix.hi(), prefix.lo(), prefix.length());
    }
    return set.build();
  }

  /**
   * The addresses of all the prefixes, read with {@link IpPrefix#parse}.
   *
   * @throws InvalidAddressException at the first text that is no address or prefix
   */
  public static PrefixSet parse(String... texts) {
    return of(Arrays.stream(texts).map(IpPrefix::parse).toList());
  }

  /** Whether the address is in the set. */
  public boolean contains(long hi, long lo) {
    return IpPrefix.isV4(hi, lo) ? v4.contains((int) lo) : containsV6(hi, lo);
  }

  /** Whether every address of the prefix is in the set, be it through several members. */
  public boolean covers(IpPrefix prefix) {
    int at = floor(prefix);
    if (at >= 0 && member(prefix.isV4(), at).contains(prefix)) {
      return true;
    }
    // Members are disjoint: walk those that lie in the prefix and see whether they leave a hole.
    long hi = prefix.hi();
    long lo = prefix.lo();
    int size = size(prefix.isV4());
    for (int i = lowerBound(prefix); i < size; i++) {
      IpPrefix member = member(prefix.isV4(), i);
      if (member.hi() != hi || member.lo() != lo || !prefix.contains(member)) {
        return false;
      }
      lo = (member.lo() | ~IpPrefix.maskLo(member.length())) + 1;
      hi = (member.hi() | ~IpPrefix.maskHi(member.length())) + (lo == 0 ? 1 : 0);
      if (lo == endLo(prefix) && hi == endHi(prefix)) {
        return true;
      }
    }
    return false;
  }

  /** A member that contains the prefix or lies in it; empty if they have no address in common. */
  public Optional<IpPrefix> firstOverlap(IpPrefix prefix) {
    boolean family4 = prefix.isV4();
    int at = floor(prefix);
    if (at >= 0 && member(family4, at).contains(prefix)) {
      return Optional.of(member(family4, at));
    }
    int next = lowerBound(prefix);
    if (next < size(family4) && prefix.contains(member(family4, next))) {
      return Optional.of(member(family4, next));
    }
    return Optional.empty();
  }

  /** Place of exactly this prefix in {@link #prefixes}; -1 if it is no member. */
  public int indexOf(IpPrefix prefix) {
    boolean family4 = prefix.isV4();
    int at = floor(prefix);
    return at < 0 || !member(family4, at).equals(prefix) ? -1 : family4 ? at : at + v4.size();
  }

  /** Whether the set and the prefix have an address in common. */
  public boolean overlaps(IpPrefix prefix) {
    return firstOverlap(prefix).isPresent();
  }

  /** Whether the set holds nothing. */
  public boolean isEmpty() {
    return v4.size() + v6Hi.length == 0;
  }

  /** Members that lie in no other one: IPv4 first, each family in order. An unmodifiable view. */
  public List<IpPrefix> prefixes() {
    return new Members();
  }

  /**
   * The addresses that are in this set and not in the other one: a member that holds some of the
   * other's falls into the longest prefixes around them.
   */
  public PrefixSet minus(PrefixSet other) {
    if (other.isEmpty() || isEmpty()) {
      return this;
    }
    PrefixSetBuilder rest = new PrefixSetBuilder(v4.size(), v6Hi.length);
    forEach((hi, lo, length) -> addWithout(new IpPrefix(hi, lo, length), other, rest));
    return rest.build();
  }

  private static void addWithout(IpPrefix prefix, PrefixSet other, PrefixSetBuilder rest) {
    if (!other.overlaps(prefix)) {
      rest.add(prefix.hi(), prefix.lo(), prefix.length());
    } else if (!prefix.isAddress() && !other.covers(prefix)) {
      addHalfWithout(prefix, false, other, rest);
      addHalfWithout(prefix, true, other, rest);
    }
  }

  private static void addHalfWithout(
      IpPrefix whole, boolean upper, PrefixSet other, PrefixSetBuilder rest) {
    IpPrefix half = whole.half(upper);
    // The IPv6 range in which IPv4 addresses are written here holds no IPv6 address.
    if (half.isV4() == whole.isV4()) {
      addWithout(half, other, rest);
    }
  }

  /** The addresses that are in this set or the other one. */
  public PrefixSet union(PrefixSet other) {
    if (other.isEmpty()) {
      return this;
    }
    if (isEmpty()) {
      return other;
    }
    PrefixSetBuilder both =
        new PrefixSetBuilder(v4.size() + other.v4.size(), v6Hi.length + other.v6Hi.length);
    merge4(other, both);
    merge6(other, both);
    return both.build();
  }

  private void merge4(PrefixSet other, PrefixSetBuilder both) {
    V4Members.Cursor left = v4.new Cursor();
    V4Members.Cursor right = other.v4.new Cursor();
    while (!left.isDone() || !right.isDone()) {
      boolean isLeft = right.isDone();
      if (!left.isDone() && !right.isDone()) {
        int order = Integer.compareUnsigned(left.address(), right.address());
        isLeft = order < 0 || order == 0 && left.length() <= right.length();
      }
      V4Members.Cursor first = isLeft ? left : right;
      both.add(0, IpPrefix.v4ToLo(first.address()), first.length());
      first.next();
    }
  }

  private void merge6(PrefixSet other, PrefixSetBuilder both) {
    int left = 0;
    int right = 0;
    int lefts = v6Hi.length;
    int rights = other.v6Hi.length;
    while (left < lefts || right < rights) {
      if (right == rights || left < lefts && isBefore(left, other, right)) {
        add6(left++, both);
      } else {
        other.add6(right++, both);
      }
    }
  }

  /** Whether an IPv6 member comes before one of another set, or is the same. */
  private boolean isBefore(int at, PrefixSet other, int otherAt) {
    int order = Long.compareUnsigned(v6Hi[at], other.v6Hi[otherAt]);
    order = order != 0 ? order : Long.compareUnsigned(v6Lo[at], other.v6Lo[otherAt]);
    return order < 0 || order == 0 && (v6Lengths[at] & 0xff) <= (other.v6Lengths[otherAt] & 0xff);
  }

  private void add6(int at, PrefixSetBuilder to) {
    to.add(v6Hi[at], v6Lo[at], v6Lengths[at] & 0xff);
  }

  /** Is shown prefixes without an object for each. */
  @FunctionalInterface
  public interface PrefixVisitor {
    /**
     * A prefix.
     *
     * @param length in the 128-bit space, see {@link IpPrefix}
     */
    void prefix(long hi, long lo, int length);
  }

  /** Shows the members in the order of {@link #prefixes}. */
  public void forEach(PrefixVisitor visitor) {
    for (V4Members.Cursor at = v4.new Cursor(); !at.isDone(); at.next()) {
      visitor.prefix(0, IpPrefix.v4ToLo(at.address()), at.length());
    }
    for (int i = 0; i < v6Hi.length; i++) {
      visitor.prefix(v6Hi[i], v6Lo[i], v6Lengths[i] & 0xff);
    }
  }

  /** How many members {@link #prefixes} has. */
  public int size() {
    return v4.size() + v6Hi.length;
  }

  /** Two sets are equal if they have the same members, as {@link #prefixes} shows them. */
  @Override
  public boolean equals(Object other) {
    return other instanceof PrefixSet that
        && v4.equals(that.v4)
        && Arrays.equals(v6Hi, that.v6Hi)
        && Arrays.equals(v6Lo, that.v6Lo)
        && Arrays.equals(v6Lengths, that.v6Lengths);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * v4.hashCode() + Arrays.hashCode(v6Hi)) + Arrays.hashCode(v6Lo);
  }

  @Override
  public String toString() {
    return prefixes().toString();
  }

  private int size(boolean family4) {
    return family4 ? v4.size() : v6Hi.length;
  }

  private IpPrefix member(boolean family4, int at) {
    return family4
        ? new IpPrefix(0, IpPrefix.v4ToLo(v4.address(at)), v4.length(at))
        : new IpPrefix(v6Hi[at], v6Lo[at], v6Lengths[at] & 0xff);
  }

  private boolean containsV6(long hi, long lo) {
    int at = lastV6(hi, lo);
    if (at < 0) {
      return false;
    }
    int length = v6Lengths[at] & 0xff;
    return ((hi ^ v6Hi[at]) & IpPrefix.maskHi(length)) == 0
        && ((lo ^ v6Lo[at]) & IpPrefix.maskLo(length)) == 0;
  }

  /** Index of the last member that begins at or before the prefix, or -1. */
  private int floor(IpPrefix prefix) {
    return prefix.isV4() ? v4.last((int) prefix.lo()) : lastV6(prefix.hi(), prefix.lo());
  }

  /** Index of the first member that begins at or behind the prefix. */
  private int lowerBound(IpPrefix prefix) {
    int at = floor(prefix);
    if (at < 0) {
      return 0;
    }
    IpPrefix member = member(prefix.isV4(), at);
    return member.hi() == prefix.hi() && member.lo() == prefix.lo() ? at : at + 1;
  }

  private int lastV6(long hi, long lo) {
    int low = 0;
    int high = v6Hi.length - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int order = Long.compareUnsigned(v6Hi[middle], hi);
      if (order < 0 || (order == 0 && Long.compareUnsigned(v6Lo[middle], lo) <= 0)) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return high;
  }

  /** First address behind the prefix, lower half; 0 with {@link #endHi} 0 behind the last one. */
  private static long endLo(IpPrefix prefix) {
    return (prefix.lo() | ~IpPrefix.maskLo(prefix.length())) + 1;
  }

  private static long endHi(IpPrefix prefix) {
    return (prefix.hi() | ~IpPrefix.maskHi(prefix.length())) + (endLo(prefix) == 0 ? 1 : 0);
  }

  private final class Members extends AbstractList<IpPrefix> implements RandomAccess {
    @Override
    public IpPrefix get(int index) {
      return index < v4.size() ? member(true, index) : member(false, index - v4.size());
    }

    @Override
    public int size() {
      return PrefixSet.this.size();
    }
  }
}
