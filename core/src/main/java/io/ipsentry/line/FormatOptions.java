package io.ipsentry.line;

import java.time.InstantSource;
import java.time.ZoneId;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a format needs to know beside its name.
 *
 * @param regex expression with named groups, for the format {@code regex}; null: none
 * @param logRegex expression of the original ip-sentry, whose group 1 is the address and group 2
 *     the path, for the format {@code regex}; null: none
 * @param timeZone zone of stamps that name none (syslog, some JSON)
 * @param reference tells which year a stamp without one belongs to: the clock for a live source,
 *     for an old file when it was last written
 * @param chosen told the name of the format that {@code auto} settles on, each time it does
 */
public record FormatOptions(
    @Nullable String regex,
    @Nullable String logRegex,
    ZoneId timeZone,
    InstantSource reference,
    Consumer<String> chosen) {

  /** Options for formats other than {@code regex}. */
  public static FormatOptions of(ZoneId timeZone, InstantSource reference) {
    return new FormatOptions(null, null, timeZone, reference, name -> {});
  }

  /** The same with expressions. */
  public FormatOptions withRegex(@Nullable String newRegex, @Nullable String newLogRegex) {
    return new FormatOptions(newRegex, newLogRegex, timeZone, reference, chosen);
  }

  /** The same with somebody to tell what {@code auto} chose. */
  public FormatOptions withChosen(Consumer<String> newChosen) {
    return new FormatOptions(regex, logRegex, timeZone, reference, newChosen);
  }
}
