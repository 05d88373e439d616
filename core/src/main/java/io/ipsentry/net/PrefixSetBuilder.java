package io.ipsentry.net;

import java.util.Arrays;

/**
 * Makes a {@link PrefixSet} of prefixes that come in order, without an object for each. Confined to
 * one thread.
 */
public final class PrefixSetBuilder {
  private static final int LEAST_ROOM = 16;

  private final V4Members.Builder v4;
  private long[] v6Hi;
  private long[] v6Lo;
  private byte[] v6Lengths;
  private int count6;

  /** For as many as come. */
  public PrefixSetBuilder() {
    this(0, 0);
  }

  /**
   * For about so many, which spares growing.
   *
   * @param expected4 of IPv4
   * @param expected6 of IPv6
   */
  public PrefixSetBuilder(int expected4, int expected6) {
    v4 = new V4Members.Builder(expected4);
    v6Hi = new long[expected6];
    v6Lo = new long[expected6];
    v6Lengths = new byte[expected6];
  }

  /**
   * Adds a prefix; nothing, if it lies in the one before.
   *
   * @param length in the 128-bit space, see {@link IpPrefix}
   * @throws IllegalArgumentException if it is not canonical, comes before the last one of its
   *     family, or is one more than a set may have
   */
  public void add(long hi, long lo, int length) {
    if (length < 0 || length > IpPrefix.MAX_LENGTH) {
      throw new IllegalArgumentException("prefix length must be 0 to 128, is " + length);
    }
    if ((hi & ~IpPrefix.maskHi(length)) != 0 || (lo & ~IpPrefix.maskLo(length)) != 0) {
      throw new IllegalArgumentException("bits are set behind the prefix length");
    }
    if (length >= IpPrefix.V4_OFFSET && IpPrefix.isV4(hi, lo)) {
      add4((int) lo, length);
    } else {
      add6(hi, lo, length);
    }
  }

  private void add4(int address, int length) {
    if (v4.count() > 0) {
      int last = v4.lastAddress();
      if (Integer.compareUnsigned(address, last) < 0) {
        throw outOfOrder();
      }
      int bits = v4.lastLength() - IpPrefix.V4_OFFSET;
      if (bits == 0 || (address ^ last) >>> (32 - bits) == 0) {
        within(length, bits + IpPrefix.V4_OFFSET);
        return;
      }
    }
    refuseTooMany();
    v4.add(address, length);
  }

  private void add6(long hi, long lo, int length) {
    if (count6 > 0) {
      long lastHi = v6Hi[count6 - 1];
      long lastLo = v6Lo[count6 - 1];
      int order = Long.compareUnsigned(hi, lastHi);
      if (order < 0 || order == 0 && Long.compareUnsigned(lo, lastLo) < 0) {
        throw outOfOrder();
      }
      int last = v6Lengths[count6 - 1] & 0xff;
      if (((hi ^ lastHi) & IpPrefix.maskHi(last)) == 0
          && ((lo ^ lastLo) & IpPrefix.maskLo(last)) == 0) {
        within(length, last);
        return;
      }
    }
    refuseTooMany();
    if (count6 == v6Hi.length) {
      int room = Math.max(LEAST_ROOM, count6 + (count6 >> 1));
      v6Hi = Arrays.copyOf(v6Hi, room);
      v6Lo = Arrays.copyOf(v6Lo, room);
      v6Lengths = Arrays.copyOf(v6Lengths, room);
    }
    v6Hi[count6] = hi;
    v6Lo[count6] = lo;
    v6Lengths[count6++] = (byte) length;
  }

  private static void within(int length, int last) {
    if (length < last) {
      throw outOfOrder();
    }
  }

  private void refuseTooMany() {
    if (v4.count() + count6 >= PrefixSet.MAX_PREFIXES) {
      throw new IllegalArgumentException(
          "a prefix set holds at most " + PrefixSet.MAX_PREFIXES + " prefixes");
    }
  }

  private static IllegalArgumentException outOfOrder() {
    return new IllegalArgumentException("prefixes are not in order");
  }

  /** The set of what was added; the builder must not be used any more. */
  public PrefixSet build() {
    if (v4.count() + count6 == 0) {
      return PrefixSet.empty();
    }
    return new PrefixSet(
        v4.build(),
        v6Hi.length == count6 ? v6Hi : Arrays.copyOf(v6Hi, count6),
        v6Lo.length == count6 ? v6Lo : Arrays.copyOf(v6Lo, count6),
        v6Lengths.length == count6 ? v6Lengths : Arrays.copyOf(v6Lengths, count6));
  }
}
