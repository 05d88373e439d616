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
 * The store of {@link ActiveBans}: one numbered slot a prefix and scope, kept as arrays of fields
 * (78 bytes a slot) so that a million bans are few objects.
 *
 * <p>Slots of one prefix form a chain, newest scope first. Pages never move, so that a reader that
 * races with the writer finds something, if only nonsense that its owner throws away.
 */
final class BanSlots {
  static final int NONE = -1;

  /** Stands for the time of an unban where there was none. */
  static final long NOT_UNBANNED = Long.MIN_VALUE;

  private static final int SLOT_BITS = 26;

  /** Slots there can be: 64 Mi, some 5 GB. */
  static final int MAX_SLOTS = 1 << SLOT_BITS;

  private static final int PAGE_BITS = 13;
  private static final int PAGE_SLOTS = 1 << PAGE_BITS;
  private static final long NO_EVIDENCE = Long.MIN_VALUE;
  private static final int LABELS_POOLED = 1 << 12;

  private static final byte USED = 1;
  private static final byte UNBANNED = 2;
  private static final int SEEN_AS_SHIFT = 2;

  private static final class Page {
    final long[] hi = new long[PAGE_SLOTS];
    final long[] lo = new long[PAGE_SLOTS];
    final long[] at = new long[PAGE_SLOTS];
    final long[] until = new long[PAGE_SLOTS];
    final long[] evidenceAt = new long[PAGE_SLOTS];
    final long[] seq = new long[PAGE_SLOTS];
    final int[] hits = new int[PAGE_SLOTS];
    final int[] offence = new int[PAGE_SLOTS];
    final int[] next = new int[PAGE_SLOTS];
    final int[] heapIndex = new int[PAGE_SLOTS];
    final @Nullable Label[] label = new Label[PAGE_SLOTS];
    final byte[] length = new byte[PAGE_SLOTS];
    final byte[] flags = new byte[PAGE_SLOTS];
  }

  /** The texts of a ban; most bans share theirs with many others. */
  record Label(String rule, String reason, String by, @Nullable String scope) {
    static final Label EMPTY = new Label("", "", "", null);
  }

  /** A copy of a slot, taken without checks; {@link #toBan} once it is known to be good. */
  record Copy(
      long hi,
      long lo,
      int length,
      long seq,
      long at,
      long until,
      long evidenceAt,
      int hits,
      int offence,
      byte flags,
      Label label) {
    boolean hasEvidence() {
      return evidenceAt != NO_EVIDENCE;
    }

    boolean isUnbanned() {
      return (flags & UNBANNED) != 0;
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
              evidenceAt == NO_EVIDENCE ? null : Instant.ofEpochMilli(evidenceAt),
              label.scope()));
    }
  }

  private final Page firstPage = new Page();
  private final @Nullable Page[] pages = new Page[MAX_SLOTS >>> PAGE_BITS];
  // Recent labels by hash: what is pooled costs nothing, what falls out costs itself.
  private final @Nullable Label[] pool = new Label[LABELS_POOLED];
  private int slotsEver;
  private int free = NONE;
  private int used;

  /** A slot for a prefix, in front of a chain; it holds no ban yet. */
  int add(IpPrefix ip, int chain) {
    int slot = free;
    if (slot != NONE) {
      free = next(slot);
    } else {
      if (slotsEver == MAX_SLOTS) {
        throw new IllegalStateException("more than " + MAX_SLOTS + " bans are remembered");
      }
      slot = slotsEver++;
      if (pages[slot >>> PAGE_BITS] == null) {
        pages[slot >>> PAGE_BITS] = slot == 0 ? firstPage : new Page();
      }
    }
    Page page = page(slot);
    int i = slot & PAGE_SLOTS - 1;
    page.hi[i] = ip.hi();
    page.lo[i] = ip.lo();
    page.length[i] = (byte) ip.length();
    page.next[i] = chain;
    page.flags[i] = USED | UNBANNED;
    page.offence[i] = 0;
    page.seq[i] = 0;
    page.at[i] = 0;
    page.heapIndex[i] = NONE;
    page.label[i] = Label.EMPTY;
    used++;
    return slot;
  }

  void free(int slot) {
    Page page = page(slot);
    int i = slot & PAGE_SLOTS - 1;
    page.flags[i] = 0;
    page.label[i] = Label.EMPTY;
    page.next[i] = free;
    free = slot;
    used--;
  }

  void setBan(int slot, long seq, BanEvent.Ban ban, SeenAs seenAs) {
    Page page = page(slot);
    int i = slot & PAGE_SLOTS - 1;
    page.seq[i] = seq;
    page.at[i] = ban.at().toEpochMilli();
    page.until[i] = ActiveBans.millisOf(ban.until());
    page.evidenceAt[i] = ban.evidenceAt() == null ? NO_EVIDENCE : ban.evidenceAt().toEpochMilli();
    page.hits[i] = ban.hits();
    page.offence[i] = ban.offence();
    page.label[i] = pooled(new Label(ban.rule(), ban.reason(), ban.by(), ban.scope()));
    page.flags[i] = (byte) (USED | code(seenAs) << SEEN_AS_SHIFT);
  }

  /** Ends whatever ban the slot holds; hits up to then never count. */
  void setUnbanned(int slot, long at) {
    Page page = page(slot);
    int i = slot & PAGE_SLOTS - 1;
    page.until[i] = at;
    page.flags[i] |= UNBANNED;
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
    return slotsEver;
  }

  boolean isUsed(int slot) {
    return (flags(slot) & USED) != 0;
  }

  boolean isActive(int slot, long atMillis) {
    return (flags(slot) & (USED | UNBANNED)) == USED && atMillis < until(slot);
  }

  boolean isVisibleAtL3(int slot) {
    return seenAs(slot) != SeenAs.FORWARDED && scope(slot) == null;
  }

  boolean holdsFor(int slot, @Nullable String scope) {
    String own = scope(slot);
    return own == null || own.equals(scope);
  }

  boolean hasScope(int slot, @Nullable String scope) {
    return Objects.equals(scope(slot), scope);
  }

  SeenAs seenAs(int slot) {
    return seenAsOf(flags(slot));
  }

  IpPrefix ip(int slot) {
    Page page = page(slot);
    int i = slot & PAGE_SLOTS - 1;
    return new IpPrefix(page.hi[i], page.lo[i], page.length[i] & 0xff);
  }

  /** Order of {@link IpPrefix}, then of the events. */
  int compareTo(int slot, IpPrefix ip, long seq) {
    Page page = page(slot);
    int i = slot & PAGE_SLOTS - 1;
    int order = Long.compareUnsigned(page.hi[i], ip.hi());
    order = order != 0 ? order : Long.compareUnsigned(page.lo[i], ip.lo());
    order = order != 0 ? order : Integer.compare(page.length[i] & 0xff, ip.length());
    return order != 0 ? order : Long.compare(page.seq[i], seq);
  }

  /** Order of the prefixes of two slots, as {@link IpPrefix}'s. */
  int comparePrefixes(int a, int b) {
    Page left = page(a);
    Page right = page(b);
    int i = a & PAGE_SLOTS - 1;
    int j = b & PAGE_SLOTS - 1;
    int order = Long.compareUnsigned(left.hi[i], right.hi[j]);
    order = order != 0 ? order : Long.compareUnsigned(left.lo[i], right.lo[j]);
    return order != 0 ? order : Integer.compare(left.length[i] & 0xff, right.length[j] & 0xff);
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
    for (int slot = 0; slot < slotsEver; slot++) {
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
    for (int slot = 0; slot < slotsEver; slot++) {
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
    Page page = page(slot);
    int i = slot & PAGE_SLOTS - 1;
    Label label = page.label[i];
    return new Copy(
        page.hi[i],
        page.lo[i],
        page.length[i] & 0xff,
        page.seq[i],
        page.at[i],
        page.until[i],
        page.evidenceAt[i],
        page.hits[i],
        page.offence[i],
        page.flags[i],
        label == null ? Label.EMPTY : label);
  }

  private @Nullable String scope(int slot) {
    Label label = page(slot).label[slot & PAGE_SLOTS - 1];
    return label == null ? null : label.scope();
  }

  long at(int slot) {
    return page(slot).at[slot & PAGE_SLOTS - 1];
  }

  long until(int slot) {
    return page(slot).until[slot & PAGE_SLOTS - 1];
  }

  long seq(int slot) {
    return page(slot).seq[slot & PAGE_SLOTS - 1];
  }

  int offence(int slot) {
    return page(slot).offence[slot & PAGE_SLOTS - 1];
  }

  int next(int slot) {
    return page(slot).next[slot & PAGE_SLOTS - 1];
  }

  void setNext(int slot, int next) {
    page(slot).next[slot & PAGE_SLOTS - 1] = next;
  }

  int heapIndex(int slot) {
    return page(slot).heapIndex[slot & PAGE_SLOTS - 1];
  }

  void setHeapIndex(int slot, int index) {
    page(slot).heapIndex[slot & PAGE_SLOTS - 1] = index;
  }

  private int flags(int slot) {
    return page(slot).flags[slot & PAGE_SLOTS - 1];
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
    return seenAsOfCode(flags >>> SEEN_AS_SHIFT & 3);
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
    long pagesInUse = (slotsEver + PAGE_SLOTS - 1L) >>> PAGE_BITS;
    return pagesInUse * PAGE_SLOTS * (6 * 8 + 5 * 4 + 2);
  }

  /** A racing reader may see a slot before its page; the first page does for nonsense. */
  private Page page(int slot) {
    Page page = pages[slot >>> PAGE_BITS];
    return page != null ? page : firstPage;
  }
}
