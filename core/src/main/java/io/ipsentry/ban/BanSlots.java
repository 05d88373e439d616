package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The store of {@link ActiveBans}: one numbered slot a prefix and scope, in pages of columns
 * ({@link BanPage}) so that a million bans are few objects and some 34 MB.
 *
 * <p>Slots of one prefix form a chain, newest scope first. Pages never move, so that a reader that
 * races with the writer finds something, if only nonsense that its owner throws away.
 */
final class BanSlots {
  static final int NONE = -1;

  private static final int SLOT_BITS = 26;

  /** Slots there can be: 64 Mi, some 3 GB. */
  static final int MAX_SLOTS = 1 << SLOT_BITS;

  private static final int MAX_PAGES = MAX_SLOTS >>> BanPage.BITS;
  private static final int LABELS_POOLED = 1 << 12;

  /** The texts of a ban; most bans share theirs with many others. */
  record Label(String rule, String reason, String by, @Nullable String scope) {
    static final Label EMPTY = new Label("", "", "", null);

    // As a record's own, which cost more than the rest of a ban until they are optimised.
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Label label
          && rule.equals(label.rule)
          && reason.equals(label.reason)
          && by.equals(label.by)
          && Objects.equals(scope, label.scope);
    }

    @Override
    public int hashCode() {
      int hash = 31 * (31 * rule.hashCode() + reason.hashCode()) + by.hashCode();
      return 31 * hash + Objects.hashCode(scope);
    }
  }

  /**
   * What a slot holds. A copy is taken without checks; {@link #toBan} once it is known to be good.
   *
   * @param length in the 128-bit space
   * @param until milliseconds since 1970, {@link ActiveBans#FOR_EVER}; of the ban or its unban
   * @param evidenceAge milliseconds from the evidence to {@code at}, if there is any
   * @param flags of {@link BanPage}
   */
  record Copy(
      long hi,
      long lo,
      int length,
      long seq,
      long at,
      long until,
      long evidenceAge,
      int hits,
      int offence,
      int flags,
      Label label) {
    boolean hasEvidence() {
      return (flags & BanPage.EVIDENCE) != 0;
    }

    boolean isUnbanned() {
      return (flags & BanPage.UNBANNED) != 0;
    }

    int seenAsCode() {
      return code(seenAsOf(flags));
    }

    ActiveBan toBan() {
      return new ActiveBan(
          seq,
          new BanEvent.Ban(
              Instant.ofEpochMilli(at),
              new IpPrefix(hi, lo, length),
              until == ActiveBans.FOR_EVER ? null : Instant.ofEpochMilli(until),
              label.rule(),
              label.reason(),
              hits,
              seenAsOf(flags),
              label.by(),
              offence,
              hasEvidence() ? Instant.ofEpochMilli(at - evidenceAge) : null,
              label.scope()));
    }
  }

  private final BanPage firstPage = new BanPage(true);
  private final @Nullable BanPage[] pages = new BanPage[MAX_PAGES];
  private int pagesEver;
  // Recent labels by hash: what is pooled costs nothing, what falls out costs itself.
  private final @Nullable Label[] pool = new Label[LABELS_POOLED];
  private final Room v4Room = new Room(true);
  private final Room v6Room = new Room(false);
  private int used;

  /** Slots of a family that can be taken. */
  private static final class Room {
    final boolean isV4;

    /** First of those that were freed; the column of heap indices links them. */
    int freed = NONE;

    /** Next one of the last page that was never used, and where that page ends. */
    int next;

    int end;

    Room(boolean isV4) {
      this.isV4 = isV4;
    }
  }

  private Room room(boolean isV4) {
    return isV4 ? v4Room : v6Room;
  }

  /** A slot for a prefix, in front of a chain; it holds no ban yet. */
  int add(IpPrefix ip, int chain) {
    Room room = room(ip.isV4());
    int slot = room.freed;
    if (slot != NONE) {
      room.freed = heapIndex(slot);
    } else {
      if (room.next == room.end) {
        addPage(room);
      }
      slot = room.next++;
    }
    BanPage page = page(slot);
    int i = slot & BanPage.SLOTS - 1;
    page.open(i, ip, BanPage.USED | BanPage.UNBANNED);
    page.setNext(i, chain);
    page.offence.set(i, 0);
    page.seq.set(i, 0);
    page.setHeapIndex(i, NONE);
    used++;
    return slot;
  }

  private void addPage(Room room) {
    if (pagesEver == MAX_PAGES) {
      throw new IllegalStateException("more than " + MAX_SLOTS + " bans are remembered");
    }
    pages[pagesEver] = pagesEver == 0 && room.isV4 ? firstPage : new BanPage(room.isV4);
    room.next = pagesEver << BanPage.BITS;
    room.end = room.next + BanPage.SLOTS;
    pagesEver++;
  }

  void free(int slot) {
    BanPage page = page(slot);
    int i = slot & BanPage.SLOTS - 1;
    page.setFlags(i, 0);
    page.setLabel(i, Label.EMPTY);
    page.setNext(i, NONE);
    Room room = room(page.isV4());
    page.setHeapIndex(i, room.freed);
    room.freed = slot;
    used--;
  }

  void setBan(int slot, long seq, BanEvent.Ban ban, SeenAs seenAs) {
    long at = ban.at().toEpochMilli();
    Instant evidence = ban.evidenceAt();
    set(
        slot,
        new Copy(
            ban.ip().hi(),
            ban.ip().lo(),
            ban.ip().length(),
            seq,
            at,
            ActiveBans.millisOf(ban.until()),
            evidence == null ? 0 : at - evidence.toEpochMilli(),
            ban.hits(),
            ban.offence(),
            flags(seenAs, false, evidence != null, ban.scope() != null),
            pooled(new Label(ban.rule(), ban.reason(), ban.by(), ban.scope()))));
  }

  /** Sets all of a ban but its prefix, which the slot has. */
  void set(int slot, Copy ban) {
    BanPage page = page(slot);
    int i = slot & BanPage.SLOTS - 1;
    page.seq.set(i, ban.seq());
    page.at.set(i, ban.at());
    page.setUntil(i, ban.until());
    page.evidenceAge.set(i, ban.evidenceAge());
    page.hits.set(i, ban.hits());
    page.offence.set(i, ban.offence());
    page.setLabel(i, ban.label());
    page.setFlags(i, ban.flags());
  }

  /** Of a slot in use. */
  static int flags(SeenAs seenAs, boolean unbanned, boolean evidence, boolean scoped) {
    return BanPage.USED
        | code(seenAs) << BanPage.SEEN_AS_SHIFT
        | (unbanned ? BanPage.UNBANNED : 0)
        | (evidence ? BanPage.EVIDENCE : 0)
        | (scoped ? BanPage.SCOPED : 0);
  }

  /** Ends whatever ban the slot holds; hits up to then never count. */
  void setUnbanned(int slot, long at) {
    BanPage page = page(slot);
    int i = slot & BanPage.SLOTS - 1;
    page.setUntil(i, at);
    page.setFlags(i, page.flags(i) | BanPage.UNBANNED);
  }

  private Label pooled(Label label) {
    int at = (label.hashCode() * 0x9e37_79b9) >>> 20;
    Label known = pool[at];
    if (known != null && known.equals(label)) {
      return known;
    }
    pool[at] = label;
    return label;
  }

  int used() {
    return used;
  }

  /** Every slot number is below this. */
  int end() {
    return pagesEver << BanPage.BITS;
  }

  /** This slot or, where it was never taken, the next one that was; {@link #end} if none was. */
  int from(int slot) {
    int at = slot;
    if (at >= v4Room.next && at < v4Room.end) {
      at = v4Room.end;
    }
    if (at >= v6Room.next && at < v6Room.end) {
      at = v6Room.end;
    }
    return at;
  }

  boolean isUsed(int slot) {
    return (flags(slot) & BanPage.USED) != 0;
  }

  boolean isActive(int slot, long atMillis) {
    return page(slot).isActive(slot & BanPage.SLOTS - 1, atMillis);
  }

  boolean isVisibleAtL3(int slot) {
    int flags = flags(slot);
    return (flags & BanPage.SCOPED) == 0 && seenAsOf(flags) != SeenAs.FORWARDED;
  }

  boolean holdsFor(int slot, @Nullable String scope) {
    return (flags(slot) & BanPage.SCOPED) == 0 || Objects.equals(scope(slot), scope);
  }

  boolean hasScope(int slot, @Nullable String scope) {
    return (flags(slot) & BanPage.SCOPED) == 0 ? scope == null : Objects.equals(scope(slot), scope);
  }

  SeenAs seenAs(int slot) {
    return seenAsOf(flags(slot));
  }

  IpPrefix ip(int slot) {
    BanPage page = page(slot);
    int i = slot & BanPage.SLOTS - 1;
    return new IpPrefix(page.hi(i), page.lo(i), page.length(i));
  }

  /** Order of {@link IpPrefix}, then of the events. */
  int compareTo(int slot, IpPrefix ip, long seq) {
    BanPage page = page(slot);
    int i = slot & BanPage.SLOTS - 1;
    int order = Long.compareUnsigned(page.hi(i), ip.hi());
    order = order != 0 ? order : Long.compareUnsigned(page.lo(i), ip.lo());
    order = order != 0 ? order : Integer.compare(page.length(i), ip.length());
    return order != 0 ? order : Long.compare(page.seq.get(i), seq);
  }

  /** Order of the prefixes of two slots, as {@link IpPrefix}'s. */
  int comparePrefixes(int a, int b) {
    BanPage left = page(a);
    BanPage right = page(b);
    int i = a & BanPage.SLOTS - 1;
    int j = b & BanPage.SLOTS - 1;
    int order = Long.compareUnsigned(left.hi(i), right.hi(j));
    order = order != 0 ? order : Long.compareUnsigned(left.lo(i), right.lo(j));
    return order != 0 ? order : Integer.compare(left.length(i), right.length(j));
  }

  /**
   * The slots in use by their prefixes, those of one prefix next to each other.
   *
   * <p>Nearly all are IPv4, whose prefix and slot fit one number, which sorts ten times as fast.
   */
  int[] inOrderOfPrefixes() {
    long[] v4 = new long[used];
    List<Integer> v6 = new ArrayList<>();
    int v4Count = 0;
    for (int slot = from(0); slot < end(); slot = from(slot + 1)) {
      if (!isUsed(slot)) {
        continue;
      }
      IpPrefix ip = ip(slot);
      if (ip.isV4()) {
        long key = ip.lo() << 32 | (long) ip.bits() << SLOT_BITS | slot;
        v4[v4Count++] = key ^ Long.MIN_VALUE;
      } else {
        v6.add(slot);
      }
    }
    Arrays.sort(v4, 0, v4Count);
    v6.sort(this::comparePrefixes);
    int[] sorted = new int[v4Count + v6.size()];
    int next = 0;
    int later = 0;
    while (later < v6.size() && isBeforeV4(v6.get(later))) {
      sorted[next++] = v6.get(later++);
    }
    for (int i = 0; i < v4Count; i++) {
      sorted[next++] = (int) v4[i] & MAX_SLOTS - 1;
    }
    while (later < v6.size()) {
      sorted[next++] = v6.get(later++);
    }
    return sorted;
  }

  private boolean isBeforeV4(int slot) {
    IpPrefix ip = ip(slot);
    return ip.hi() == 0 && Long.compareUnsigned(ip.lo(), IpPrefix.v4ToLo(0)) < 0;
  }

  /** The slots that hold a ban, ended or not, in the order of their events. */
  int[] inOrderOfEvents() {
    long[] keys = new long[used];
    int count = 0;
    for (int slot = from(0); slot < end(); slot = from(slot + 1)) {
      if (isUsed(slot) && offence(slot) > 0) {
        keys[count++] = seq(slot) << SLOT_BITS | slot;
      }
    }
    Arrays.sort(keys, 0, count);
    int[] sorted = new int[count];
    for (int i = 0; i < count; i++) {
      sorted[i] = (int) keys[i] & MAX_SLOTS - 1;
    }
    return sorted;
  }

  Copy copy(int slot) {
    BanPage page = page(slot);
    int i = slot & BanPage.SLOTS - 1;
    return new Copy(
        page.hi(i),
        page.lo(i),
        page.length(i),
        page.seq.get(i),
        page.at.get(i),
        page.until(i),
        page.evidenceAge.get(i),
        page.hits.get(i),
        page.offence.get(i),
        page.flags(i),
        page.label(i));
  }

  private @Nullable String scope(int slot) {
    return page(slot).label(slot & BanPage.SLOTS - 1).scope();
  }

  long at(int slot) {
    return page(slot).at.get(slot & BanPage.SLOTS - 1);
  }

  long until(int slot) {
    return page(slot).until(slot & BanPage.SLOTS - 1);
  }

  long seq(int slot) {
    return page(slot).seq.get(slot & BanPage.SLOTS - 1);
  }

  int offence(int slot) {
    return page(slot).offence.get(slot & BanPage.SLOTS - 1);
  }

  int next(int slot) {
    return page(slot).next(slot & BanPage.SLOTS - 1);
  }

  void setNext(int slot, int next) {
    page(slot).setNext(slot & BanPage.SLOTS - 1, next);
  }

  int heapIndex(int slot) {
    return page(slot).heapIndex(slot & BanPage.SLOTS - 1);
  }

  void setHeapIndex(int slot, int index) {
    page(slot).setHeapIndex(slot & BanPage.SLOTS - 1, index);
  }

  private int flags(int slot) {
    return page(slot).flags(slot & BanPage.SLOTS - 1);
  }

  private static int code(SeenAs seenAs) {
    return switch (seenAs) {
      case PEER -> 0;
      case FORWARDED -> 1;
      case MANUAL -> 2;
      case FEED -> 3;
    };
  }

  private static SeenAs seenAsOf(int flags) {
    return seenAsOfCode(flags >>> BanPage.SEEN_AS_SHIFT & 3);
  }

  /** Of 0 to 3, see {@link BanSnapshot}. */
  static SeenAs seenAsOfCode(int code) {
    return switch (code) {
      case 0 -> SeenAs.PEER;
      case 1 -> SeenAs.FORWARDED;
      case 2 -> SeenAs.MANUAL;
      default -> SeenAs.FEED;
    };
  }

  /** Bytes of the pages in use. */
  long sizeBytes() {
    long bytes = 0;
    for (int i = 0; i < pagesEver; i++) {
      bytes += page(i << BanPage.BITS).sizeBytes();
    }
    return bytes;
  }

  /** A racing reader may see a slot before its page; the first page does for nonsense. */
  private BanPage page(int slot) {
    BanPage page = pages[slot >>> BanPage.BITS];
    return page != null ? page : firstPage;
  }
}
