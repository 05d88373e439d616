package io.ipsentry.fail2ban;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Zones as stamps name them: {@code Z}, {@code UTC}, {@code GMT}, an offset, or a common
 * abbreviation, which stands for one offset all the year round.
 */
final class ZoneNames {
  private static final Pattern FORM =
      Pattern.compile("([A-Z]{0,5})(?:([+-])(\\d\\d)(?::?(\\d\\d))?)?");
  private static final int HOUR = 3_600;

  private static final Map<String, Integer> HALF_HOURS =
      Map.ofEntries(
          Map.entry("", 0),
          Map.entry("Z", 0),
          Map.entry("UTC", 0),
          Map.entry("GMT", 0),
          Map.entry("WET", 0),
          Map.entry("WEST", 2),
          Map.entry("CET", 2),
          Map.entry("CEST", 4),
          Map.entry("EET", 4),
          Map.entry("EEST", 6),
          Map.entry("MSK", 6),
          Map.entry("SAST", 4),
          Map.entry("JST", 18),
          Map.entry("KST", 18),
          Map.entry("HKT", 16),
          Map.entry("SGT", 16),
          Map.entry("AWST", 16),
          Map.entry("ACST", 19),
          Map.entry("AEST", 20),
          Map.entry("AEDT", 22),
          Map.entry("NZST", 24),
          Map.entry("NZDT", 26),
          Map.entry("NST", -7),
          Map.entry("AST", -8),
          Map.entry("ADT", -6),
          Map.entry("EST", -10),
          Map.entry("EDT", -8),
          Map.entry("CST", -12),
          Map.entry("CDT", -10),
          Map.entry("MST", -14),
          Map.entry("MDT", -12),
          Map.entry("PST", -16),
          Map.entry("PDT", -14),
          Map.entry("AKST", -18),
          Map.entry("AKDT", -16),
          Map.entry("HST", -20),
          Map.entry("BRT", -6),
          Map.entry("ART", -6));

  private ZoneNames() {}

  /** Seconds east of UTC; {@link DateFields#NO_OFFSET} when the zone is not known. */
  static int offsetSeconds(String text) {
    Matcher form = FORM.matcher(text.strip().toUpperCase(Locale.ROOT));
    Integer halfHours = form.matches() ? HALF_HOURS.get(form.group(1)) : null;
    if (halfHours == null) {
      return DateFields.NO_OFFSET;
    }
    int seconds = halfHours * HOUR / 2;
    if (form.group(2) == null) {
      return seconds;
    }
    int hours = Integer.parseInt(form.group(3));
    int minutes = form.group(4) == null ? 0 : Integer.parseInt(form.group(4));
    int offset = hours * HOUR + minutes * 60;
    return seconds + (form.group(2).equals("-") ? -offset : offset);
  }
}
