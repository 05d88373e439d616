package io.ipsentry.line;

/**
 * The stamp of the BSD syslog protocol, {@code Nov 21 07:00:00} (RFC 3164 section 4.1.2): local
 * time, no year; with a fraction as some daemons write it.
 *
 * <p>The year is the one that puts the stamp nearest below "a day ahead of the reference": December
 * read in January is last year's, and a clock that is a little ahead at New Year is next year's. 29
 * February belongs to the last leap year.
 */
final class SyslogTimestamp implements TimestampFormat {
  /** Length of {@code Nov 21 07:00:00}. */
  static final int LENGTH = 15;

  private static final int YEARS_TO_A_LEAP_DAY = 8;

  private final LocalZone zone;
  private long referenceDay = Long.MIN_VALUE;
  private int referenceYear;

  SyslogTimestamp(LocalZone zone) {
    this.zone = zone;
  }

  @Override
  public long parse(byte[] b, int from, int to) {
    if (to - from < LENGTH || b[from + 3] != ' ' || b[from + 6] != ' ') {
      return RequestFacts.NO_TIME;
    }
    int month = CivilTime.month(b, from);
    int day = b[from + 4] == ' ' ? Digits.number(b, from + 5, from + 6) : Digits.two(b, from + 4);
    long time = CivilTime.timeOfDay(b, from + 7);
    if (!CivilTime.isDate(2000, month, day) || time < 0) {
      return RequestFacts.NO_TIME;
    }
    if (to - from > LENGTH) {
      if (b[from + LENGTH] != '.' || to - from == LENGTH + 1) {
        return RequestFacts.NO_TIME;
      }
      long weight = CivilTime.SECOND / 10;
      for (int i = from + LENGTH + 1; i < to; i++) {
        int digit = b[i] - '0';
        if (digit < 0 || digit > 9) {
          return RequestFacts.NO_TIME;
        }
        time += digit * weight;
        weight /= 10;
      }
    }
    return withYear(month, day, time);
  }

  private long withYear(int month, int day, long time) {
    long reference = zone.referenceMillis();
    long today = Math.floorDiv(reference, CivilTime.DAY);
    if (today != referenceDay) {
      referenceDay = today;
      referenceYear = zone.referenceYear();
    }
    int first = referenceYear + 1;
    for (int year = first; year > first - YEARS_TO_A_LEAP_DAY - 2; year--) {
      if (CivilTime.isDate(year, month, day)) {
        long local = CivilTime.days(year, month, day) * CivilTime.DAY + time;
        if (zone.candidate(local) <= reference + CivilTime.DAY) {
          return zone.toEpochMillis(local);
        }
      }
    }
    return RequestFacts.NO_TIME;
  }
}
