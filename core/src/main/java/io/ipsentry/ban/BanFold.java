package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixTable;
import io.ipsentry.net.SeenAs;
import java.io.IOException;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the events of the ban log add up to: what {@link ActiveBans} guards, and where its law is
 * carried out.
 *
 * <p>One thread writes, under the owner's lock. {@link #find}, {@link #floor} and what reads single
 * slots may race with it; then they end soon, throw nothing, and what they say is to be thrown
 * away. Everything else is read under the lock.
 */
final class BanFold {
  private final ActiveBans.Limits limits;
  private final PrefixTable table = new PrefixTable();
  private final BanSlots slots = new BanSlots();
  private final EndHeap ends = new EndHeap(slots);
  private final AllowTable allows = new AllowTable();
  private final TreeMap<String, ActiveBans.FeedState> feeds = new TreeMap<>();
  private final BanListing listing = new BanListing(this);
  private long head;
  private long foldMillis = Long.MIN_VALUE;
  private @Nullable String lastEdit;

  BanFold(ActiveBans.Limits limits) {
    this.limits = limits;
  }

  ActiveBans.Limits limits() {
    return limits;
  }

  /** Number of the last event taken in; 0 for none. */
  long head() {
    return head;
  }

  /** Newest time in the events; {@link Long#MIN_VALUE}: there was none. */
  long foldMillis() {
    return foldMillis;
  }

  /** The last change of a shared document that an event names; null: none does. */
  @Nullable String lastEdit() {
    return lastEdit;
  }

  BanSlots slots() {
    return slots;
  }

  AllowTable allows() {
    return allows;
  }

  SortedMap<String, ActiveBans.FeedState> feeds() {
    return feeds;
  }

  BanListing listing() {
    return listing;
  }

  /** First slot of exactly this prefix; {@link BanSlots#NONE}: nothing is remembered. */
  int chain(IpPrefix ip) {
    return table.get(ip);
  }

  long sizeBytes() {
    return table.sizeBytes() + slots.sizeBytes() + ends.sizeBytes();
  }

  // ---- events

  /** Makes room for an event. Changes no answer, so that readers need no protection from it. */
  void reserve(BanEvent event) {
    switch (event) {
      case BanEvent.Ban ban -> table.reserve(ban.ip());
      case BanEvent.Unban unban -> table.reserve(unban.ip());
      case BanEvent.Allow allow -> {}
      case BanEvent.Disallow disallow -> {}
      case BanEvent.Feed feed -> {}
    }
  }

  void apply(SequencedEvent event) {
    switch (event.event()) {
      case BanEvent.Ban ban -> {
        ban(event.seq(), ban);
        edited(ban.edit());
      }
      case BanEvent.Unban unban -> {
        unban(unban);
        edited(unban.edit());
      }
      case BanEvent.Allow allow -> allows.put(new ActiveBans.Allowance(event.seq(), allow));
      case BanEvent.Disallow disallow -> allows.remove(disallow.ip());
      case BanEvent.Feed feed -> {
        if (feed.entries() == 0) {
          feeds.remove(feed.feed());
        } else {
          feeds.put(feed.feed(), new ActiveBans.FeedState(event.seq(), feed));
        }
      }
    }
    head = event.seq();
    foldMillis = Math.max(foldMillis, event.event().at().toEpochMilli());
    forget();
  }

  private void edited(@Nullable String edit) {
    if (edit != null) {
      lastEdit = edit;
    }
  }

  private void ban(long seq, BanEvent.Ban ban) {
    int slot = slotOf(ban.ip(), ban.scope());
    SeenAs seenAs = ban.seenAs();
    if (seenAs == SeenAs.FORWARDED && slots.isActive(slot, ban.at().toEpochMilli())) {
      seenAs = slots.seenAs(slot);
    }
    slots.setBan(slot, seq, ban, seenAs);
    ends.update(slot);
  }

  private void unban(BanEvent.Unban unban) {
    // Also where nobody was banned: the floor must hold for hits that are still on their way.
    slotOf(unban.ip(), null);
    for (int slot = table.get(unban.ip()); slot != BanSlots.NONE; slot = slots.next(slot)) {
      slots.setUnbanned(slot, unban.at().toEpochMilli());
      ends.update(slot);
    }
  }

  /** The slot of a prefix and scope; a new one if there is none. */
  private int slotOf(IpPrefix ip, @Nullable String scope) {
    int chain = table.get(ip);
    int count = 0;
    int endsFirst = chain;
    for (int slot = chain; slot != BanSlots.NONE; slot = slots.next(slot)) {
      if (slots.hasScope(slot, scope)) {
        return slot;
      }
      count++;
      if (slots.until(slot) < slots.until(endsFirst)) {
        endsFirst = slot;
      }
    }
    if (count == ActiveBans.MAX_SCOPES) {
      drop(endsFirst);
      chain = table.get(ip);
    }
    int slot = slots.add(ip, chain);
    table.put(ip, slot);
    return slot;
  }

  private void drop(int slot) {
    IpPrefix ip = slots.ip(slot);
    ends.remove(slot);
    int chain = table.get(ip);
    if (chain != slot) {
      int before = chain;
      while (slots.next(before) != slot) {
        before = slots.next(before);
      }
      slots.setNext(before, slots.next(slot));
    } else if (slots.next(slot) == BanSlots.NONE) {
      table.remove(ip);
    } else {
      table.put(ip, slots.next(slot));
    }
    slots.free(slot);
  }

  private void forget() {
    long rememberMillis = limits.rememberEnded().toMillis();
    while (!ends.isEmpty()) {
      int slot = ends.first();
      long endedAgo = foldMillis - slots.until(slot);
      if (endedAgo < 0 || (endedAgo < rememberMillis && slots.used() <= limits.maxRemembered())) {
        break;
      }
      drop(slot);
    }
    allows.forgetEnded(foldMillis);
  }

  // ---- lookups

  /** The slot because of which an address is refused; {@link BanSlots#NONE}: it is not. */
  int find(long hi, long lo, long atMillis, @Nullable String scope) {
    long match = table.match(hi, lo, IpPrefix.MAX_LENGTH);
    while (match != PrefixTable.NONE) {
      int slot = PrefixTable.valueOf(match);
      for (int i = 0; i < ActiveBans.MAX_SCOPES && slot != BanSlots.NONE; i++) {
        if (slots.isActive(slot, atMillis) && slots.holdsFor(slot, scope)) {
          return allows.covers(hi, lo, atMillis) ? BanSlots.NONE : slot;
        }
        slot = slots.next(slot);
      }
      match = table.match(hi, lo, PrefixTable.lengthOf(match) - 1);
    }
    return BanSlots.NONE;
  }

  /** The latest end of a ban or unban of a prefix that holds the address. */
  long floor(long hi, long lo, @Nullable String scope) {
    long floor = ActiveBans.NO_FLOOR;
    long match = table.match(hi, lo, IpPrefix.MAX_LENGTH);
    while (match != PrefixTable.NONE) {
      int slot = PrefixTable.valueOf(match);
      for (int i = 0; i < ActiveBans.MAX_SCOPES && slot != BanSlots.NONE; i++) {
        if (slots.holdsFor(slot, scope)) {
          floor = Math.max(floor, slots.until(slot));
        }
        slot = slots.next(slot);
      }
      match = table.match(hi, lo, PrefixTable.lengthOf(match) - 1);
    }
    return floor;
  }

  // ---- snapshots

  /** Puts parts back. */
  @FunctionalInterface
  interface Filling {
    void fill(BanFold fold) throws IOException;
  }

  /** Is filled with what a snapshot held; only a new one is. */
  void restore(long newHead, long newFoldMillis, Filling filling) throws IOException {
    head = newHead;
    foldMillis = newFoldMillis;
    filling.fill(this);
    forget();
  }

  /** Puts back which change of a shared document was the last. */
  void setLastEdit(@Nullable String edit) {
    lastEdit = edit;
  }

  /** Makes room for so many more IPv4 prefixes that are likely to be put back. */
  void reserveV4(int more) {
    table.reserveV4(more);
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

  /** Puts back a ban, behind the other scopes of its prefix; false: it is there. */
  boolean addBan(IpPrefix ip, BanSlots.Copy ban) {
    int slot = append(ip, ban.label().scope());
    if (slot == BanSlots.NONE) {
      return false;
    }
    slots.set(slot, ban);
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
