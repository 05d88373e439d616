package io.ipsentry.line;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The names of members that a format wants, found by hash of length, first and last eight bytes.
 *
 * <p>Letter case does not matter: every byte is compared with bit 0x20 set. That also makes a few
 * control and punctuation characters equal, which is harmless: names are written by the server,
 * never by the client. When several names give the same field, the one with the higher rank wins.
 * Immutable.
 */
final class JsonKeys {
  private static final long FOLD = 0x2020_2020_2020_2020L;
  private static final long MIX = 0x9e37_79b9_7f4a_7c15L;
  private static final int WORD = Long.BYTES;

  private final int shift;
  private final int mask;
  private final int[] lengths;
  private final long[] heads;
  private final long[] tails;
  private final byte[][] names;
  private final JsonField[] fields;
  private final byte[] ranks;

  private JsonKeys(List<Entry> entries) {
    int bits = 32 - Integer.numberOfLeadingZeros(4 * entries.size());
    int size = 1 << bits;
    shift = Long.SIZE - bits;
    mask = size - 1;
    lengths = new int[size];
    heads = new long[size];
    tails = new long[size];
    names = new byte[size][0];
    fields = new JsonField[size];
    ranks = new byte[size];
    Arrays.fill(lengths, -1);
    Arrays.fill(fields, JsonField.CLIENT);
    for (Entry entry : entries) {
      put(entry);
    }
  }

  /** Collects the names of a format. */
  static Builder builder() {
    return new Builder();
  }

  /** The slot of the name in {@code [from, to)}, or −1. */
  int find(byte[] b, int from, int to) {
    int length = to - from;
    long head = head(b, from, length);
    long tail = length > WORD ? ByteSearch.word(b, to - WORD) | FOLD : head;
    int slot = slot(head, tail, length);
    while (lengths[slot] >= 0) {
      if (lengths[slot] == length
          && heads[slot] == head
          && tails[slot] == tail
          && (length <= 2 * WORD || sameMiddle(names[slot], b, from, length))) {
        return slot;
      }
      slot = slot + 1 & mask;
    }
    return -1;
  }

  /** What the name in {@code slot} stands for. */
  JsonField field(int slot) {
    return fields[slot];
  }

  /** How much the name in {@code slot} is preferred over others for the same field, from 1. */
  int rank(int slot) {
    return ranks[slot];
  }

  /** Whether no other name is preferred over the one in {@code slot} for its field. */
  boolean isPreferred(int slot) {
    return ranks[slot] == Builder.MAX_RANK;
  }

  private void put(Entry entry) {
    byte[] name = entry.name.getBytes(StandardCharsets.US_ASCII);
    long head = head(name, 0, name.length);
    long tail = name.length > WORD ? ByteSearch.word(name, name.length - WORD) | FOLD : head;
    int slot = slot(head, tail, name.length);
    while (lengths[slot] >= 0) {
      slot = slot + 1 & mask;
    }
    lengths[slot] = name.length;
    heads[slot] = head;
    tails[slot] = tail;
    names[slot] = name;
    fields[slot] = entry.field;
    ranks[slot] = (byte) entry.rank;
  }

  private int slot(long head, long tail, int length) {
    return (int) ((head + Long.rotateLeft(tail, 23) ^ length * MIX) * MIX >>> shift);
  }

  private static long head(byte[] b, int from, int length) {
    if (length >= WORD) {
      return ByteSearch.word(b, from) | FOLD;
    }
    if (length == 0) {
      return 0;
    }
    if (from + WORD <= b.length) {
      long used = -1L >>> (Long.SIZE - Byte.SIZE * length);
      return (ByteSearch.word(b, from) | FOLD) & used;
    }
    long head = 0;
    for (int i = length - 1; i >= 0; i--) {
      head = head << Byte.SIZE | (b[from + i] & 0xff | 0x20);
    }
    return head;
  }

  private static boolean sameMiddle(byte[] name, byte[] b, int from, int length) {
    for (int i = WORD; i < length - WORD; i += WORD) {
      // The last word may overlap the tail, which is compared anyway.
      if (((ByteSearch.word(name, i) ^ ByteSearch.word(b, from + i)) & ~FOLD) != 0) {
        return false;
      }
    }
    return true;
  }

  private record Entry(String name, JsonField field, int rank) {}

  /** Collects names; the names of one field from the most to the least preferred. */
  static final class Builder {
    private static final int MAX_RANK = 100;

    private final List<Entry> entries = new ArrayList<>();

    private Builder() {}

    /** Adds names for a field, the most preferred first. */
    Builder add(JsonField field, String... names) {
      for (int i = 0; i < names.length; i++) {
        entries.add(new Entry(names[i], field, MAX_RANK - i));
      }
      return this;
    }

    JsonKeys build() {
      return new JsonKeys(entries);
    }
  }
}
