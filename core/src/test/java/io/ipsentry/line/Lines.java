package io.ipsentry.line;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;

/** Short cuts for tests about lines. */
final class Lines {
  static final InstantSource CLOCK = InstantSource.fixed(Instant.parse("2026-11-21T07:10:00Z"));
  static final FormatOptions OPTIONS = FormatOptions.of(ZoneOffset.UTC, CLOCK);

  private Lines() {}

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /**
   * What the format makes of a line, as {@link LineCorpus#render} shows it; {@code no} for nothing.
   */
  static String parse(LineFormat format, String line) {
    RequestFacts facts = new RequestFacts();
    byte[] b = bytes(line);
    return format.parse(b, 0, b.length, facts) ? LineCorpus.render(facts) : "no";
  }

  static LocalZone utc() {
    return new LocalZone(ZoneOffset.UTC, CLOCK);
  }
}
