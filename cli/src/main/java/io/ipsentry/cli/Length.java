package io.ipsentry.cli;

import io.ipsentry.config.Durations;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * How long something is to last.
 *
 * @param duration null: for ever
 */
record Length(@Nullable Duration duration) {

  /** Reads {@code 90s}, {@code 24h}, {@code 7d}, {@code permanent}. */
  static final class Converter implements ITypeConverter<Length> {
    @Override
    public Length convert(String text) {
      if (text.equals("permanent")) {
        return new Length(null);
      }
      Duration duration =
          Durations.parse(text)
              .filter(read -> !read.isZero())
              .orElseThrow(() ->
                  new TypeConversionException(
                      "'" + text + "' is no length; " + Durations.FORM + ", or permanent"));
      return new Length(duration);
    }
  }
}
