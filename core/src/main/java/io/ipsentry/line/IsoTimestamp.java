package io.ipsentry.line;

/**
 * RFC 3339 and the common ISO 8601 forms: {@code 2026-11-21T07:00:00.123456789Z}, with {@code T},
 * {@code t} or a space between date and time, any length of fraction behind {@code .} or {@code ,}
 * (cut to milliseconds), and {@code Z}, {@code ±hh:mm}, {@code ±hhmm} or {@code ±hh}, also behind a
 * space. A stamp without a zone is local time.
 */
final class IsoTimestamp implements TimestampFormat {
  /** Length of {@code 2026-11-21T07:00:00}. */
  private static final int SECONDS_LENGTH = 19;

  private final LocalZone zone;

  IsoTimestamp(LocalZone zone) {
    this.zone = zone;
  }

  @Override
  public long parse(byte[] b, int from, int to) {
    if (to - from < SECONDS_LENGTH || b[from + 4] != '-' || b[from + 7] != '-') {
      return RequestFacts.NO_TIME;
    }
    byte between = b[from + 10];
    int year = Digits.four(b, from);
    int month = Digits.two(b, from + 5);
    int day = Digits.two(b, from + 8);
    long time = CivilTime.timeOfDay(b, from + 11);
    if (between != 'T' && between != 't' && between != ' '
        || year < 0
        || !CivilTime.isDate(year, month, day)
        || time < 0) {
      return RequestFacts.NO_TIME;
    }
    long millis = CivilTime.days(year, month, day) * CivilTime.DAY + time;
    int at = from + SECONDS_LENGTH;
    if (at < to && (b[at] == '.' || b[at] == ',')) {
      long weight = CivilTime.SECOND / 10;
      int start = ++at;
      while (at < to && b[at] >= '0' && b[at] <= '9') {
        millis += (b[at++] - '0') * weight;
        weight /= 10;
      }
      if (at == start) {
        return RequestFacts.NO_TIME;
      }
    }
    if (at == to) {
      return zone.toEpochMillis(millis);
    }
    if (b[at] == ' ' && at + 1 < to) {
      at++;
    }
    long offset = CivilTime.offset(b, at, to);
    return offset == Long.MIN_VALUE ? RequestFacts.NO_TIME : millis - offset;
  }
}
