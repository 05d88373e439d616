package io.ipsentry.ban;

import io.ipsentry.ban.ActiveBans.KernelBan;
import io.ipsentry.ban.ActiveBans.Offence;
import io.ipsentry.net.IpPrefix;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.function.IntPredicate;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Questions of {@link ActiveBans} about one prefix or all bans. Used under its lock only. */
final class BanListing {
  private final BanFold fold;

  BanListing(BanFold fold) {
    this.fold = fold;
  }

  // ---- one prefix

  List<ActiveBan> ofPrefix(IpPrefix ip, long atMillis) {
    BanSlots slots = fold.slots();
    List<ActiveBan> found = new ArrayList<>();
    for (int slot = fold.chain(ip); slot != BanSlots.NONE; slot = slots.next(slot)) {
      if (slots.isActive(slot, atMillis)) {
        found.add(slots.copy(slot).toBan());
      }
    }
    found.sort(Comparator.comparingLong(ActiveBan::seq).reversed());
    return found;
  }

  Optional<Offence> lastOffence(IpPrefix ip) {
    BanSlots slots = fold.slots();
    int last = BanSlots.NONE;
    for (int slot = fold.chain(ip); slot != BanSlots.NONE; slot = slots.next(slot)) {
      boolean newer = last == BanSlots.NONE || slots.seq(slot) > slots.seq(last);
      if (slots.offence(slot) > 0 && newer) {
        last = slot;
      }
    }
    return last == BanSlots.NONE
        ? Optional.empty()
        : Optional.of(new Offence(slots.offence(last), Instant.ofEpochMilli(slots.at(last))));
  }

  @Nullable KernelBan kernelBan(IpPrefix ip, long atMillis) {
    BanSlots slots = fold.slots();
    for (int slot = fold.chain(ip); slot != BanSlots.NONE; slot = slots.next(slot)) {
      if (slots.hasScope(slot, null)) {
        boolean enforceable = slots.isActive(slot, atMillis) && slots.isVisibleAtL3(slot);
        long until = enforceable ? slots.until(slot) : ActiveBans.NO_FLOOR;
        return new KernelBan(slot, ip, slots.seq(slot), until);
      }
    }
    return null;
  }

  // ---- all bans

  List<ActiveBan> page(long atMillis, ActiveBans.@Nullable Cursor after, int max) {
    BanSlots slots = fold.slots();
    return first(
        max,
        slot ->
            slots.isActive(slot, atMillis)
                && (after == null || slots.compareTo(slot, after.ip(), after.seq()) > 0));
  }

  List<ActiveBan> overlapping(IpPrefix ip, long atMillis, int max) {
    BanSlots slots = fold.slots();
    return first(max, slot -> slots.isActive(slot, atMillis) && slots.ip(slot).overlaps(ip));
  }

  private List<ActiveBan> first(int max, IntPredicate wanted) {
    if (max < 1) {
      throw new IllegalArgumentException("at least 1 ban must be wanted, is " + max);
    }
    BanSlots slots = fold.slots();
    Comparator<ActiveBan> order =
        Comparator.comparing((ActiveBan ban) -> ban.ban().ip()).thenComparingLong(ActiveBan::seq);
    PriorityQueue<ActiveBan> lowest = new PriorityQueue<>(order.reversed());
    for (int slot = slots.from(0); slot < slots.end(); slot = slots.from(slot + 1)) {
      if (!wanted.test(slot)) {
        continue;
      }
      ActiveBan highest = lowest.size() == max ? lowest.peek() : null;
      if (highest == null || slots.compareTo(slot, highest.ban().ip(), highest.seq()) < 0) {
        if (highest != null) {
          lowest.poll();
        }
        lowest.add(slots.copy(slot).toBan());
      }
    }
    List<ActiveBan> sorted = new ArrayList<>(lowest);
    sorted.sort(order);
    return sorted;
  }

  long[] standing(long atMillis) {
    BanSlots slots = fold.slots();
    LongStream.Builder seqs = LongStream.builder();
    for (int slot = slots.from(0); slot < slots.end(); slot = slots.from(slot + 1)) {
      if (slots.isActive(slot, atMillis)) {
        seqs.add(slots.seq(slot));
      }
    }
    fold.allows().list(atMillis).forEach(entry -> seqs.add(entry.seq()));
    fold.feeds().values().forEach(entry -> seqs.add(entry.seq()));
    return seqs.build().sorted().toArray();
  }

  ActiveBans.Counts counts(long atMillis) {
    BanSlots slots = fold.slots();
    int bans = 0;
    int visibleAtL3 = 0;
    for (int slot = slots.from(0); slot < slots.end(); slot = slots.from(slot + 1)) {
      if (slots.isActive(slot, atMillis)) {
        bans++;
        visibleAtL3 += slots.isVisibleAtL3(slot) ? 1 : 0;
      }
    }
    int allows = fold.allows().list(atMillis).size();
    return new ActiveBans.Counts(bans, visibleAtL3, allows, slots.used());
  }

  /**
   * Adds the bans of some slots that hold everywhere.
   *
   * @param forwarded also those of addresses that stand in no packet
   */
  void kernelBans(int from, int to, boolean forwarded, long atMillis, List<KernelBan> found) {
    BanSlots slots = fold.slots();
    for (int slot = slots.from(from); slot < to; slot = slots.from(slot + 1)) {
      boolean shown = forwarded ? slots.hasScope(slot, null) : slots.isVisibleAtL3(slot);
      if (shown && slots.isActive(slot, atMillis)) {
        found.add(new KernelBan(slot, slots.ip(slot), slots.seq(slot), slots.until(slot)));
      }
    }
  }
}
