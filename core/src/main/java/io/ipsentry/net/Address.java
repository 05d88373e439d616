package io.ipsentry.net;

/**
 * A reusable holder for one parsed address: 128 bits, IPv4 mapped as in {@link IpPrefix}.
 *
 * <p>Mutable on purpose: a line parser keeps one and allocates nothing a line. Confined to its
 * thread; has no identity as a value, so it does not define {@code equals}.
 */
public final class Address {
  private long hi;
  private long lo;

  /** The upper 64 bits. */
  public long hi() {
    return hi;
  }

  /** The lower 64 bits. */
  public long lo() {
    return lo;
  }

  /** Replaces the address. */
  public void set(long newHi, long newLo) {
    hi = newHi;
    lo = newLo;
  }

  /** Whether it is an IPv4 address. */
  public boolean isV4() {
    return IpPrefix.isV4(hi, lo);
  }

  /** The address as a value. */
  public IpPrefix toPrefix() {
    return IpPrefix.address(hi, lo);
  }

  @Override
  public String toString() {
    return toPrefix().toString();
  }
}
