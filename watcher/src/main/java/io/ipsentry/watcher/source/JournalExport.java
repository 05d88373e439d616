package io.ipsentry.watcher.source;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the Journal Export Format piece by piece.
 *
 * <p>An entry is fields and an empty line. A field is {@code NAME=value} and a newline, or, when
 * the value is not plain text, {@code NAME}, a newline, the length in 64 bits little endian, that
 * many bytes, and a newline (systemd, "Journal Export Formats"). Fields that were not asked for are
 * skipped, whatever their size; of the others the first bytes up to a limit are kept.
 */
final class JournalExport {
  private static final int MAX_NAME_BYTES = 64;

  private final Map<String, ByteText> wanted = new LinkedHashMap<>();
  private final ByteText name = new ByteText(MAX_NAME_BYTES + 1);
  private State state = State.NAME;
  private @Nullable ByteText value;
  private long left;
  private int lengthBytes;

  private enum State {
    NAME,
    TEXT,
    LENGTH,
    DATA,
    DATA_END
  }

  /** Asks for a field; its value is in the result after each entry. */
  ByteText want(String field, int limit) {
    ByteText text = new ByteText(limit);
    wanted.put(field, text);
    return text;
  }

  /** Forgets the entry that was begun, as after the stream was cut off. */
  void reset() {
    state = State.NAME;
    name.clear();
    clear();
  }

  /** Makes the fields ready for the next entry. */
  void clear() {
    wanted.values().forEach(ByteText::clear);
  }

  /**
   * Reads on until an entry is complete or the bytes are used up.
   *
   * @return index after the entry; complemented ({@code ~to}) when the bytes are used up before its
   *     end
   * @throws JournalFormatException if this is not the format
   */
  int next(byte[] b, int from, int to) {
    int at = from;
    while (at < to) {
      switch (state) {
        case NAME -> {
          byte c = b[at++];
          if (c == '\n') {
            if (name.isEmpty()) {
              return at;
            }
            begin(State.LENGTH);
          } else if (c == '=') {
            begin(State.TEXT);
          } else {
            name.append(b, at - 1, at);
          }
        }
        case TEXT -> {
          int newline = LineSplitter.indexOfNewline(b, at, to);
          int stop = newline < 0 ? to : newline;
          keep(b, at, stop);
          at = stop;
          if (newline >= 0) {
            at++;
            state = State.NAME;
          }
        }
        case LENGTH -> {
          left |= (b[at++] & 0xffL) << (8 * lengthBytes++);
          if (lengthBytes == Long.BYTES) {
            if (left < 0) {
              throw new JournalFormatException("a field of more than 2^63 bytes");
            }
            state = left == 0 ? State.DATA_END : State.DATA;
          }
        }
        case DATA -> {
          int n = (int) Math.min(left, to - at);
          keep(b, at, at + n);
          at += n;
          left -= n;
          if (left == 0) {
            state = State.DATA_END;
          }
        }
        case DATA_END -> {
          if (b[at++] != '\n') {
            throw new JournalFormatException("no newline after a field");
          }
          state = State.NAME;
        }
      }
    }
    return ~to;
  }

  private void begin(State next) {
    value = wanted.get(name.toString());
    name.clear();
    state = next;
    left = 0;
    lengthBytes = 0;
    if (value != null) {
      value.clear();
    }
  }

  private void keep(byte[] b, int from, int to) {
    if (value != null) {
      value.append(b, from, to);
    }
  }
}
