package io.ipsentry.config;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The keys that each kind of mapping knows; the one list that reading, the suggestions for unknown
 * keys, and the test of the reference go by.
 */
enum Keys {
  ROOT(
      "",
      "sources",
      "rules",
      "mode",
      "neverBan",
      "allow",
      "alwaysBan",
      "protectPrivate",
      "trustedProxies",
      "limits",
      "store",
      "admin",
      "metrics",
      "ipv6",
      "authz"),
  SOURCE(
      "sources[]",
      "name",
      "file",
      "journald",
      "stdin",
      "format",
      "regex",
      "logRegex",
      "timeZone",
      "client",
      "trustedProxies",
      "seenAs",
      "startAt"),
  JOURNALD("sources[].journald", "units"),
  CLIENT("sources[].client", "from", "trustedHops"),
  RULE(
      "rules[]", "name", "on", "mode", "match", "ignore", "threshold", "distinct", "window", "ban"),
  MATCH(
      "rules[].match",
      "packs",
      "paths",
      "status",
      "originStatus",
      "methods",
      "hosts",
      "userAgents",
      "messages",
      "authFailures",
      "sources",
      "ignoreCase",
      "anyStatus"),
  PATH("rules[].match.paths[]", "regex", "mode", "onlyClientErrors"),
  IGNORE("rules[].ignore", "paths", "status", "methods", "hosts", "userAgents", "messages"),
  BAN("rules[].ban", "for", "escalate"),
  ESCALATE("rules[].ban.escalate", "factor", "multipliers", "max", "jitter", "forget"),
  /** The long form of every list of addresses. */
  ADDRESSES("neverBan", "ip", "files"),
  LIMITS("limits", "maxNewBansPerMinute", "trackedAddressesBytes"),
  STORE("store", "path"),
  ADMIN("admin", "socket"),
  METRICS("metrics", "listen"),
  IPV6("ipv6", "countPrefix", "banPrefix", "widen"),
  AUTHZ("authz", "listen", "http"),
  PACK("pack", "name", "description", "patterns", "userAgents"),
  PACK_PATTERN("pack.patterns[]", "regex", "servedBySoftware", "note"),
  PACK_USER_AGENT("pack.userAgents[]", "regex", "note");

  /**
   * Words of fail2ban, of its Traefik plugin, of the original ip-sentry and of CrowdSec, in lower
   * case, with where that stands here.
   */
  private static final Map<String, String> FOREIGN =
      Map.ofEntries(
          Map.entry("maxretry", "rules[].threshold"),
          Map.entry("findtime", "rules[].window"),
          Map.entry("bantime", "rules[].ban.for"),
          Map.entry("bantime.increment", "rules[].ban.escalate"),
          Map.entry("bantime.factor", "rules[].ban.escalate.factor"),
          Map.entry("bantime.multipliers", "rules[].ban.escalate.multipliers"),
          Map.entry("bantime.maxtime", "rules[].ban.escalate.max"),
          Map.entry("bantime.rndtime", "rules[].ban.escalate.jitter"),
          Map.entry("ignoreip", "neverBan"),
          Map.entry("logpath", "sources[].file"),
          Map.entry("journalmatch", "sources[].journald.units"),
          Map.entry("failregex", "rules[].match.messages"),
          Map.entry("ignoreregex", "rules[].ignore.messages"),
          Map.entry("urlregexps", "rules[].match.paths"),
          Map.entry("regexp", "rules[].match.paths[].regex"),
          Map.entry("statuscode", "rules[].match.status"),
          Map.entry("allowlist", "allow"),
          Map.entry("whitelist", "allow"),
          Map.entry("denylist", "alwaysBan"),
          Map.entry("blacklist", "alwaysBan"),
          Map.entry("patterns", "rules[].match.paths"),
          Map.entry("uniquepatternthreshold", "rules[].distinct"),
          Map.entry("windowseconds", "rules[].window"),
          Map.entry("bandurationseconds", "rules[].ban.for"),
          Map.entry("capacity", "rules[].threshold"),
          Map.entry("blackhole", "rules[].ban.for"));

  /** Sections that are known to come, in lower case. */
  private static final List<String> LATER =
      List.of("enforcer", "sinks", "feeds", "kubernetes", "cloudflare", "telegram", "webhook");

  private final String path;
  private final List<String> names;

  Keys(String path, String... names) {
    this.path = path;
    this.names = List.of(names);
  }

  /** Where such a mapping stands, such as {@code rules[].match}; empty for the document. */
  String path() {
    return path;
  }

  List<String> names() {
    return names;
  }

  /**
   * The key of this mapping that an unknown one was probably meant to be, or that holds what was
   * meant; empty when nothing is near.
   */
  Optional<String> meant(String unknown) {
    return foreign(unknown)
        .map(here -> here.split("[.\\[]", 2)[0])
        .filter(names::contains)
        .or(() -> Nearest.of(unknown, names));
  }

  /** What to do about a key that is not one of these. */
  String mend(String unknown) {
    Optional<String> ours = foreign(unknown);
    if (ours.isPresent()) {
      return "here it is called " + ours.get();
    }
    String lower = unknown.toLowerCase(Locale.ROOT);
    if (lower.equals("enabled")) {
      return "remove what is not wanted; 'mode: shadow' judges without banning";
    }
    if (this == ROOT && LATER.contains(lower)) {
      return "remove it; it comes with a later version";
    }
    Optional<String> nearest = Nearest.of(unknown, names);
    if (nearest.isPresent()) {
      return "did you mean " + nearest.get() + "?";
    }
    for (Keys other : values()) {
      if (other.names.contains(unknown) && isPack() == other.isPack()) {
        return "it is a key of " + (other.path.isEmpty() ? "the document" : other.path);
      }
    }
    return "known here: " + String.join(", ", names);
  }

  /** Our word for another program's, as seen from this mapping. */
  private Optional<String> foreign(String word) {
    String ours = FOREIGN.get(word.toLowerCase(Locale.ROOT));
    if (ours == null) {
      return Optional.empty();
    }
    boolean within = !path.isEmpty() && ours.startsWith(path + ".");
    return Optional.of(within ? ours.substring(path.length() + 1) : ours);
  }

  private boolean isPack() {
    return path.startsWith("pack");
  }
}
