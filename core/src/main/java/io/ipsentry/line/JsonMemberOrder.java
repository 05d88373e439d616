package io.ipsentry.line;

/**
 * What stands between the values of the line before, as a guess for the next: servers write the
 * same members in the same order, so most names need not be searched and looked up, only compared.
 *
 * <p>For each member it keeps the bytes from the brace or comma in front of the name to the
 * beginning of the value, with the quotation mark of a string: {@code ,"RequestPath":"}. Spaces are
 * kept as they were. A guess is right only if all bytes are equal, so a wrong one costs time and
 * nothing else. Names with escapes are never kept. Keeps {@value #MAX_MEMBERS} members of up to
 * {@value #MAX_BYTES} bytes. Confined to one thread.
 */
final class JsonMemberOrder {
  private static final int MAX_MEMBERS = 64;
  private static final int MAX_BYTES = 40;
  private static final int WORD = Long.BYTES;
  private static final int MAX_WORDS = MAX_BYTES / WORD;

  private final long[] words = new long[MAX_MEMBERS * MAX_WORDS];
  private final long[] lastMasks = new long[MAX_MEMBERS];
  private final int[] lengths = new int[MAX_MEMBERS];
  private final int[] slots = new int[MAX_MEMBERS];

  /**
   * Whether the bytes at {@code at} are those kept for this member.
   *
   * @return their number, or 0
   */
  int guess(byte[] b, int at, int to, int member) {
    int length = member < MAX_MEMBERS ? lengths[member] : 0;
    int last = at + (length - 1 & -WORD);
    if (length == 0 || at + length > to || last + WORD > b.length) {
      return 0;
    }
    int word = member * MAX_WORDS;
    long difference = 0;
    for (int i = at; i < last; i += WORD) {
      difference |= ByteSearch.word(b, i) ^ words[word++];
    }
    difference |= (ByteSearch.word(b, last) ^ words[word]) & lastMasks[member];
    return difference == 0 ? length : 0;
  }

  /** The slot in the {@link JsonKeys} of the name kept for this member, −1 for none. */
  int slot(int member) {
    return slots[member];
  }

  /** Keeps the bytes in {@code [from, to)}, which hold a name without escapes. */
  void keep(byte[] b, int from, int to, int member, int slot) {
    int length = to - from;
    if (member >= MAX_MEMBERS) {
      return;
    }
    lengths[member] = 0;
    if (length > MAX_BYTES) {
      return;
    }
    int word = member * MAX_WORDS;
    for (int i = from; i < to; i += WORD) {
      long value = 0;
      for (int k = Math.min(WORD, to - i) - 1; k >= 0; k--) {
        value = value << Byte.SIZE | b[i + k] & 0xff;
      }
      words[word++] = value;
    }
    int rest = length & WORD - 1;
    lastMasks[member] = rest == 0 ? -1 : -1L >>> Long.SIZE - rest * Byte.SIZE;
    lengths[member] = length;
    slots[member] = slot;
  }
}
