package io.ipsentry.line;

/**
 * Seconds since the epoch with an optional fraction ({@code 1795244400.123}, nginx {@code $msec},
 * Caddy {@code ts}), or milliseconds, microseconds or nanoseconds without one.
 *
 * <p>The unit follows from the number: below 10¹¹ it is seconds (until the year 5138), below 10¹⁴
 * milliseconds, below 10¹⁷ microseconds, else nanoseconds. Stateless.
 */
final class EpochTimestamp implements TimestampFormat {
  private static final long MAX_SECONDS = 100_000_000_000L;
  private static final long MAX_MILLIS = 1_000 * MAX_SECONDS;
  private static final long MAX_MICROS = 1_000 * MAX_MILLIS;
  private static final int MAX_DIGITS = 18 + 1;

  @Override
  public long parse(byte[] b, int from, int to) {
    int at = from;
    long whole = 0;
    while (at < to && b[at] >= '0' && b[at] <= '9') {
      if (at - from == MAX_DIGITS) {
        return RequestFacts.NO_TIME;
      }
      whole = whole * 10 + (b[at++] - '0');
    }
    if (at == from || whole < 0) {
      return RequestFacts.NO_TIME;
    }
    long fraction = 0;
    if (at < to) {
      if (b[at] != '.') {
        return RequestFacts.NO_TIME;
      }
      long weight = CivilTime.SECOND / 10;
      for (at++; at < to; at++) {
        int digit = b[at] - '0';
        if (digit < 0 || digit > 9) {
          return RequestFacts.NO_TIME;
        }
        fraction += digit * weight;
        weight /= 10;
      }
    }
    if (whole < MAX_SECONDS) {
      return whole * CivilTime.SECOND + fraction;
    }
    if (whole < MAX_MILLIS) {
      return whole;
    }
    return whole < MAX_MICROS ? whole / 1_000 : whole / 1_000_000;
  }
}
