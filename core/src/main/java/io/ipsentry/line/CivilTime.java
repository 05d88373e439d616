package io.ipsentry.line;

/**
 * Dates of the proleptic Gregorian calendar as days and milliseconds since 1970-01-01T00:00Z, by
 * arithmetic alone, so that reading a stamp allocates nothing and needs no cache.
 *
 * <p>Days are counted in 400-year eras that begin in March, so that the leap day is the last of its
 * year (H. Hinnant, chrono-compatible low-level date algorithms).
 */
final class CivilTime {
  static final long SECOND = 1_000;
  static final long MINUTE = 60 * SECOND;
  static final long HOUR = 60 * MINUTE;
  static final long DAY = 24 * HOUR;
  private static final long YEARS_PER_ERA = 400;
  private static final long DAYS_PER_ERA = 146_097;
  private static final long DAYS_TO_EPOCH = 719_468;

  private CivilTime() {}

  /** Days since the epoch; the date must be valid. */
  static long days(int year, int month, int day) {
    long y = month <= 2 ? year - 1L : year;
    long era = Math.floorDiv(y, YEARS_PER_ERA);
    long yearOfEra = y - era * YEARS_PER_ERA;
    long monthFromMarch = (month + 9L) % 12;
    long dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1;
    long dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
    return era * DAYS_PER_ERA + dayOfEra - DAYS_TO_EPOCH;
  }

  /** Whether there is such a day; February has 29 in leap years only. */
  static boolean isDate(int year, int month, int day) {
    return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
  }

  static boolean isLeap(int year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  }

  private static int daysIn(int year, int month) {
    return switch (month) {
      case 2 -> isLeap(year) ? 29 : 28;
      case 4, 6, 9, 11 -> 30;
      default -> 31;
    };
  }

  /**
   * Milliseconds since midnight, or −1 when out of range; second 60 (a leap second) counts as 59.
   */
  static long timeOfDay(int hour, int minute, int second) {
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) {
      return -1;
    }
    return hour * HOUR + minute * MINUTE + Math.min(second, 59) * SECOND;
  }

  /**
   * Reads {@code hh:mm:ss} at {@code at} as milliseconds since midnight, or −1; the eight bytes
   * must be there.
   */
  static long timeOfDay(byte[] b, int at) {
    if (b[at + 2] != ':' || b[at + 5] != ':') {
      return -1;
    }
    return timeOfDay(Digits.two(b, at), Digits.two(b, at + 3), Digits.two(b, at + 6));
  }

  /**
   * Month 1 to 12 from the English three-letter name at {@code at}, or −1; case does not matter.
   */
  static int month(byte[] b, int at) {
    int key = (b[at] | 0x20) << 16 | (b[at + 1] | 0x20) << 8 | b[at + 2] | 0x20;
    return switch (key) {
      case 'j' << 16 | 'a' << 8 | 'n' -> 1;
      case 'f' << 16 | 'e' << 8 | 'b' -> 2;
      case 'm' << 16 | 'a' << 8 | 'r' -> 3;
      case 'a' << 16 | 'p' << 8 | 'r' -> 4;
      case 'm' << 16 | 'a' << 8 | 'y' -> 5;
      case 'j' << 16 | 'u' << 8 | 'n' -> 6;
      case 'j' << 16 | 'u' << 8 | 'l' -> 7;
      case 'a' << 16 | 'u' << 8 | 'g' -> 8;
      case 's' << 16 | 'e' << 8 | 'p' -> 9;
      case 'o' << 16 | 'c' << 8 | 't' -> 10;
      case 'n' << 16 | 'o' << 8 | 'v' -> 11;
      case 'd' << 16 | 'e' << 8 | 'c' -> 12;
      default -> -1;
    };
  }

  /**
   * Reads a zone offset, {@code Z}, {@code +hh:mm}, {@code +hhmm} or {@code +hh} up to ±18:00, as
   * milliseconds east of UTC.
   *
   * @return {@link Long#MIN_VALUE} when {@code [from, to)} is none
   */
  static long offset(byte[] b, int from, int to) {
    int length = to - from;
    if (length == 1 && (b[from] | 0x20) == 'z') {
      return 0;
    }
    if (length < 3 || length == 4 || length > 6 || b[from] != '+' && b[from] != '-') {
      return Long.MIN_VALUE;
    }
    int hours = Digits.two(b, from + 1);
    int minutes = length == 3 ? 0 : Digits.two(b, to - 2);
    boolean colon = length != 6 || b[from + 3] == ':';
    if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59 || !colon) {
      return Long.MIN_VALUE;
    }
    long millis = hours * HOUR + minutes * MINUTE;
    if (millis > 18 * HOUR) {
      return Long.MIN_VALUE;
    }
    return b[from] == '-' ? -millis : millis;
  }
}
