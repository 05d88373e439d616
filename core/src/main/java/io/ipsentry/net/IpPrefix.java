package io.ipsentry.net;

/**
 * An IP address or prefix of either family, in one 128-bit space.
 *
 * <p>IPv4 lives at {@code ::ffff:0:0/96}: 192.0.2.0/24 is {@code hi = 0, lo = 0xffff_c000_0200,
 * length = 120}. So a v4-mapped IPv6 address <em>is</em> the IPv4 address, and every consumer
 * compares one kind of number. The families stay distinct: an IPv6 prefix shorter than /96, such as
 * {@code ::/0}, holds no IPv4 address.
 *
 * <p>An instance is canonical: no bit is set behind the length. {@link #of} and {@link #parse} mask
 * host bits ({@code 127.0.0.1/8} becomes {@code 127.0.0.0/8}); the constructor refuses them.
 *
 * <p>The order is by first address (unsigned), shorter prefix first, so a prefix comes before all
 * that lies in it.
 *
 * @param hi the upper 64 bits of the first address
 * @param lo the lower 64 bits of the first address
 * @param length bits that are fixed, 0 to 128 in the 128-bit space (IPv4: 96 to 128)
 */
public record IpPrefix(long hi, long lo, int length) implements Comparable<IpPrefix> {

  /** Length of an address (not a longer prefix) in the 128-bit space. */
  public static final int MAX_LENGTH = 128;

  /** Where IPv4 begins: the bits before are fixed for every IPv4 address. */
  static final int V4_OFFSET = 96;

  private static final long V4_MAPPED = 0xffffL;

  /**
   * Checks that the prefix is canonical.
   *
   * @throws IllegalArgumentException if the length is not 0 to 128 or a bit behind it is set
   */
  public IpPrefix {
    if (length < 0 || length > MAX_LENGTH) {
      throw new IllegalArgumentException("prefix length must be 0 to 128, is " + length);
    }
    if (hi != (hi & maskHi(length)) || lo != (lo & maskLo(length))) {
      throw new IllegalArgumentException("bits are set behind the prefix length; use IpPrefix.of");
    }
  }

  /** The prefix of the given length (128-bit space) around an address; host bits are masked. */
  public static IpPrefix of(long hi, long lo, int length) {
    if (length < 0 || length > MAX_LENGTH) {
      throw new IllegalArgumentException("prefix length must be 0 to 128, is " + length);
    }
    return new IpPrefix(hi & maskHi(length), lo & maskLo(length), length);
  }

  /** A single address from its 128 bits (IPv4 mapped). */
  public static IpPrefix address(long hi, long lo) {
    return new IpPrefix(hi, lo, MAX_LENGTH);
  }

  /** A single IPv4 address from its 32 bits, most significant byte first. */
  public static IpPrefix ofV4(int address) {
    return new IpPrefix(0, v4ToLo(address), MAX_LENGTH);
  }

  /**
   * Reads an address or {@code address/length}: dotted quad, or any text form of RFC 4291. Strict:
   * no spaces, no short or octal IPv4, no zone, no port, never DNS. Host bits are masked.
   *
   * @throws InvalidAddressException if the text is neither, with the reason and how to mend it
   */
  public static IpPrefix parse(String text) {
    return PrefixText.parse(text);
  }

  /** Whether the 128 bits are an IPv4 address ({@code ::ffff:a.b.c.d}). */
  public static boolean isV4(long hi, long lo) {
    return hi == 0 && lo >>> 32 == V4_MAPPED;
  }

  /** The lower 64 bits of an IPv4 address in the 128-bit space; the upper ones are 0. */
  public static long v4ToLo(int address) {
    return V4_MAPPED << 32 | Integer.toUnsignedLong(address);
  }

  /** Whether this is an IPv4 address or prefix. */
  public boolean isV4() {
    return length >= V4_OFFSET && isV4(hi, lo);
  }

  /** Whether this is one address. */
  public boolean isAddress() {
    return length == MAX_LENGTH;
  }

  /** The length as people write it: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  public int bits() {
    return isV4() ? length - V4_OFFSET : length;
  }

  /** Whether the other prefix lies in this one (or is the same). */
  public boolean contains(IpPrefix other) {
    return length <= other.length && isV4() == other.isV4() && covers(other.hi, other.lo);
  }

  /** Whether the address lies in this prefix. */
  public boolean contains(long addressHi, long addressLo) {
    return covers(addressHi, addressLo) && isV4() == isV4(addressHi, addressLo);
  }

  /** Whether the two have an address in common; then one contains the other. */
  public boolean overlaps(IpPrefix other) {
    return contains(other) || other.contains(this);
  }

  /**
   * The prefix of the given length around this one; this one if it is no longer than that.
   *
   * @param bits length as people write it for this family: an IPv6 address at 64 gives its /64
   */
  public IpPrefix truncate(int bits) {
    if (bits < 0) {
      throw new IllegalArgumentException("prefix length must not be negative, is " + bits);
    }
    return bits >= bits() ? this : of(hi, lo, isV4() ? bits + V4_OFFSET : bits);
  }

  /**
   * One half of a prefix that is longer than an address.
   *
   * @param upper the half with the higher addresses
   */
  public IpPrefix half(boolean upper) {
    int half = length + 1;
    long upperHi = upper && half <= Long.SIZE ? 1L << (Long.SIZE - half) : 0;
    long upperLo = upper && half > Long.SIZE ? 1L << (MAX_LENGTH - half) : 0;
    return new IpPrefix(hi | upperHi, lo | upperLo, half);
  }

  @Override
  public int compareTo(IpPrefix other) {
    int byHi = Long.compareUnsigned(hi, other.hi);
    if (byHi != 0) {
      return byHi;
    }
    int byLo = Long.compareUnsigned(lo, other.lo);
    return byLo != 0 ? byLo : Integer.compare(length, other.length);
  }

  /** Canonical text (RFC 5952; IPv4 dotted); an address has no {@code /length}. */
  @Override
  public String toString() {
    return PrefixText.format(this);
  }

  private boolean covers(long addressHi, long addressLo) {
    return ((addressHi ^ hi) & maskHi(length)) == 0 && ((addressLo ^ lo) & maskLo(length)) == 0;
  }

  /** The upper 64 bits of the mask of a length (128-bit space). */
  static long maskHi(int length) {
    return length >= 64 ? -1L : length == 0 ? 0 : -1L << (64 - length);
  }

  /** The lower 64 bits of the mask of a length (128-bit space). */
  static long maskLo(int length) {
    return length <= 64 ? 0 : -1L << (MAX_LENGTH - length);
  }
}
