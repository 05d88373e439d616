package io.ipsentry.net;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The IPv4 half of {@link PrefixSet}: prefixes in order of which none lies in another, by their
 * places from 0 on. Immutable, safe for any thread.
 *
 * <p>Few are kept by their first addresses, 4 bytes each. From {@value #LEAST_PACKED} on, the upper
 * half of an address is told by an index of 256 KiB, {@code before16[n]}: how many begin before the
 * /16 number n; so 2 bytes each are left, and a question looks within its /16 only. Lengths take a
 * byte each, unless all are addresses.
 */
final class V4Members {
  /** From so many on, they are packed. */
  static final int LEAST_PACKED = 1 << 16;

  static final V4Members NONE = new V4Members(0, new int[0], new char[0], new int[0], null);

  private static final int BLOCKS = 1 << 16;
  private static final byte ADDRESS = (byte) IpPrefix.MAX_LENGTH;

  private final int size;

  /** First addresses; empty if packed. */
  private final int[] addresses;

  /** The lower halves of first addresses; empty unless packed. */
  private final char[] lower;

  private final int[] before16;
  private final byte @Nullable [] lengths;

  private V4Members(
      int size, int[] addresses, char[] lower, int[] before16, byte @Nullable [] lengths) {
    this.size = size;
    this.addresses = addresses;
    this.lower = lower;
    this.before16 = before16;
    this.lengths = lengths;
  }

  int size() {
    return size;
  }

  private boolean isPacked() {
    return lower.length > 0;
  }

  /** The first address of a member. */
  int address(int at) {
    return isPacked() ? blockOf(at) << 16 | lower[at] : addresses[at];
  }

  /** The length of a member in the 128-bit space, see {@link IpPrefix}. */
  int length(int at) {
    return lengths == null ? IpPrefix.MAX_LENGTH : lengths[at] & 0xff;
  }

  /** The number of the /16 in which a member begins. */
  private int blockOf(int at) {
    int low = 0;
    int high = BLOCKS - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (before16[middle] <= at) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /** Whether a member holds the address. */
  boolean contains(int address) {
    int at = last(address);
    if (at < 0) {
      return false;
    }
    int bits = length(at) - IpPrefix.V4_OFFSET;
    if (isPacked() && at < before16[address >>> 16] && bits > 16) {
      // It begins in an earlier /16 and does not reach out of it.
      return false;
    }
    return bits == 0 || (address ^ address(at)) >>> (32 - bits) == 0;
  }

  /** The place of the last member that begins at or before the address, or -1. */
  int last(int address) {
    if (isPacked()) {
      return lastPacked(address);
    }
    int low = 0;
    int high = size - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (Integer.compareUnsigned(addresses[middle], address) <= 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return high;
  }

  private int lastPacked(int address) {
    int low = before16[address >>> 16];
    int high = before16[(address >>> 16) + 1] - 1;
    int wanted = address & 0xffff;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (lower[middle] <= wanted) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return high;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof V4Members that
        && Arrays.equals(addresses, that.addresses)
        && Arrays.equals(lower, that.lower)
        && Arrays.equals(before16, that.before16)
        && Arrays.equals(lengths, that.lengths);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(addresses) + Arrays.hashCode(lower);
  }

  /** Goes through the members from the first to the last. Confined to one thread. */
  final class Cursor {
    private int at;
    private int block;

    /** Whether there is none left. */
    boolean isDone() {
      return at == size;
    }

    /** The first address of the member it is at. */
    int address() {
      if (!isPacked()) {
        return addresses[at];
      }
      while (before16[block + 1] <= at) {
        block++;
      }
      return block << 16 | lower[at];
    }

    /** Its length in the 128-bit space. */
    int length() {
      return V4Members.this.length(at);
    }

    void next() {
      at++;
    }
  }

  /** Takes members in order. Confined to one thread. */
  static final class Builder {
    private static final int LEAST_ROOM = 16;

    private int[] addresses = new int[0];
    private char[] lower = new char[0];
    private int[] before16 = new int[0];
    private byte @Nullable [] lengths;
    private int count;
    private int lastAddress;

    /** The /16s that begin up to the last member, if packed. */
    private int blocks;

    /** For about so many. */
    Builder(int expected) {
      if (expected >= LEAST_PACKED) {
        lower = new char[expected];
        before16 = new int[BLOCKS + 1];
      } else {
        addresses = new int[expected];
      }
    }

    int count() {
      return count;
    }

    /** Of the last member; there must be one. */
    int lastAddress() {
      return lastAddress;
    }

    /** Of the last member, in the 128-bit space; there must be one. */
    int lastLength() {
      return lengths == null ? IpPrefix.MAX_LENGTH : lengths[count - 1] & 0xff;
    }

    /** Adds one that begins behind the last member's last address. */
    void add(int address, int length) {
      int capacity = Math.max(addresses.length, lower.length);
      if (count == capacity) {
        grow(Math.max(LEAST_ROOM, count + (count >> 1)));
      }
      if (lengths == null && length != IpPrefix.MAX_LENGTH) {
        lengths = new byte[Math.max(addresses.length, lower.length)];
        Arrays.fill(lengths, 0, count, ADDRESS);
      }
      if (lengths != null) {
        lengths[count] = (byte) length;
      }
      if (isPacked()) {
        begin(address >>> 16);
        lower[count] = (char) address;
      } else {
        addresses[count] = address;
      }
      lastAddress = address;
      count++;
    }

    private boolean isPacked() {
      return before16.length > 0;
    }

    private void begin(int block) {
      while (blocks <= block) {
        before16[blocks++] = count;
      }
    }

    private void grow(int room) {
      if (isPacked()) {
        lower = Arrays.copyOf(lower, room);
      } else if (count >= LEAST_PACKED) {
        pack(room);
      } else {
        addresses = Arrays.copyOf(addresses, room);
      }
      if (lengths != null) {
        lengths = Arrays.copyOf(lengths, room);
      }
    }

    private void pack(int room) {
      char[] halves = new char[room];
      before16 = new int[BLOCKS + 1];
      int all = count;
      for (count = 0; count < all; count++) {
        begin(addresses[count] >>> 16);
        halves[count] = (char) addresses[count];
      }
      lower = halves;
      addresses = new int[0];
    }

    private void unpack() {
      int[] whole = new int[count];
      for (int block = 0; block < BLOCKS; block++) {
        for (int at = before16[block]; at < before16[block + 1]; at++) {
          whole[at] = block << 16 | lower[at];
        }
      }
      addresses = whole;
      lower = new char[0];
      before16 = new int[0];
    }

    /** The members; the builder must not be used any more. */
    V4Members build() {
      if (!isPacked() && count >= LEAST_PACKED) {
        pack(count);
      }
      if (isPacked()) {
        begin(BLOCKS);
        if (count < LEAST_PACKED) {
          unpack();
        }
      }
      return new V4Members(
          count,
          addresses.length == 0 || addresses.length == count
              ? addresses
              : Arrays.copyOf(addresses, count),
          lower.length == 0 || lower.length == count ? lower : Arrays.copyOf(lower, count),
          before16,
          lengths == null || lengths.length == count ? lengths : Arrays.copyOf(lengths, count));
    }
  }
}
