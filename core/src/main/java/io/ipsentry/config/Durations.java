package io.ipsentry.config;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Durations and byte sizes as people write them: {@code 90s}, {@code 2m}, {@code 24h}, {@code 7d},
 * {@code 2w}, {@code 1h30m}; a bare number is seconds, as in fail2ban and the original's values.
 */
public final class Durations {
  /** Longest duration: anything longer is meant to be permanent. */
  public static final Duration MAX = Duration.ofDays(36_500);

  /** What messages say about the form. */
  public static final String FORM = "write a number with a unit, such as 90s, 2m, 24h, 7d or 1h30m";

  private static final Pattern WHOLE = Pattern.compile("(?:\\d{1,10}[smhdw])+");
  private static final Pattern PART = Pattern.compile("(\\d{1,10})([smhdw])");
  private static final Pattern SECONDS = Pattern.compile("\\d{1,10}");
  private static final Pattern SIZE = Pattern.compile("(\\d{1,12}) ?(B|KiB|MiB|GiB)?");

  private Durations() {}

  /** Reads a duration; empty when it is none or longer than {@link #MAX}. */
  public static Optional<Duration> parse(String text) {
    if (SECONDS.matcher(text).matches()) {
      return bounded(Duration.ofSeconds(Long.parseLong(text)));
    }
    if (!WHOLE.matcher(text).matches() || text.length() > 64) {
      return Optional.empty();
    }
    Duration sum = Duration.ZERO;
    Matcher parts = PART.matcher(text);
    while (parts.find()) {
      long number = Long.parseLong(parts.group(1));
      sum =
          sum.plus(
              switch (parts.group(2).charAt(0)) {
                case 's' -> Duration.ofSeconds(number);
                case 'm' -> Duration.ofMinutes(number);
                case 'h' -> Duration.ofHours(number);
                case 'd' -> Duration.ofDays(number);
                default -> Duration.ofDays(number * 7);
              });
    }
    return bounded(sum);
  }

  private static Optional<Duration> bounded(Duration duration) {
    return duration.compareTo(MAX) > 0 ? Optional.empty() : Optional.of(duration);
  }

  /** Reads a size in bytes: {@code 64MiB}, {@code 512 KiB}, or a bare number of bytes. */
  static Optional<Long> parseBytes(String text) {
    Matcher size = SIZE.matcher(text);
    if (!size.matches()) {
      return Optional.empty();
    }
    long number = Long.parseLong(size.group(1));
    String unit = size.group(2) == null ? "B" : size.group(2);
    int shift =
        switch (unit) {
          case "KiB" -> 10;
          case "MiB" -> 20;
          case "GiB" -> 30;
          default -> 0;
        };
    return number > Long.MAX_VALUE >> shift ? Optional.empty() : Optional.of(number << shift);
  }

  /** A duration in the form that is read here, in its largest exact units. */
  public static String format(Duration duration) {
    long seconds = duration.toSeconds();
    if (seconds == 0) {
      return "0s";
    }
    StringBuilder text = new StringBuilder();
    long[] lengths = {86_400, 3_600, 60, 1};
    for (int i = 0; i < lengths.length; i++) {
      if (seconds >= lengths[i]) {
        text.append(seconds / lengths[i]).append("dhms".charAt(i));
        seconds %= lengths[i];
      }
    }
    return text.toString();
  }
}
