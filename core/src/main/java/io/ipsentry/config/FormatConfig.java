package io.ipsentry.config;

import io.ipsentry.fail2ban.Filter;
import org.jspecify.annotations.Nullable;

/**
 * How the lines of a source are written.
 *
 * @param name one of the formats of {@code LineFormats}, such as {@code auto} or {@code combined}
 * @param regex expression with named groups ({@code addr}, {@code time}, {@code path}, {@code
 *     status}, …), for the format {@code regex} only; null: none
 * @param logRegex expression of the original ip-sentry, whose group 1 is the address and group 2
 *     the path, for the format {@code regex} only; null: none
 * @param filter what is a failure, for the format {@code fail2ban} only; null: none
 */
public record FormatConfig(
    String name, @Nullable String regex, @Nullable String logRegex, @Nullable Filter filter) {
  /** Recognised from the first lines. */
  public static final FormatConfig AUTO = new FormatConfig("auto", null, null);

  /** Of a source that takes entries of Envoy's access-log service, which are no lines. */
  public static final FormatConfig ACCESS_LOG_SERVICE = new FormatConfig("als", null, null);

  /** A format that needs no filter. */
  public FormatConfig(String name, @Nullable String regex, @Nullable String logRegex) {
    this(name, regex, logRegex, null);
  }

  /** Lines that a filter reads. */
  static FormatConfig of(Filter filter) {
    return new FormatConfig("fail2ban", null, null, filter);
  }
}
