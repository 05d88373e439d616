package io.ipsentry.cli;

import io.ipsentry.config.Durations;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Times and durations as people read and write them. All times are UTC, as in the events. */
final class Times {
  private static final DateTimeFormatter SECONDS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

  private Times() {}

  /** A time to the second, such as {@code 2026-11-21 07:00:00Z}. */
  static String format(Instant time) {
    return SECONDS.format(time);
  }

  /** The end of something: a time, or {@code permanent}. */
  static String end(@Nullable Instant until) {
    return until == null ? "permanent" : format(until);
  }

  /** How long until something ends, such as {@code 23h 59m}; {@code permanent} for ever. */
  static String left(Instant now, @Nullable Instant until) {
    return until == null ? "permanent" : format(Duration.between(now, until));
  }

  /** A duration in its two largest units, such as {@code 23h 59m}, {@code 7d} or {@code 0s}. */
  static String format(Duration duration) {
    long seconds = Math.max(0, duration.toSeconds());
    long[] lengths = {86_400, 3_600, 60, 1};
    for (int i = 0; i < lengths.length; i++) {
      if (seconds >= lengths[i]) {
        String text = seconds / lengths[i] + unit(i);
        long rest = i + 1 < lengths.length ? seconds % lengths[i] / lengths[i + 1] : 0;
        return rest == 0 ? text : text + " " + rest + unit(i + 1);
      }
    }
    return "0s";
  }

  private static String unit(int index) {
    return String.valueOf("dhms".charAt(index));
  }

  /**
   * Reads a time: RFC 3339, the same without a zone (then UTC), a date alone, or how long ago it
   * was ({@code 2h}, {@code 7d}). Empty when it is none of them.
   */
  static Optional<Instant> parse(String text, Instant now) {
    Optional<Duration> ago = Durations.parse(text.startsWith("-") ? text.substring(1) : text);
    if (ago.isPresent()) {
      return Optional.of(now.minus(ago.get()));
    }
    String iso = text.length() > 10 && text.charAt(10) == ' ' ? text.replaceFirst(" ", "T") : text;
    try {
      if (iso.indexOf('T') < 0) {
        return Optional.of(LocalDate.parse(iso).atStartOfDay(ZoneOffset.UTC).toInstant());
      }
      boolean zoned =
          iso.endsWith("Z")
              || iso.endsWith("z")
              || iso.lastIndexOf('+') > 10
              || iso.lastIndexOf('-') > 10;
      return Optional.of(
          zoned
              ? OffsetDateTime.parse(iso).toInstant()
              : LocalDateTime.parse(iso).toInstant(ZoneOffset.UTC));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }
}
