package io.ipsentry.fail2ban;

import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Turns an expression of a filter into one for our engine: the tags of fail2ban become groups.
 *
 * <p>{@code <HOST>}, {@code <ADDR>}, {@code <IP4>}, {@code <IP6>}, {@code <SUBNET>} take what looks
 * like an address in a form that an automaton can run (no look-behind); whether it is one is
 * decided by the address parser afterwards. {@code <F-NAME>…</F-NAME>} is a group of that name in
 * lower case. Stateless.
 */
final class RegexTranslation {
  /** Groups that say whom a failure belongs to. */
  static final Set<String> IDENTITIES = Set.of("fid", "ip4", "ip6", "dns", "mlfid");

  private static final Pattern TAG = Pattern.compile("</?[\\w-]+/?>");
  private static final Pattern FAILURE_TAG = Pattern.compile("(/?)F-([A-Z0-9_-]+)");

  /** {@code ((?i)…} and {@code (?:(?i)…}, which Python wants as {@code (?i:…}. */
  private static final Pattern FLAGS_IN_GROUP =
      Pattern.compile("(?<!\\\\)\\((?:\\?:)?(\\(\\?[a-z]+)\\)");

  private static final String V4 = "(?:::[fF]{4,6}:)?(?P<ip4>(?:[0-9]{1,3}\\.){3}[0-9]{1,3})";

  /**
   * Groups of hex digits, each but the last with one colon or two behind it. Much of this is no
   * address; the parser refuses it.
   */
  private static final String V6 = "(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|::){1,7}(?:[0-9a-fA-F]{1,4}|:))";

  private static final String NAME = "(?P<dns>[\\w.^_-]*\\w)";
  private static final String ADDRESS = "\\[?(?:" + V4 + "|" + V6 + ")\\]?";

  private RegexTranslation() {}

  /**
   * Translates one expression.
   *
   * @param names whether {@code <HOST>} takes names too
   * @param manyLines whether {@code ^} and {@code $} are those of every line
   */
  static String translate(String regex, boolean names, boolean manyLines) {
    Set<String> open = new HashSet<>();
    int[] skipped = new int[1];
    String translated =
        TAG.matcher(regex)
            .replaceAll(tag -> Matcher.quoteReplacement(tag(tag.group(), names, open, skipped)));
    translated = FLAGS_IN_GROUP.matcher(translated).replaceAll("$1:");
    return manyLines ? "(?m)" + translated : translated;
  }

  private static String tag(String tag, boolean names, Set<String> open, int[] skipped) {
    String name = tag.substring(1, tag.length() - 1);
    return switch (name) {
      case "HOST" -> names ? "(?:" + ADDRESS + "|" + NAME + ")" : ADDRESS;
      case "ADDR", "F-ADDR/" -> ADDRESS;
      case "IP4", "F-IP4/" -> V4;
      case "IP6", "F-IP6/" -> V6;
      case "DNS", "F-DNS/" -> NAME;
      case "CIDR", "F-CIDR/" -> "(?P<cidr>[0-9]+)";
      case "SUBNET", "F-SUBNET/" -> "\\[?(?:" + V4 + "|" + V6 + ")(?:/(?P<cidr>[0-9]+))?\\]?";
      case "F-ID/" -> "(?P<fid>\\S+)";
      case "F-PORT/" -> "(?P<fport>\\w+)";
      case "SKIPLINES" -> "\\n(?P<skiplines" + skipped[0]++ + ">(?:(?:.*\\n)*?))";
      default -> custom(tag, name, open);
    };
  }

  private static String custom(String tag, String name, Set<String> open) {
    Matcher failure = FAILURE_TAG.matcher(name);
    if (!failure.matches()) {
      return tag;
    }
    String of = failure.group(2);
    if (!failure.group(1).isEmpty()) {
      return open.contains(of) ? ")" : tag;
    }
    open.add(of);
    return "(?P<" + groupName(of.toLowerCase(Locale.ROOT)) + ">";
  }

  /** What a tag's group is called. */
  static String groupName(String tag) {
    return switch (tag) {
      case "id" -> "fid";
      case "port" -> "fport";
      default -> tag;
    };
  }
}
