package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * So many slots of {@link BanSlots}, all of one family, kept as columns: 34 bytes a slot for IPv4,
 * 46 for IPv6, if the numbers are as most are; 24 more at worst.
 *
 * <p>What a lookup asks, it finds in one number, {@code until << 16 | length << 8 | flags}: {@code
 * until} in milliseconds since 1970, which has 48 bits up to the year 9999, all of them set for
 * {@link ActiveBans#FOR_EVER}; the length in the 128-bit space.
 *
 * <p>One thread writes. A reader that races with it gets nonsense at worst.
 */
final class BanPage {
  static final int BITS = 13;
  static final int SLOTS = 1 << BITS;

  static final int USED = 1;
  static final int UNBANNED = 2;
  static final int EVIDENCE = 4;
  static final int SCOPED = 8;

  /** Where the two bits of {@code SeenAs} are. */
  static final int SEEN_AS_SHIFT = 4;

  private static final int FLAGS = 0xff;
  private static final int LENGTH_SHIFT = 8;
  private static final int UNTIL_SHIFT = 16;
  private static final long UNTIL_FOR_EVER = -1L >>> UNTIL_SHIFT;
  private static final long LENGTH_AND_FLAGS = (1L << UNTIL_SHIFT) - 1;

  /** IPv4: the 32 bits of each slot's address. */
  private final int @Nullable [] v4;

  /** IPv6: upper and lower half of each slot's address, side by side. */
  private final long @Nullable [] v6;

  private final long[] word = new long[SLOTS];
  private final int[] heapIndex = new int[SLOTS];
  private final BanSlots.Label[] label = new BanSlots.Label[SLOTS];
  private int @Nullable [] next;

  final NarrowLongs seq = new NarrowLongs(SLOTS);
  final NarrowLongs at = new NarrowLongs(SLOTS);

  /** Milliseconds from the evidence to the decision, for slots with {@link #EVIDENCE}. */
  final NarrowLongs evidenceAge = new NarrowLongs(SLOTS);

  final NarrowInts hits = new NarrowInts(SLOTS);
  final NarrowInts offence = new NarrowInts(SLOTS);

  BanPage(boolean isV4) {
    v4 = isV4 ? new int[SLOTS] : null;
    v6 = isV4 ? null : new long[2 * SLOTS];
    Arrays.fill(label, BanSlots.Label.EMPTY);
  }

  boolean isV4() {
    return v4 != null;
  }

  long hi(int i) {
    long[] addresses = v6;
    return addresses == null ? 0 : addresses[2 * i];
  }

  long lo(int i) {
    int[] short4 = v4;
    if (short4 != null) {
      return IpPrefix.v4ToLo(short4[i]);
    }
    long[] addresses = v6;
    return addresses == null ? 0 : addresses[2 * i + 1];
  }

  int length(int i) {
    return (int) word[i] >>> LENGTH_SHIFT & 0xff;
  }

  /** Makes a slot one of this prefix, with these flags, that ended in 1970. */
  void open(int i, IpPrefix ip, int flags) {
    int[] short4 = v4;
    long[] addresses = v6;
    if (short4 != null) {
      short4[i] = (int) ip.lo();
    } else if (addresses != null) {
      addresses[2 * i] = ip.hi();
      addresses[2 * i + 1] = ip.lo();
    }
    word[i] = (long) ip.length() << LENGTH_SHIFT | flags;
  }

  int flags(int i) {
    return (int) word[i] & FLAGS;
  }

  void setFlags(int i, int flags) {
    word[i] = word[i] & ~(long) FLAGS | flags;
  }

  boolean isActive(int i, long atMillis) {
    long read = word[i];
    return (read & (USED | UNBANNED)) == USED && atMillis < until(read);
  }

  long until(int i) {
    return until(word[i]);
  }

  private static long until(long word) {
    long until = word >>> UNTIL_SHIFT;
    return until == UNTIL_FOR_EVER ? ActiveBans.FOR_EVER : until;
  }

  /** Sets an end between 1970 and {@link BanEvent#MAX_TIME}, or {@link ActiveBans#FOR_EVER}. */
  void setUntil(int i, long until) {
    // The 48 lower bits of FOR_EVER are UNTIL_FOR_EVER.
    word[i] = until << UNTIL_SHIFT | word[i] & LENGTH_AND_FLAGS;
  }

  int heapIndex(int i) {
    return heapIndex[i];
  }

  void setHeapIndex(int i, int index) {
    heapIndex[i] = index;
  }

  BanSlots.Label label(int i) {
    return label[i];
  }

  void setLabel(int i, BanSlots.Label to) {
    label[i] = to;
  }

  /** The next slot of a chain; most prefixes have but one, and most pages no such column. */
  int next(int i) {
    int[] links = next;
    return links == null ? BanSlots.NONE : links[i];
  }

  void setNext(int i, int slot) {
    int[] links = next;
    if (links == null) {
      if (slot == BanSlots.NONE) {
        return;
      }
      links = new int[SLOTS];
      Arrays.fill(links, BanSlots.NONE);
      next = links;
    }
    links[i] = slot;
  }

  long sizeBytes() {
    int fixed = (v4 != null ? 4 : 16) + 8 + 4 + 4 + (next != null ? 4 : 0);
    return (long) fixed * SLOTS
        + seq.sizeBytes()
        + at.sizeBytes()
        + evidenceAge.sizeBytes()
        + hits.sizeBytes()
        + offence.sizeBytes();
  }
}
