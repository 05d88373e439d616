package io.ipsentry.watcher;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixTable;
import java.time.Instant;
import java.util.Arrays;

/**
 * Floors of bans that are not in the log: decided a moment ago, or in shadow mode.
 *
 * <p>Bounded: when full, it starts over empty, which at worst shows a shadow ban once more.
 * Confined to one thread.
 */
final class LocalFloors {
  /** Bans that wait to be appended at most: more than one round of reading can decide. */
  static final int MAX_PENDING = 1_000_000;

  /** Shadow bans remembered at most. */
  static final int MAX_SHADOWS = 100_000;

  private static final int LONGEST = 128;

  private final int capacity;
  private PrefixTable table = new PrefixTable();
  private long[] until = new long[16];
  private int size;

  LocalFloors(int capacity) {
    this.capacity = capacity;
  }

  /** Takes the ban's end as the floor of its prefix. */
  void put(BanEvent.Ban ban) {
    if (size == capacity) {
      clear();
    }
    if (size == until.length) {
      until = Arrays.copyOf(until, size * 2);
    }
    Instant end = ban.until();
    until[size] = end == null ? Long.MAX_VALUE : end.toEpochMilli() - 1;
    IpPrefix prefix = ban.ip();
    table.put(prefix, size++);
  }

  void clear() {
    if (size > 0) {
      table = new PrefixTable();
      size = 0;
    }
  }

  /** The latest floor of the prefixes that hold the address; {@link Long#MIN_VALUE}: none. */
  long floorMillis(long hi, long lo) {
    long floor = Long.MIN_VALUE;
    if (size > 0) {
      long match = table.match(hi, lo, LONGEST);
      while (match != PrefixTable.NONE) {
        floor = Math.max(floor, until[PrefixTable.valueOf(match)]);
        match = table.match(hi, lo, PrefixTable.lengthOf(match) - 1);
      }
    }
    return floor;
  }
}
