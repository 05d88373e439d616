package io.ipsentry.enforcer.kernel;

import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A ban as one iptables rule: {@code -s 192.0.2.7/32 -m time --datestop 2026-11-22T06:59:59 -j
 * DROP}. The kernel compares whole seconds of UTC, and the last one is included.
 *
 * @param endSecond when it ends, seconds since 1970; {@link #NEVER}
 */
record BanRule(IpPrefix prefix, long endSecond) {
  static final long NEVER = Long.MAX_VALUE;

  /** The kernel's match for time knows no later date than this, in 2038. */
  static final Instant LAST = Instant.parse("2038-01-18T00:00:00Z");

  private static final Pattern TEXT =
      Pattern.compile("-s (\\S+) (?:-m time --datestop (\\S+) )?-j (\\S+)");

  /** The ban that ends then, rounded up to a second. */
  static BanRule of(IpPrefix prefix, long untilMillis) {
    if (untilMillis == PacketFilter.FOR_EVER) {
      return new BanRule(prefix, NEVER);
    }
    return new BanRule(prefix, Math.min(Math.ceilDiv(untilMillis, 1_000L), LAST.getEpochSecond()));
  }

  /**
   * Reads a rule as {@code iptables-save} writes it; empty: it is none, or goes elsewhere.
   *
   * @param target where it must go
   */
  static Optional<BanRule> parse(String rule, String target) {
    Matcher matcher = TEXT.matcher(rule);
    if (!matcher.matches() || !matcher.group(3).equals(target)) {
      return Optional.empty();
    }
    try {
      String stop = matcher.group(2);
      return Optional.of(
          new BanRule(
              IpPrefix.parse(matcher.group(1)),
              stop == null ? NEVER : LocalDateTime.parse(stop).toEpochSecond(ZoneOffset.UTC) + 1));
    } catch (InvalidAddressException | DateTimeException e) {
      // Somebody else's rule; the caller says that it was there.
      return Optional.empty();
    }
  }

  /** The rule behind {@code -A CHAIN }. */
  String text(String target) {
    String source = "-s " + prefix + (prefix.isAddress() ? "/" + prefix.bits() : "");
    return source + " " + timeMatch() + "-j " + target;
  }

  /** The part that lets the rule end, with a space behind it; empty if it never ends. */
  String timeMatch() {
    if (endSecond == NEVER) {
      return "";
    }
    return "-m time --datestop "
        + DateTimeFormatter.ISO_LOCAL_DATE_TIME.format(
            LocalDateTime.ofEpochSecond(endSecond - 1, 0, ZoneOffset.UTC))
        + " ";
  }

  /** Milliseconds since 1970, or {@link PacketFilter#FOR_EVER}. */
  long untilMillis() {
    return endSecond == NEVER ? PacketFilter.FOR_EVER : endSecond * 1_000;
  }
}
