package io.ipsentry.line;

/** The Common Log Format stamp, {@code 21/Nov/2026:07:00:00 +0000}; stateless. */
final class ClfTimestamp implements TimestampFormat {
  static final int LENGTH = 26;

  @Override
  public long parse(byte[] b, int from, int to) {
    if (to - from != LENGTH
        || b[from + 2] != '/'
        || b[from + 6] != '/'
        || b[from + 11] != ':'
        || b[from + 20] != ' ') {
      return RequestFacts.NO_TIME;
    }
    int day = Digits.two(b, from);
    int month = CivilTime.month(b, from + 3);
    int year = Digits.four(b, from + 7);
    long time = CivilTime.timeOfDay(b, from + 12);
    long offset = CivilTime.offset(b, from + 21, to);
    if (year < 0 || !CivilTime.isDate(year, month, day) || time < 0 || offset == Long.MIN_VALUE) {
      return RequestFacts.NO_TIME;
    }
    return CivilTime.days(year, month, day) * CivilTime.DAY + time - offset;
  }
}
