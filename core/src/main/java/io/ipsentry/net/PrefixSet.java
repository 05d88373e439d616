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
 * <p>Kept as sorted arrays of the prefixes that lie in no other one (5 bytes for IPv4, 17 for
 * IPv6), so a question is one binary search and allocates nothing. Safe for any thread. At most
 * {@value #MAX_PREFIXES} prefixes.
 */
public final class PrefixSet {
  /** More prefixes are refused; the largest public feeds have about a million. */
  public static final int MAX_PREFIXES = 16_000_000;

  private static final PrefixSet EMPTY = new PrefixSet(List.of());

  private final int[] v4;
  private final byte[] v4Lengths;
  private final long[] v6Hi;
  private final long[] v6Lo;
  private final byte[] v6Lengths;

  private PrefixSet(Collection<IpPrefix> prefixes) {
    if (prefixes.size() > MAX_PREFIXES) {
      throw new IllegalArgumentException(
          "a prefix set holds at most " + MAX_PREFIXES + " prefixes");
    }
    IpPrefix[] sorted = prefixes.toArray(IpPrefix[]::new);
    Arrays.sort(sorted);
    int count4 = 0;
    int count6 = 0;
    IpPrefix last4 = null;
    IpPrefix last6 = null;
    for (int i = 0; i < sorted.length; i++) {
      IpPrefix prefix = sorted[i];
      IpPrefix last = prefix.isV4() ? last4 : last6;
      if (last != null && last.contains(prefix)) {
        continue;
      }
      // Compacted in place: IPv4 and IPv6 are told apart again when the arrays are filled.
      sorted[count4 + count6] = prefix;
      if (prefix.isV4()) {
        last4 = prefix;
        count4++;
      } else {
        last6 = prefix;
        count6++;
      }
    }
    v4 = new int[count4];
    v4Lengths = new byte[count4];
    v6Hi = new long[count6];
    v6Lo = new long[count6];
    v6Lengths = new byte[count6];
    fill(sorted, count4 + count6);
  }

  private void fill(IpPrefix[] members, int count) {
    int at4 = 0;
    int at6 = 0;
    for (int i = 0; i < count; i++) {
      IpPrefix member = members[i];
      if (member.isV4()) {
        v4[at4] = (int) member.lo();
        v4Lengths[at4++] = (byte) member.length();
      } else {
        v6Hi[at6] = member.hi();
        v6Lo[at6] = member.lo();
        v6Lengths[at6++] = (byte) member.length();
      }
    }
  }

  /** The set that holds nothing. */
  public static PrefixSet empty() {
    return EMPTY;
  }

  /** The addresses of all the prefixes, which may overlap or repeat. */
  public static PrefixSet of(Collection<IpPrefix> prefixes) {
    return prefixes.isEmpty() ? EMPTY : new PrefixSet(prefixes);
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
    return IpPrefix.isV4(hi, lo) ? containsV4((int) lo) : containsV6(hi, lo);
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
    return at < 0 || !member(family4, at).equals(prefix) ? -1 : family4 ? at : at + v4.length;
  }

  /** Whether the set and the prefix have an address in common. */
  public boolean overlaps(IpPrefix prefix) {
    return firstOverlap(prefix).isPresent();
  }

  /** Whether the set holds nothing. */
  public boolean isEmpty() {
    return v4.length + v6Hi.length == 0;
  }

  /** Members that lie in no other one: IPv4 first, each family in order. An unmodifiable view. */
  public List<IpPrefix> prefixes() {
    return new Members();
  }

  /** The addresses that are in this set or the other one. */
  public PrefixSet union(PrefixSet other) {
    if (other.isEmpty()) {
      return this;
    }
    if (isEmpty()) {
      return other;
    }
    IpPrefix[] all = Arrays.copyOf(prefixes().toArray(IpPrefix[]::new), count() + other.count());
    System.arraycopy(other.prefixes().toArray(IpPrefix[]::new), 0, all, count(), other.count());
    return of(Arrays.asList(all));
  }

  /** Two sets are equal if they have the same members, as {@link #prefixes} shows them. */
  @Override
  public boolean equals(Object other) {
    return other instanceof PrefixSet that
        && Arrays.equals(v4, that.v4)
        && Arrays.equals(v4Lengths, that.v4Lengths)
        && Arrays.equals(v6Hi, that.v6Hi)
        && Arrays.equals(v6Lo, that.v6Lo)
        && Arrays.equals(v6Lengths, that.v6Lengths);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * Arrays.hashCode(v4) + Arrays.hashCode(v6Hi)) + Arrays.hashCode(v6Lo);
  }

  @Override
  public String toString() {
    return prefixes().toString();
  }

  private int count() {
    return v4.length + v6Hi.length;
  }

  private int size(boolean family4) {
    return family4 ? v4.length : v6Hi.length;
  }

  private IpPrefix member(boolean family4, int at) {
    return family4
        ? new IpPrefix(0, IpPrefix.v4ToLo(v4[at]), v4Lengths[at] & 0xff)
        : new IpPrefix(v6Hi[at], v6Lo[at], v6Lengths[at] & 0xff);
  }

  private boolean containsV4(int address) {
    int at = lastV4(address);
    if (at < 0) {
      return false;
    }
    int bits = (v4Lengths[at] & 0xff) - IpPrefix.V4_OFFSET;
    return bits == 0 || (address ^ v4[at]) >>> (32 - bits) == 0;
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
    return prefix.isV4() ? lastV4((int) prefix.lo()) : lastV6(prefix.hi(), prefix.lo());
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

  private int lastV4(int address) {
    int low = 0;
    int high = v4.length - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (Integer.compareUnsigned(v4[middle], address) <= 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return high;
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
      return index < v4.length ? member(true, index) : member(false, index - v4.length);
    }

    @Override
    public int size() {
      return count();
    }
  }
}
