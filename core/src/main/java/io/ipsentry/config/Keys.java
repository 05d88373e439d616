package io.ipsentry.config;

import java.util.ArrayList;
import java.util.HashMap;
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
      "authz",
      "enforcer",
      "sinks",
      "feeds"),
  SOURCE(
      "sources[]",
      "name",
      "file",
      "journald",
      "stdin",
      "pods",
      "als",
      "fail2ban",
      "format",
      "regex",
      "logRegex",
      "filter",
      "timeZone",
      "client",
      "trustedProxies",
      "seenAs",
      "startAt",
      "reader"),
  JOURNALD("sources[].journald", "units", "matches", "directory"),
  PODS("sources[].pods", "preset", "namespace", "selector", "container"),
  FAIL2BAN("sources[].fail2ban", "directory", "jails"),
  /** The words of fail2ban, because the values are written as there. */
  FILTER(
      "sources[].filter",
      "failregex",
      "ignoreregex",
      "prefregex",
      "maxlines",
      "datepattern",
      "usedns",
      "ignoreip"),
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
      "failures",
      "sources",
      "ignoreCase",
      "anyStatus"),
  PATH("rules[].match.paths[]", "regex", "mode", "onlyClientErrors", "status"),
  IGNORE("rules[].ignore", "paths", "status", "methods", "hosts", "userAgents", "messages"),
  BAN("rules[].ban", "for", "escalate"),
  ESCALATE("rules[].ban.escalate", "factor", "multipliers", "max", "jitter", "forget"),
  /** The long form of every list of addresses. */
  ADDRESSES("neverBan", "ip", "files"),
  LIMITS("limits", "maxNewBansPerMinute", "trackedAddressesBytes"),
  STORE("store", "path", "keepHistory", "kubernetes", "leader", "checkpoints"),
  STORE_KUBERNETES("store.kubernetes", "release", "namespace", "kubeconfig", "banPolicies"),
  LEADER("store.leader", "advertise", "ca", "serverName", "tokenFile", "insecure", "lease"),
  ADMIN("admin", "socket", "listen", "tls", "tokens", "kubernetesAuth", "insecure"),
  KUBERNETES_AUTH("admin.kubernetesAuth", "audiences"),
  ADMIN_TOKEN("admin.tokens[]", "name", "file", "token"),
  METRICS("metrics", "listen"),
  IPV6("ipv6", "countPrefix", "banPrefix", "widen"),
  AUTHZ(
      "authz",
      "listen",
      "http",
      "tls",
      "mode",
      "failOpen",
      "maxConcurrentChecks",
      "denialsLoggedPerSecond",
      "callers",
      "client",
      "trustedProxies",
      "seenAs",
      "rules",
      "denial",
      "policies"),
  /** Of {@code admin} too. */
  TLS("authz.tls", "certificate", "key", "clientCa"),
  CALLER("authz.callers[]", "networks", "names", "token", "tokenFile"),
  REQUEST_CLIENT("authz.client", "from", "header", "trustedHops"),
  DENIAL("authz.denial", "status", "contentType", "body", "headers"),
  POLICY(
      "authz.policies.NAME",
      "client",
      "trustedProxies",
      "seenAs",
      "mode",
      "scoped",
      "rules",
      "packs",
      "thresholds",
      "exempt",
      "denial"),
  THRESHOLDS("authz.policies.NAME.thresholds", "threshold", "distinct", "window", "ban"),
  EXEMPT("authz.policies.NAME.exempt", "paths", "addresses"),
  ENFORCER(
      "enforcer",
      "name",
      "backend",
      "hook",
      "ports",
      "verdict",
      "forwardedForPorts",
      "interval",
      "onExit",
      "hostBinaries",
      "agent"),
  SINK("sinks[]", "name", "instance", "cloudflare", "telegram", "webhook", "stdout"),
  SINK_CLOUDFLARE(
      "sinks[].cloudflare",
      "account",
      "zone",
      "user",
      "tokenFile",
      "email",
      "keyFile",
      "mode",
      "maxRules",
      "api"),
  SINK_TELEGRAM(
      "sinks[].telegram",
      "chat",
      "thread",
      "tokenFile",
      "events",
      "template",
      "digestTemplate",
      "parseMode",
      "digestAbove",
      "interval",
      "silent",
      "lifecycle",
      "api"),
  SINK_WEBHOOK(
      "sinks[].webhook",
      "url",
      "urlFile",
      "secretFile",
      "tokenFile",
      "events",
      "template",
      "digestTemplate",
      "contentType",
      "digestAbove",
      "interval",
      "lifecycle"),
  SINK_STDOUT("sinks[].stdout", "events"),
  FEED(
      "feeds[]",
      "name",
      "url",
      "file",
      "format",
      "every",
      "action",
      "network",
      "factor",
      "minimumEntries",
      "maxShrinkPercent",
      "maxBadPercent",
      "minimumLevel",
      "minimumConfidence",
      "expire",
      "headerFiles",
      "checksum",
      "ca"),
  PACK(
      "pack",
      "name",
      "description",
      "severity",
      "threshold",
      "distinct",
      "window",
      "methods",
      "status",
      "ignoreCase",
      "patterns",
      "userAgents"),
  PACK_PATTERN(
      "pack.patterns[]",
      "regex",
      "servedBySoftware",
      "status",
      "note",
      "source",
      "since",
      "falsePositives",
      "example"),
  PACK_USER_AGENT(
      "pack.userAgents[]", "regex", "note", "source", "since", "falsePositives", "example");

  /**
   * Words of fail2ban, of its Traefik plugin, of the original ip-sentry, of CrowdSec, and of the
   * gateways, in lower case without {@code _} and {@code -}, with where that stands here; where a
   * word means several things, the one of the mapping at hand.
   */
  private static final Map<String, List<String>> FOREIGN =
      foreign(
          "maxretry", "rules[].threshold",
          "findtime", "rules[].window",
          "bantime", "rules[].ban.for",
          "bantime.increment", "rules[].ban.escalate",
          "bantime.factor", "rules[].ban.escalate.factor",
          "bantime.multipliers", "rules[].ban.escalate.multipliers",
          "bantime.maxtime", "rules[].ban.escalate.max",
          "bantime.rndtime", "rules[].ban.escalate.jitter",
          "ignoreip", "neverBan",
          "logpath", "sources[].file",
          "journalmatch", "sources[].journald.units",
          "labelselector", "sources[].pods.selector",
          "podselector", "sources[].pods.selector",
          "matchlabels", "sources[].pods.selector",
          "podnamespace", "sources[].pods.namespace",
          "containername", "sources[].pods.container",
          "failregex", "rules[].match.messages",
          "ignoreregex", "rules[].ignore.messages",
          "urlregexps", "rules[].match.paths",
          "regexp", "rules[].match.paths[].regex",
          "statuscode", "rules[].match.status",
          "statuscode", "authz.denial.status",
          "allowlist", "allow",
          "whitelist", "allow",
          "denylist", "alwaysBan",
          "blacklist", "alwaysBan",
          "patterns", "rules[].match.paths",
          "uniquepatternthreshold", "rules[].distinct",
          "windowseconds", "rules[].window",
          "bandurationseconds", "rules[].ban.for",
          "capacity", "rules[].threshold",
          "blackhole", "rules[].ban.for",
          "failuremodeallow", "authz.failOpen",
          "failclosed", "authz.failOpen",
          "updatemaxfailure", "authz.failOpen",
          "statusonerror", "authz.failOpen",
          "grpcservice", "authz.listen",
          "httpservice", "authz.http",
          "trustforwardheader", "authz.trustedProxies",
          "trustedips", "authz.trustedProxies",
          "trustedcidrs", "authz.trustedProxies",
          "xfftrustedcidrs", "authz.trustedProxies",
          "setrealipfrom", "authz.trustedProxies",
          "forwardedheaderstrustedips", "authz.trustedProxies",
          "realipheader", "authz.client.header",
          "trustedipheader", "authz.client.header",
          "requestheadername", "authz.client.header",
          "customheader", "authz.client.header",
          "forwardedheaderscustomname", "authz.client.header",
          "numtrustedhops", "authz.client.trustedHops",
          "xffnumtrustedhops", "authz.client.trustedHops",
          "depth", "authz.client.trustedHops",
          "deniedresponse", "authz.denial",
          "banhtmlfilepath", "authz.denial.body",
          "remediationstatuscode", "authz.denial.status",
          "clientip", "authz.client",
          "clientipdetection", "authz.client",
          "cert", "authz.tls.certificate",
          "certfile", "authz.tls.certificate",
          "tlscert", "authz.tls.certificate",
          "certificatechain", "authz.tls.certificate",
          "privatekey", "authz.tls.key",
          "keyfile", "authz.tls.key",
          "ca", "authz.tls.clientCa",
          "cafile", "authz.tls.clientCa",
          "trustedca", "authz.tls.clientCa",
          "clientcafile", "authz.tls.clientCa",
          "banaction", "enforcer.backend",
          "iptableschains", "enforcer.hook",
          "blocktype", "enforcer.verdict",
          "denyaction", "enforcer.verdict",
          "intervalseconds", "enforcer.interval",
          "updatefrequency", "enforcer.interval",
          "dryrun", "mode",
          "accountid", "sinks[].cloudflare.account",
          "zoneid", "sinks[].cloudflare.zone",
          "cfzone", "sinks[].cloudflare.zone",
          "cfaccount", "sinks[].cloudflare.account",
          "cftoken", "sinks[].cloudflare.tokenFile",
          "apitoken", "sinks[].cloudflare.tokenFile",
          "cfuser", "sinks[].cloudflare.email",
          "apikey", "sinks[].cloudflare.keyFile",
          "chatid", "sinks[].telegram.chat",
          "token", "sinks[].telegram.tokenFile",
          "token", "sinks[].cloudflare.tokenFile",
          "disablenotification", "sinks[].telegram.silent",
          "messagethreadid", "sinks[].telegram.thread");

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

  private static Map<String, List<String>> foreign(String... wordsAndOurs) {
    Map<String, List<String>> foreign = new HashMap<>();
    for (int i = 0; i < wordsAndOurs.length; i += 2) {
      foreign.computeIfAbsent(wordsAndOurs[i], _ -> new ArrayList<>()).add(wordsAndOurs[i + 1]);
    }
    return foreign;
  }

  /** Our word for another program's, as seen from this mapping. */
  private Optional<String> foreign(String word) {
    String plain = word.toLowerCase(Locale.ROOT).replace("_", "").replace("-", "");
    List<String> ours = FOREIGN.getOrDefault(plain, List.of());
    Optional<String> within =
        ours.stream()
            .filter(each -> !path.isEmpty() && each.startsWith(path + "."))
            .findFirst()
            .map(each -> each.substring(path.length() + 1));
    return within.or(() -> ours.stream().findFirst());
  }

  private boolean isPack() {
    return path.startsWith("pack");
  }
}
