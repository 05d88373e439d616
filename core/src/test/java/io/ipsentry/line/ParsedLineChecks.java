package io.ipsentry.line;

import java.util.Arrays;
import java.util.List;

/** What must hold for the facts of any line, however it came about. */
final class ParsedLineChecks {
  private ParsedLineChecks() {}

  /** Parses with a guard area around the line, and checks that every slice is within bounds. */
  static boolean parse(LineFormat format, byte[] input, RequestFacts facts) {
    byte[] b = new byte[input.length + 16];
    // What stands around a line must not matter: quotation marks would end open fields.
    Arrays.fill(b, (byte) '"');
    System.arraycopy(input, 0, b, 8, input.length);
    boolean parsed = format.parse(b, 8, 8 + input.length, facts);
    if (parsed) {
      check(format, b, input.length, facts);
    }
    return parsed;
  }

  @SuppressWarnings("ReferenceEquality") // which array it is tells where the field lies
  private static void check(LineFormat format, byte[] b, int length, RequestFacts facts) {
    for (Slice slice :
        List.of(
            facts.client(),
            facts.peer(),
            facts.forwardedFor(),
            facts.time(),
            facts.method(),
            facts.host(),
            facts.target(),
            facts.userAgent())) {
      boolean own = slice.array() == b;
      int low = own ? 8 : 0;
      int high = own ? 8 + length : slice.array().length;
      if (slice.isPresent() && (slice.from() < low || slice.to() > high)) {
        throw new AssertionError(
            "%s: slice [%d, %d) leaves [%d, %d)"
                .formatted(format.name(), slice.from(), slice.to(), low, high));
      }
      if (slice.length() > length) {
        throw new AssertionError(format.name() + ": a field is longer than its line");
      }
    }
    if (facts.status() < 0 || facts.status() > 999 || facts.originStatus() < 0) {
      throw new AssertionError(format.name() + ": status " + facts.status());
    }
    long at = facts.eventTimeMillis(Long.MAX_VALUE);
    if (!facts.time().isPresent() && at != RequestFacts.NO_TIME) {
      throw new AssertionError(format.name() + ": a time without a stamp");
    }
  }
}
