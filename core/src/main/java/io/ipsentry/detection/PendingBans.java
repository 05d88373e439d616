package io.ipsentry.detection;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixTable;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.Nullable;

/**
 * Bans that hold, or would hold, although no log shows them: one a prefix and scope.
 *
 * <p>The caller bounds their number. Safe for any thread. {@link #find} and {@link #floorMillis}
 * allocate nothing, and take no lock unless changes keep disturbing them.
 */
final class PendingBans {
  private static final int OPTIMISTIC_ATTEMPTS = 16;

  private final StampedLock lock = new StampedLock();
  private final PrefixTable everywhere = new PrefixTable();
  private final Map<String, PrefixTable> scoped = new ConcurrentHashMap<>();
  private BanEvent.@Nullable Ban[] bans = new BanEvent.Ban[16];
  private int[] free = new int[16];
  private int freeSize;
  private int slotsEver;
  private int used;
  private volatile int size;

  /** Number of bans. */
  int size() {
    return size;
  }

  /** Adds a ban; replaces the one of the same prefix and scope. */
  void put(BanEvent.Ban ban) {
    long stamp = lock.writeLock();
    try {
      PrefixTable table = table(ban.scope());
      int slot = table.get(ban.ip());
      if (slot == PrefixTable.NONE) {
        slot = freeSize > 0 ? free[--freeSize] : slotsEver++;
        if (slot == bans.length) {
          bans = Arrays.copyOf(bans, slot * 2);
        }
        table.put(ban.ip(), slot);
        size = ++used;
      }
      bans[slot] = ban;
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  /** Takes a ban out, if it is this one and not one that replaced it. */
  @SuppressWarnings("ReferenceEquality") // an equal ban that was decided anew is another one
  void remove(BanEvent.Ban ban) {
    long stamp = lock.writeLock();
    try {
      PrefixTable table = table(ban.scope());
      int slot = table.get(ban.ip());
      if (slot != PrefixTable.NONE && bans[slot] == ban) {
        table.remove(ban.ip());
        bans[slot] = null;
        if (freeSize == free.length) {
          free = Arrays.copyOf(free, freeSize * 2);
        }
        free[freeSize++] = slot;
        size = --used;
      }
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  private PrefixTable table(@Nullable String scope) {
    return scope == null ? everywhere : scoped.computeIfAbsent(scope, s -> new PrefixTable());
  }

  /** The ban with the longest prefix that holds the address and has not ended. */
  BanEvent.@Nullable Ban find(long hi, long lo, long atMillis, @Nullable String scope) {
    if (size == 0) {
      return null;
    }
    for (int i = 0; i < OPTIMISTIC_ATTEMPTS; i++) {
      long stamp = lock.tryOptimisticRead();
      BanEvent.Ban found = stamp == 0 ? null : lookUp(hi, lo, atMillis, scope);
      if (stamp != 0 && lock.validate(stamp)) {
        return found;
      }
      Thread.onSpinWait();
    }
    long stamp = lock.readLock();
    try {
      return lookUp(hi, lo, atMillis, scope);
    } finally {
      lock.unlockRead(stamp);
    }
  }

  private BanEvent.@Nullable Ban lookUp(long hi, long lo, long at, @Nullable String scope) {
    PrefixTable own = scope == null ? null : scoped.get(scope);
    BanEvent.Ban found = own == null ? null : lookUp(own, hi, lo, at);
    return found == null ? lookUp(everywhere, hi, lo, at) : found;
  }

  private BanEvent.@Nullable Ban lookUp(PrefixTable table, long hi, long lo, long atMillis) {
    long match = table.match(hi, lo, IpPrefix.MAX_LENGTH);
    while (match != PrefixTable.NONE) {
      BanEvent.Ban ban = ban(PrefixTable.valueOf(match));
      if (ban != null && atMillis < endMillis(ban)) {
        return ban;
      }
      match = table.match(hi, lo, PrefixTable.lengthOf(match) - 1);
    }
    return null;
  }

  /**
   * The latest end, less one, of the bans whose prefixes hold the address; {@link Long#MIN_VALUE}:
   * none.
   */
  long floorMillis(long hi, long lo, @Nullable String scope) {
    if (size == 0) {
      return Long.MIN_VALUE;
    }
    long stamp = lock.readLock();
    try {
      PrefixTable own = scope == null ? null : scoped.get(scope);
      long floor = floorMillis(everywhere, hi, lo);
      return own == null ? floor : Math.max(floor, floorMillis(own, hi, lo));
    } finally {
      lock.unlockRead(stamp);
    }
  }

  private long floorMillis(PrefixTable table, long hi, long lo) {
    long floor = Long.MIN_VALUE;
    long match = table.match(hi, lo, IpPrefix.MAX_LENGTH);
    while (match != PrefixTable.NONE) {
      BanEvent.Ban ban = ban(PrefixTable.valueOf(match));
      if (ban != null) {
        long end = endMillis(ban);
        floor = Math.max(floor, end == Long.MAX_VALUE ? end : end - 1);
      }
      match = table.match(hi, lo, PrefixTable.lengthOf(match) - 1);
    }
    return floor;
  }

  /** A racing reader may see a number before its ban. */
  private BanEvent.@Nullable Ban ban(int slot) {
    BanEvent.@Nullable Ban[] read = bans;
    return slot < read.length ? read[slot] : null;
  }

  private static long endMillis(BanEvent.Ban ban) {
    Instant until = ban.until();
    return until == null ? Long.MAX_VALUE : until.toEpochMilli();
  }
}
