package io.ipsentry.enforcer.sync;

import io.ipsentry.enforcer.kernel.PacketFilter;
import io.ipsentry.net.IpPrefix;
import java.util.Arrays;

/**
 * Changes for the kernel, kept as numbers (25 bytes each). What is put comes before what is
 * removed, so that a prefix whose place others take is not missed in between.
 */
final class ChangeBatch implements PacketFilter.Changes {
  /** Most changes; more go in several batches. */
  static final int MAX_CHANGES = 1 << 16;

  private static final int FIRST_ROOM = 64;
  private static final long REMOVED = Long.MIN_VALUE;

  private long[] hi = new long[FIRST_ROOM];
  private long[] lo = new long[FIRST_ROOM];
  private byte[] length = new byte[FIRST_ROOM];
  private long[] until = new long[FIRST_ROOM];
  private int size;
  private int removals;

  void put(IpPrefix ip, long untilMillis) {
    add(ip, untilMillis);
  }

  void remove(IpPrefix ip) {
    add(ip, REMOVED);
    removals++;
  }

  private void add(IpPrefix ip, long end) {
    if (isFull()) {
      throw new IllegalStateException("more than " + MAX_CHANGES + " changes in a batch");
    }
    if (size == hi.length) {
      int room = size * 2;
      hi = Arrays.copyOf(hi, room);
      lo = Arrays.copyOf(lo, room);
      length = Arrays.copyOf(length, room);
      until = Arrays.copyOf(until, room);
    }
    hi[size] = ip.hi();
    lo[size] = ip.lo();
    length[size] = (byte) ip.length();
    until[size++] = end;
  }

  boolean isFull() {
    return size == MAX_CHANGES;
  }

  boolean isEmpty() {
    return size == 0;
  }

  int removals() {
    return removals;
  }

  void clear() {
    size = 0;
    removals = 0;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public void forEach(PacketFilter.ChangeVisitor visitor) {
    for (int i = 0; i < size; i++) {
      if (until[i] != REMOVED) {
        visitor.put(ip(i), until[i]);
      }
    }
    for (int i = 0; removals > 0 && i < size; i++) {
      if (until[i] == REMOVED) {
        visitor.remove(ip(i));
      }
    }
  }

  private IpPrefix ip(int i) {
    return new IpPrefix(hi[i], lo[i], length[i] & 0xff);
  }
}
