package io.ipsentry.line;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;

/**
 * The client of one line as a {@link ClientAddressResolver} found it: 128 bits, IPv4 mapped as in
 * {@link IpPrefix}, and how the address came to be known.
 *
 * <p>Mutable and reused; meaningful only after {@link ClientAddressResolver.Outcome#FOUND}.
 * Confined to one thread.
 */
public final class ClientAddress {
  private long hi;
  private long lo;
  private SeenAs seenAs = SeenAs.PEER;

  /** The upper 64 bits. */
  public long hi() {
    return hi;
  }

  /** The lower 64 bits. */
  public long lo() {
    return lo;
  }

  /** {@link SeenAs#PEER} or {@link SeenAs#FORWARDED}. */
  public SeenAs seenAs() {
    return seenAs;
  }

  void set(long newHi, long newLo, SeenAs newSeenAs) {
    hi = newHi;
    lo = newLo;
    seenAs = newSeenAs;
  }

  /** The address as a value; allocates. */
  public IpPrefix toPrefix() {
    return IpPrefix.address(hi, lo);
  }

  @Override
  public String toString() {
    return toPrefix() + " seen as " + seenAs.wireName();
  }
}
