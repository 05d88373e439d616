package io.ipsentry.fail2ban;

import io.ipsentry.line.LocalZone;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.pattern.CaptureMatcher;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Makes an instant of what a date pattern matched.
 *
 * <p>A year of two digits is one of this century. Without a year it is the one that puts the stamp
 * nearest below a day ahead of the reference; without a day it is today, or yesterday for a time of
 * day that is still to come. Without a zone it is that of the source. Confined to one thread.
 */
final class DateFields {
  static final long NO_TIME = RequestFacts.NO_TIME;

  /** A stamp names no zone. */
  static final int NO_OFFSET = Integer.MIN_VALUE;

  private static final long LATEST = Instant.parse("9999-12-31T00:00:00Z").toEpochMilli();
  private static final long DAY = Duration.ofDays(1).toMillis();
  private static final int YEARS_TO_A_LEAP_DAY = 8;

  private final LocalZone zone;

  /**
   * @param zone of stamps that name none
   */
  DateFields(LocalZone zone) {
    this.zone = zone;
  }

  /**
   * Epoch milliseconds, or {@link #NO_TIME} when the fields are no time, or one before 1970 or
   * behind the year 9999.
   */
  long millis(DatePattern pattern, CaptureMatcher match, byte[] b) {
    long millis = unbounded(pattern, match, b);
    return millis < 0 || millis > LATEST ? NO_TIME : millis;
  }

  private long unbounded(DatePattern pattern, CaptureMatcher match, byte[] b) {
    String value = text(match, b, pattern.valueGroup());
    return switch (pattern.kind()) {
      case EPOCH -> epoch(value, false);
      case LONG_EPOCH -> epoch(value, true);
      case TAI64N -> tai(value);
      case FIELDS -> fields(pattern.pattern().groupNames(), match, b);
    };
  }

  private static String text(CaptureMatcher match, byte[] b, int group) {
    int start = match.start(group);
    return start < 0 ? "" : new String(b, start, match.end(group) - start, StandardCharsets.UTF_8);
  }

  /** {@code @}, 64 bits of seconds from 2^62 on, 32 bits of nanoseconds; in hex. */
  private static long tai(String text) {
    long seconds = text.length() < 17 ? -1 : Long.parseLong(text.substring(2, 17), 16);
    return seconds > LATEST / 1_000 ? NO_TIME : seconds * 1_000;
  }

  private static long epoch(String text, boolean isLong) {
    if (!text.matches("[0-9]{1,17}(\\.[0-9]{1,9})?")) {
      return NO_TIME;
    }
    double value = Double.parseDouble(text);
    if (isLong && text.length() >= 16 && text.indexOf('.') < 0) {
      return Math.round(value / 1_000);
    }
    return isLong && text.length() >= 13 ? Math.round(value) : Math.round(value * 1_000);
  }

  private long fields(Map<String, Integer> groups, CaptureMatcher match, byte[] b) {
    Fields fields = new Fields();
    for (Map.Entry<String, Integer> group : groups.entrySet()) {
      if (match.start(group.getValue()) >= 0) {
        fields.set(group.getKey(), text(match, b, group.getValue()));
      }
    }
    return fields.isAny && !fields.isWrong ? instant(fields) : NO_TIME;
  }

  private static final class Fields {
    private boolean isAny;
    private boolean isWrong;
    private int year = -1;
    private int month = -1;
    private int day = -1;
    private int dayOfYear = -1;
    private int hour;
    private boolean twelveHours;
    private String half = "";
    private int minute;
    private int second;
    private long fraction;
    private int offsetSeconds = NO_OFFSET;

    void set(String letter, String text) {
      switch (letter) {
        case "Y" -> year = number(text);
        case "y" -> year = 2_000 + number(text);
        case "m" -> month = number(text);
        case "b" -> month = month(DateWords.MONTHS, text);
        case "B" -> month = month(DateWords.MONTH_NAMES, text);
        case "d" -> day = number(text);
        case "j" -> dayOfYear = number(text);
        case "H" -> hour = number(text);
        case "I" -> {
          hour = number(text);
          twelveHours = true;
        }
        case "p" -> half = text.toLowerCase(Locale.ROOT);
        case "M" -> minute = number(text);
        case "S" -> second = Math.min(number(text), 59);
        case "f" -> fraction = number((text + "000").substring(0, 3));
        case "z", "Z" -> offsetSeconds = ZoneNames.offsetSeconds(text);
        default -> {
          return;
        }
      }
      isAny = true;
    }

    /** A number of the text, which an expression of the filter's own may have let through. */
    private int number(String text) {
      String digits = text.strip();
      boolean isNumber = !digits.isEmpty() && digits.length() <= 9;
      for (int i = 0; i < digits.length(); i++) {
        isNumber &= digits.charAt(i) >= '0' && digits.charAt(i) <= '9';
      }
      isWrong |= !isNumber;
      return isNumber ? Integer.parseInt(digits) : 0;
    }

    private int month(List<String> names, String text) {
      int index = names.indexOf(text.toLowerCase(Locale.ROOT));
      isWrong |= index < 0;
      return index + 1;
    }

    int hourOfDay() {
      return twelveHours ? hour % 12 + (half.equals("pm") ? 12 : 0) : hour;
    }
  }

  private long instant(Fields fields) {
    try {
      if (fields.dayOfYear > 0 && fields.month < 0) {
        int year = fields.year < 0 ? zone.referenceYear() : fields.year;
        LocalDate date = LocalDate.ofYearDay(year, fields.dayOfYear);
        return millis(fields, date.getYear(), date.getMonthValue(), date.getDayOfMonth());
      }
      if (fields.month < 0 && fields.day < 0) {
        return today(fields);
      }
      int month = Math.max(fields.month, 1);
      int day = Math.max(fields.day, 1);
      return fields.year < 0
          ? withoutYear(fields, month, day)
          : millis(fields, fields.year, month, day);
    } catch (DateTimeException _) {
      // A date that does not exist, such as 31 February: the line has no time.
      return NO_TIME;
    }
  }

  private long today(Fields fields) {
    long reference = zone.referenceMillis();
    LocalDate today =
        LocalDate.ofEpochDay(Math.floorDiv(reference + offsetMillis(fields, reference), DAY));
    long at = millis(fields, today.getYear(), today.getMonthValue(), today.getDayOfMonth());
    if (at <= reference) {
      return at;
    }
    LocalDate before = today.minusDays(1);
    return millis(fields, before.getYear(), before.getMonthValue(), before.getDayOfMonth());
  }

  private long withoutYear(Fields fields, int month, int day) {
    long latest = zone.referenceMillis() + DAY;
    int first = zone.referenceYear() + 1;
    for (int year = first; year > first - YEARS_TO_A_LEAP_DAY - 2; year--) {
      boolean exists = month != 2 || day != 29 || LocalDate.of(year, 1, 1).isLeapYear();
      if (exists) {
        long at = millis(fields, year, month, day);
        if (at <= latest) {
          return at;
        }
      }
    }
    return NO_TIME;
  }

  private long millis(Fields fields, int year, int month, int day) {
    long local =
        LocalDateTime.of(year, month, day, fields.hourOfDay(), fields.minute, fields.second)
                    .toEpochSecond(ZoneOffset.UTC)
                * 1_000
            + fields.fraction;
    int offset = fields.offsetSeconds;
    return offset == NO_OFFSET ? zone.candidate(local) : local - offset * 1_000L;
  }

  private long offsetMillis(Fields fields, long reference) {
    int offset = fields.offsetSeconds;
    return offset == NO_OFFSET ? zone.offsetMillis(reference) : offset * 1_000L;
  }
}
