package io.ipsentry.line;

import java.util.Arrays;

/**
 * The member names of the line before, in order, as a guess for the next: servers write the same
 * members in the same order, so most names are found by comparing two or three words instead of
 * searching their end and looking them up.
 *
 * <p>A guess is right only if all bytes are equal and a quotation mark follows; names with escapes
 * are never remembered. So a wrong guess costs time and nothing else. Remembers {@value
 * #MAX_MEMBERS} names of up to {@value #MAX_NAME} bytes. Confined to one thread.
 */
final class JsonMemberOrder {
  private static final int MAX_MEMBERS = 64;
  private static final int MAX_NAME = 32;
  private static final int WORD = Long.BYTES;

  private final long[] words = new long[MAX_MEMBERS * MAX_NAME / WORD];
  private final int[] lengths = new int[MAX_MEMBERS];
  private final int[] slots = new int[MAX_MEMBERS];

  JsonMemberOrder() {
    Arrays.fill(lengths, -1);
  }

  /**
   * Whether the name that begins at {@code at} is the one remembered for this place.
   *
   * @return its length, or −1
   */
  int guess(byte[] b, int at, int to, int member) {
    int length = member < MAX_MEMBERS ? lengths[member] : -1;
    int end = at + length;
    if (length < 0 || end >= to || b[end] != '"' || at + length + WORD > b.length) {
      return -1;
    }
    int word = member * (MAX_NAME / WORD);
    int i = at;
    for (int stop = end - WORD; i <= stop; i += WORD) {
      if (ByteSearch.word(b, i) != words[word++]) {
        return -1;
      }
    }
    int rest = end - i;
    if (rest > 0 && (ByteSearch.word(b, i) ^ words[word]) << (WORD - rest) * Byte.SIZE != 0) {
      return -1;
    }
    return length;
  }

  /** The slot in the {@link JsonKeys} of the name remembered for this place, −1 for none. */
  int slot(int member) {
    return slots[member];
  }

  /** Remembers a name without escapes. */
  void remember(byte[] b, int from, int to, int member, int slot) {
    int length = to - from;
    if (member >= MAX_MEMBERS) {
      return;
    }
    if (length > MAX_NAME) {
      lengths[member] = -1;
      return;
    }
    int word = member * (MAX_NAME / WORD);
    for (int i = from; i < to; i += WORD) {
      long value = 0;
      for (int k = Math.min(WORD, to - i) - 1; k >= 0; k--) {
        value = value << Byte.SIZE | b[i + k] & 0xff;
      }
      words[word++] = value;
    }
    lengths[member] = length;
    slots[member] = slot;
  }
}
