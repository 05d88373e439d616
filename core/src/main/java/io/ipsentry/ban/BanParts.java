package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixTable;
import java.io.IOException;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What {@link ActiveBans} holds, for those who write all of it down or put it back. Used under its
 * lock only.
 *
 * @param head number of the last event taken in
 * @param foldMillis newest time in the events; {@link Long#MIN_VALUE}: there was none
 */
record BanParts(
    long head,
    long foldMillis,
    PrefixTable table,
    BanSlots slots,
    EndHeap ends,
    AllowTable allows,
    TreeMap<String, ActiveBans.FeedState> feeds) {

  /** Work on the parts. */
  @FunctionalInterface
  interface Work {
    void on(BanParts parts) throws IOException;
  }

  /** Puts back a prefix of which only hits up to a time do not count; false: it is there. */
  boolean addFloor(IpPrefix ip, long until) {
    int slot = append(ip, null);
    if (slot == BanSlots.NONE) {
      return false;
    }
    slots.setUnbanned(slot, until);
    ends.update(slot);
    return true;
  }

  /**
   * Puts back a ban, behind the other scopes of its prefix; false: it is there.
   *
   * @param unbannedAt when it was unbanned; {@link BanSlots#NOT_UNBANNED}: it was not
   */
  boolean addBan(long seq, BanEvent.Ban ban, long unbannedAt) {
    int slot = append(ban.ip(), ban.scope());
    if (slot == BanSlots.NONE) {
      return false;
    }
    slots.setBan(slot, seq, ban, ban.seenAs());
    if (unbannedAt != BanSlots.NOT_UNBANNED) {
      slots.setUnbanned(slot, unbannedAt);
    }
    ends.update(slot);
    return true;
  }

  private int append(IpPrefix ip, @Nullable String scope) {
    int last = table.get(ip);
    if (last == BanSlots.NONE) {
      int slot = slots.add(ip, BanSlots.NONE);
      table.put(ip, slot);
      return slot;
    }
    while (!slots.hasScope(last, scope) && slots.next(last) != BanSlots.NONE) {
      last = slots.next(last);
    }
    if (slots.hasScope(last, scope)) {
      return BanSlots.NONE;
    }
    int slot = slots.add(ip, BanSlots.NONE);
    slots.setNext(last, slot);
    return slot;
  }
}
