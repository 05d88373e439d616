package io.ipsentry.watcher.source;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.Arrays;

/**
 * Reads the stamp that the kubelet puts before each line: {@code 2026-11-21T07:00:00.123456789Z},
 * or with an offset. What is the same within a second is read once. Confined to one thread.
 */
final class RuntimeStamp {
  /** Length of {@code 2026-11-21T07:00:00}. */
  private static final int SECOND = 19;

  private static final int LONGEST = 36;
  private static final int MICRO_DIGITS = 6;
  private static final long MICROS = 1_000_000;

  private final byte[] lastSecond = new byte[SECOND];
  private byte[] lastZone = {};
  private long lastEpoch;
  private boolean known;
  private int end;
  private long micros;

  /** Reads the stamp at the start of {@code [from, to)}; false: there is none. */
  boolean read(byte[] b, int from, int to) {
    int space = from;
    int limit = Math.min(to, from + LONGEST);
    while (space < limit && b[space] != ' ') {
      space++;
    }
    if (space == limit || space - from <= SECOND || b[from + 10] != 'T') {
      return false;
    }
    int zone = from + SECOND;
    long fraction = 0;
    if (b[zone] == '.') {
      int digits = 0;
      for (zone++; zone < space && b[zone] >= '0' && b[zone] <= '9'; zone++) {
        if (digits < MICRO_DIGITS) {
          fraction = fraction * 10 + b[zone] - '0';
          digits++;
        }
      }
      for (; digits < MICRO_DIGITS; digits++) {
        fraction *= 10;
      }
    }
    if (!second(b, from, zone, space)) {
      return false;
    }
    micros = lastEpoch * MICROS + fraction;
    end = space + 1;
    return true;
  }

  private boolean second(byte[] b, int from, int zone, int space) {
    if (known
        && Arrays.equals(b, from, from + SECOND, lastSecond, 0, SECOND)
        && Arrays.equals(b, zone, space, lastZone, 0, lastZone.length)) {
      return true;
    }
    known = false;
    try {
      String text =
          new String(b, from, SECOND, StandardCharsets.ISO_8859_1)
              + new String(b, zone, space - zone, StandardCharsets.ISO_8859_1);
      lastEpoch = OffsetDateTime.parse(text).toEpochSecond();
    } catch (DateTimeException e) {
      return false;
    }
    System.arraycopy(b, from, lastSecond, 0, SECOND);
    lastZone = Arrays.copyOfRange(b, zone, space);
    known = true;
    return true;
  }

  /** Index behind the stamp and its space, after {@link #read} said true. */
  int end() {
    return end;
  }

  /** The stamp in microseconds since the epoch. */
  long micros() {
    return micros;
  }

  /** Its second since the epoch. */
  long second() {
    return lastEpoch;
  }
}
