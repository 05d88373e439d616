package io.ipsentry.banlog;

import io.ipsentry.net.IpPrefix;
import java.nio.ByteBuffer;

/**
 * Prefixes as index keys of 18 bytes: family, first address, length. Keys sort like prefixes, and
 * all prefixes within a prefix lie between two keys.
 */
final class PrefixKeys {
  private static final int BYTES = 18;

  private PrefixKeys() {}

  static byte[] of(IpPrefix ip) {
    return key(ip.isV4(), ip.hi(), ip.lo(), ip.length());
  }

  /** The smallest key of a prefix within this one. */
  static byte[] first(IpPrefix ip) {
    return key(ip.isV4(), ip.hi(), ip.lo(), 0);
  }

  /** The largest key of a prefix within this one. */
  static byte[] last(IpPrefix ip) {
    long hostHi = ip.length() >= 64 ? 0 : -1L >>> ip.length();
    long hostLo = ip.length() >= 128 ? 0 : ip.length() <= 64 ? -1L : -1L >>> (ip.length() - 64);
    return key(ip.isV4(), ip.hi() | hostHi, ip.lo() | hostLo, 0xff);
  }

  private static byte[] key(boolean v4, long hi, long lo, int length) {
    return ByteBuffer.allocate(BYTES)
        .put((byte) (v4 ? 4 : 6))
        .putLong(hi)
        .putLong(lo)
        .put((byte) length)
        .array();
  }
}
