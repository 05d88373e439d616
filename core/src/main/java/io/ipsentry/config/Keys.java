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
   * case, with what is written here instead.
   */
  private static final Map<String, String> FOREIGN =
      Map.ofEntries(
          Map.entry("maxretry", "threshold"),
          Map.entry("findtime", "window"),
          Map.entry("bantime", "ban.for"),
          Map.entry("bantime.increment", "ban.escalate"),
          Map.entry("bantime.factor", "ban.escalate.factor"),
          Map.entry("bantime.multipliers", "ban.escalate.multipliers"),
          Map.entry("bantime.maxtime", "ban.escalate.max"),
          Map.entry("bantime.rndtime", "ban.escalate.jitter"),
          Map.entry("ignoreip", "neverBan"),
          Map.entry("logpath", "sources[].file"),
          Map.entry("journalmatch", "sources[].journald.units"),
          Map.entry("failregex", "match.messages"),
          Map.entry("ignoreregex", "ignore.messages"),
          Map.entry("urlregexps", "match.paths"),
          Map.entry("regexp", "regex"),
          Map.entry("statuscode", "match.status"),
          Map.entry("allowlist", "allow"),
          Map.entry("whitelist", "allow"),
          Map.entry("denylist", "alwaysBan"),
          Map.entry("blacklist", "alwaysBan"),
          Map.entry("patterns", "match.paths"),
          Map.entry("uniquepatternthreshold", "distinct"),
          Map.entry("windowseconds", "window"),
          Map.entry("bandurationseconds", "ban.for"),
          Map.entry("capacity", "threshold"),
          Map.entry("blackhole", "ban.for"));

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

  /** What to do about a key that is not one of these. */
  String mend(String unknown) {
    String lower = unknown.toLowerCase(Locale.ROOT);
    String ours = FOREIGN.get(lower);
    if (ours != null) {
      return "here it is called " + ours;
    }
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

  private boolean isPack() {
    return path.startsWith("pack");
  }
}
