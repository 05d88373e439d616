package io.ipsentry.pattern;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A character class while it is read, turned into byte sets at the end.
 *
 * <p>Characters below 128 are bytes. The rest is one of: nothing, every byte from 128 on ({@code
 * \W}, {@code \D}, {@code \S}), or named characters, which become the byte ranges of their UTF-8
 * forms.
 */
final class CharacterClass {
  /** Wider ranges outside ASCII are not searched for letters of the other case. */
  private static final int MAX_FOLDED_RANGE = 1024;

  private static final int FIRST_SURROGATE = 0xd800;
  private static final int LAST_SURROGATE = 0xdfff;

  private record Range(int first, int last) {}

  private static final ByteSet HIGH = ByteSet.range(128, 255);

  private ByteSet ascii = ByteSet.none();
  private boolean everyHighByte;
  private List<Range> characters = new ArrayList<>();

  static ByteSet digits() {
    return ByteSet.range('0', '9');
  }

  static ByteSet spaces() {
    return ByteSet.range('\t', '\r').or(ByteSet.of(' '));
  }

  /** Adds code points {@code first} to {@code last}. */
  void add(int first, int last) {
    if (first < 128) {
      ascii = ascii.or(ByteSet.range(first, Math.min(last, 127)));
    }
    if (last >= 128) {
      characters.add(new Range(Math.max(first, 128), last));
    }
  }

  /** Adds bytes; of those from 128 on, all or none. */
  void add(ByteSet set) {
    ascii = ascii.or(new ByteSet(set.w0(), set.w1(), 0, 0));
    everyHighByte |= set.contains(255);
  }

  /** Adds the other case of what is in the class. */
  void foldCase() {
    for (int letter = 'a'; letter <= 'z'; letter++) {
      int upper = letter - 'a' + 'A';
      if (ascii.contains(letter) || ascii.contains(upper)) {
        ascii = ascii.or(ByteSet.of(letter)).or(ByteSet.of(upper));
      }
    }
    for (Range range : List.copyOf(characters)) {
      if (range.last - range.first < MAX_FOLDED_RANGE) {
        for (int c = range.first; c <= range.last; c++) {
          addOtherCase(c, Character.toLowerCase(c));
          addOtherCase(c, Character.toUpperCase(c));
        }
      }
    }
  }

  private void addOtherCase(int c, int other) {
    if (other != c && other >= 128) {
      characters.add(new Range(other, other));
    }
  }

  Node build(boolean negated) {
    if (everyHighByte || characters.isEmpty()) {
      ByteSet set = everyHighByte ? ascii.or(HIGH) : ascii;
      return new Node.Bytes(negated ? set.not() : set);
    }
    merge();
    if (negated) {
      complement();
    }
    List<Node> options = new ArrayList<>();
    options.add(new Node.Bytes(ascii));
    for (Range range : characters) {
      addUtf8(range.first, range.last, options);
    }
    return new Node.Choice(List.copyOf(options));
  }

  private void merge() {
    characters.sort(Comparator.comparingInt(Range::first));
    List<Range> merged = new ArrayList<>();
    for (Range range : characters) {
      Range last = merged.isEmpty() ? null : merged.getLast();
      if (last != null && range.first <= last.last + 1) {
        merged.set(merged.size() - 1, new Range(last.first, Math.max(last.last, range.last)));
      } else {
        merged.add(range);
      }
    }
    characters = merged;
  }

  private void complement() {
    ByteSet inverse = ascii.not();
    ascii = new ByteSet(inverse.w0(), inverse.w1(), 0, 0);
    List<Range> gaps = new ArrayList<>();
    int next = 128;
    for (Range range : characters) {
      if (range.first > next) {
        gaps.add(new Range(next, range.first - 1));
      }
      next = range.last + 1;
    }
    if (next <= Character.MAX_CODE_POINT) {
      gaps.add(new Range(next, Character.MAX_CODE_POINT));
    }
    characters = gaps;
  }

  /**
   * Adds the UTF-8 forms of a range: split where the number of bytes changes and where a
   * continuation byte does not run through its whole range, each piece is a sequence of byte
   * ranges.
   */
  private static void addUtf8(int first, int last, List<Node> options) {
    if (first <= LAST_SURROGATE && last >= FIRST_SURROGATE) {
      if (first < FIRST_SURROGATE) {
        addUtf8(first, FIRST_SURROGATE - 1, options);
      }
      if (last > LAST_SURROGATE) {
        addUtf8(LAST_SURROGATE + 1, last, options);
      }
      return;
    }
    for (int limit : new int[] {0x7ff, 0xffff}) {
      if (first <= limit && last > limit) {
        addUtf8(first, limit, options);
        addUtf8(limit + 1, last, options);
        return;
      }
    }
    int length = length(first);
    for (int i = 1; i < length; i++) {
      int mask = (1 << 6 * i) - 1;
      if ((first & ~mask) != (last & ~mask)) {
        if ((first & mask) != 0) {
          addUtf8(first, first | mask, options);
          addUtf8((first | mask) + 1, last, options);
          return;
        }
        if ((last & mask) != mask) {
          addUtf8(first, (last & ~mask) - 1, options);
          addUtf8(last & ~mask, last, options);
          return;
        }
      }
    }
    List<Node> bytes = new ArrayList<>();
    for (int i = 0; i < length; i++) {
      bytes.add(new Node.Bytes(ByteSet.range(byteOf(first, length, i), byteOf(last, length, i))));
    }
    options.add(new Node.Sequence(List.copyOf(bytes)));
  }

  private static int length(int c) {
    return c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  }

  private static int byteOf(int c, int length, int i) {
    int bits = c >>> 6 * (length - 1 - i);
    if (i > 0) {
      return 0x80 | bits & 0x3f;
    }
    return switch (length) {
      case 2 -> 0xc0 | bits;
      case 3 -> 0xe0 | bits;
      default -> 0xf0 | bits;
    };
  }
}
