package io.ipsentry.detection;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixTable;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

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

  /** Up to so many are taken out of their tables one by one: a table of its own is 256 KiB. */
  static final int FEW = 1_000;

  /** So many tables are kept for what comes next: policies may go. */
  private static final int MAX_KEPT = 16;

  private static final String EVERYWHERE = "";

  private final int capacity;
  private final Map<String, PrefixTable> tables = new HashMap<>();
  private final List<Entry> few = new ArrayList<>();
  private long[] until = new long[16];
  private int size;

  private record Entry(PrefixTable table, IpPrefix prefix) {}

  LocalFloors(int capacity) {
    this.capacity = capacity;
  }

  /** Takes the ban's end as the floor of its prefix, in its scope. */
  void put(BanEvent.Ban ban) {
    if (size == capacity) {
      clear();
    }
    if (size == until.length) {
      until = Arrays.copyOf(until, size * 2);
    }
    Instant end = ban.until();
    until[size] = end == null ? Long.MAX_VALUE : end.toEpochMilli() - 1;
    String scope = ban.scope() == null ? EVERYWHERE : ban.scope();
    PrefixTable table = tables.computeIfAbsent(scope, s -> new PrefixTable());
    table.put(ban.ip(), size++);
    if (size <= FEW) {
      few.add(new Entry(table, ban.ip()));
    }
  }

  void clear() {
    if (size <= FEW && tables.size() <= MAX_KEPT) {
      few.forEach(entry -> entry.table.remove(entry.prefix));
    } else {
      tables.clear();
    }
    few.clear();
    size = 0;
  }

  /**
   * The latest floor of the prefixes that hold the address; {@link Long#MIN_VALUE}: none.
   *
   * @param scope policy that judges; null: none, only bans that hold everywhere count
   */
  long floorMillis(long hi, long lo, @Nullable String scope) {
    if (size == 0) {
      return Long.MIN_VALUE;
    }
    long floor = floorMillis(tables.get(EVERYWHERE), hi, lo);
    return scope == null ? floor : Math.max(floor, floorMillis(tables.get(scope), hi, lo));
  }

  private long floorMillis(@Nullable PrefixTable table, long hi, long lo) {
    long floor = Long.MIN_VALUE;
    if (table != null) {
      long match = table.match(hi, lo, IpPrefix.MAX_LENGTH);
      while (match != PrefixTable.NONE) {
        floor = Math.max(floor, until[PrefixTable.valueOf(match)]);
        match = table.match(hi, lo, PrefixTable.lengthOf(match) - 1);
      }
    }
    return floor;
  }
}
