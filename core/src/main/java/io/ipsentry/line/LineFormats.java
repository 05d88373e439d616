package io.ipsentry.line;

import java.util.List;
import java.util.Locale;

/**
 * The formats by name.
 *
 * <p>A format keeps state (scratch space, what {@code auto} chose, sshd's connections), so every
 * stream gets its own.
 */
public final class LineFormats {
  /** A guess further than this from what was written helps nobody. */
  private static final int MAX_DISTANCE = 3;

  private static final String REGEX = "regex";
  private static final String FAIL2BAN = "fail2ban";
  private static final List<String> NAMES =
      List.of(
          "auto",
          "common",
          "combined",
          "vhost_combined",
          "ngf-json",
          "traefik-clf",
          "traefik-json",
          "envoy",
          "envoy-gateway-json",
          "caddy-json",
          "sshd",
          REGEX,
          FAIL2BAN);

  private LineFormats() {}

  /** All names, {@code auto} first. */
  public static List<String> names() {
    return NAMES;
  }

  /**
   * A decoder for one stream: the named format, with container wrappers recognised by themselves.
   *
   * @throws InvalidFormatException when there is no such format, or its options do not serve it
   */
  public static LineDecoder decoder(String name, FormatOptions options) {
    LocalZone zone = new LocalZone(options.timeZone(), options.reference());
    return new LineDecoder(named(name, options), zone);
  }

  /** A decoder for one stream of a format that has no name here. */
  public static LineDecoder decoder(LineFormat format, LocalZone zone) {
    return new LineDecoder(format, zone);
  }

  /**
   * A new instance of a format, for lines without a container wrapper.
   *
   * @throws InvalidFormatException when there is no such format, or its options do not serve it
   */
  public static LineFormat named(String name, FormatOptions options) {
    if (!name.equals(REGEX) && (options.regex() != null || options.logRegex() != null)) {
      throw new InvalidFormatException(
          "format \""
              + name
              + "\" takes no expression; write format: regex, or drop the expression");
    }
    LocalZone zone = new LocalZone(options.timeZone(), options.reference());
    TimestampFormat anyTime = new AnyTimestamp(zone);
    return switch (name) {
      case "auto" -> AutoFormat.of(options);
      case "common" -> new CombinedFormat(CombinedFormat.Variant.COMMON, false);
      case "combined" -> new CombinedFormat(CombinedFormat.Variant.COMBINED, false);
      case "vhost_combined" -> new CombinedFormat(CombinedFormat.Variant.VHOST_COMBINED, false);
      case "ngf-json" -> new NginxJsonFormat(anyTime);
      case "traefik-clf" -> new TraefikClfFormat(false);
      case "traefik-json" -> new TraefikJsonFormat(anyTime);
      case "envoy" -> new EnvoyTextFormat(zone);
      case "envoy-gateway-json" -> new EnvoyGatewayJsonFormat(anyTime, false);
      case "caddy-json" -> new CaddyJsonFormat(anyTime);
      case "sshd" -> new SshdFormat(zone);
      case REGEX -> regex(options, anyTime);
      case FAIL2BAN ->
          throw new InvalidFormatException(
              "format fail2ban: lines are read by a filter; name a source of the configuration"
                  + " that has one");
      default -> throw new InvalidFormatException(unknown(name));
    };
  }

  private static LineFormat regex(FormatOptions options, TimestampFormat time) {
    String regex = options.regex();
    String logRegex = options.logRegex();
    if (regex != null && logRegex == null) {
      return RegexFormat.named(regex, time);
    }
    if (logRegex != null && regex == null) {
      return RegexFormat.numbered(logRegex, time);
    }
    throw new InvalidFormatException(
        "format regex: give one expression, as regex (named groups) or as logRegex (group 1 the"
            + " address, group 2 the path)");
  }

  private static String unknown(String name) {
    String nearest = "";
    int best = MAX_DISTANCE + 1;
    for (String known : NAMES) {
      boolean begun = name.length() > 1 && known.startsWith(name.toLowerCase(Locale.ROOT));
      int distance = begun ? 1 : distance(name, known);
      if (distance < best) {
        best = distance;
        nearest = known;
      }
    }
    String guess = nearest.isEmpty() ? "" : "did you mean " + nearest + "? ";
    return "unknown format \"" + name + "\"; " + guess + "known: " + String.join(", ", NAMES);
  }

  /** Insertions, deletions and changes of one character that make {@code b} of {@code a}. */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j < row.length; j++) {
        char left = Character.toLowerCase(a.charAt(i - 1));
        int changed = diagonal + (left == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(changed, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }
}
