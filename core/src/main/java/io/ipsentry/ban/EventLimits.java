package io.ipsentry.ban;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/** Brings times and texts of an event within the limits that {@link BanEvent} names. */
final class EventLimits {
  private EventLimits() {}

  static Instant time(Instant time) {
    if (time.isBefore(Instant.EPOCH) || time.isAfter(BanEvent.MAX_TIME)) {
      throw new IllegalArgumentException("time of an event must be 1970 to 9999, is " + time);
    }
    return time.truncatedTo(ChronoUnit.MILLIS);
  }

  static @Nullable Instant until(@Nullable Instant until) {
    return until == null || !until.isBefore(BanEvent.MAX_TIME) ? null : time(until);
  }

  /** Names a change; one that was cut would be another's. */
  static String edit(String edit) {
    if (edit.isEmpty() || edit.length() > BanEvent.MAX_EDIT_CHARS) {
      throw new IllegalArgumentException(
          "edit must have 1 to " + BanEvent.MAX_EDIT_CHARS + " characters, has " + edit.length());
    }
    return text(edit, BanEvent.MAX_EDIT_CHARS);
  }

  /** Cut to a length, never within a surrogate pair; half pairs, which UTF-8 lacks, become '?'. */
  static String text(String text, int maxChars) {
    String cut = text;
    if (text.length() > maxChars) {
      int end = maxChars - 1;
      if (Character.isHighSurrogate(text.charAt(end - 1))) {
        end--;
      }
      cut = text.substring(0, end) + '…';
    }
    for (int i = 0; i < cut.length(); i++) {
      if (Character.isSurrogate(cut.charAt(i))) {
        return withoutHalfPairs(cut);
      }
    }
    return cut;
  }

  private static String withoutHalfPairs(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? '?' : c)
        .forEach(out::appendCodePoint);
    return out.toString();
  }
}
