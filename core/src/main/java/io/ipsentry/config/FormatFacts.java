package io.ipsentry.config;

import io.ipsentry.pattern.CapturingPattern;
import io.ipsentry.pattern.PatternSource;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What the lines of each format tell, so that a rule which waits for something that no line says
 * can be pointed out.
 */
enum FormatFacts {
  STATUS("a status"),
  ORIGIN_STATUS("a status of the backend"),
  METHOD("a method"),
  HOST("a host"),
  PATH("a path"),
  USER_AGENT("a user agent"),
  AUTH_FAILURE("failed logins"),
  FAILURE("failures that a filter finds");

  /** Tells whatever the file turns out to hold. */
  static final Set<FormatFacts> ANYTHING = Set.copyOf(EnumSet.complementOf(EnumSet.of(FAILURE)));

  private static final Set<FormatFacts> REQUEST = Set.of(STATUS, METHOD, PATH);
  private static final Set<FormatFacts> BROWSER = Set.of(STATUS, METHOD, PATH, USER_AGENT);
  private static final Set<FormatFacts> FULL = Set.of(STATUS, METHOD, PATH, USER_AGENT, HOST);

  /** What a group of the format {@code regex} tells, by its name without case and underscores. */
  private static final Map<String, Set<FormatFacts>> BY_GROUP =
      Map.ofEntries(
          Map.entry("request", Set.of(METHOD, PATH)),
          Map.entry("method", Set.of(METHOD)),
          Map.entry("host", Set.of(HOST)),
          Map.entry("vhost", Set.of(HOST)),
          Map.entry("path", Set.of(PATH)),
          Map.entry("target", Set.of(PATH)),
          Map.entry("uri", Set.of(PATH)),
          Map.entry("url", Set.of(PATH)),
          Map.entry("status", Set.of(STATUS)),
          Map.entry("originstatus", Set.of(ORIGIN_STATUS)),
          Map.entry("useragent", Set.of(USER_AGENT)),
          Map.entry("ua", Set.of(USER_AGENT)));

  private static final Set<String> ADDRESS_GROUPS =
      Set.of(
          "addr",
          "address",
          "ip",
          "client",
          "clientip",
          "peer",
          "xff",
          "forwarded",
          "forwardedfor",
          "xforwardedfor");

  private static final Map<String, Set<FormatFacts>> BY_FORMAT = byFormat();

  private final String words;

  FormatFacts(String words) {
    this.words = words;
  }

  /** As messages call it. */
  String words() {
    return words;
  }

  private static Map<String, Set<FormatFacts>> byFormat() {
    Map<String, Set<FormatFacts>> facts = new LinkedHashMap<>();
    facts.put("auto", ANYTHING);
    facts.put("common", REQUEST);
    facts.put("combined", BROWSER);
    facts.put("vhost_combined", FULL);
    facts.put("ngf-json", FULL);
    facts.put("traefik-clf", BROWSER);
    facts.put("traefik-json", Set.of(STATUS, ORIGIN_STATUS, METHOD, PATH, USER_AGENT, HOST));
    facts.put("envoy", FULL);
    facts.put("envoy-gateway-json", FULL);
    facts.put("caddy-json", FULL);
    facts.put("sshd", Set.of(AUTH_FAILURE));
    facts.put("regex", ANYTHING);
    return facts;
  }

  /** The names of the formats that can be used, in the order in which they are shown. */
  static Set<String> formats() {
    return BY_FORMAT.keySet();
  }

  /** What the lines of a source tell. */
  static Set<FormatFacts> of(FormatConfig format) {
    if (format.equals(FormatConfig.ACCESS_LOG_SERVICE)) {
      return FULL;
    }
    if (format.filter() != null) {
      return Set.of(FAILURE);
    }
    if (format.logRegex() != null) {
      CapturingPattern pattern = CapturingPattern.compile(PatternSource.of(format.logRegex()));
      return Set.of(pattern.groupCount() > 1 ? PATH : AUTH_FAILURE);
    }
    if (format.regex() != null) {
      return ofGroups(CapturingPattern.compile(PatternSource.of(format.regex())));
    }
    return BY_FORMAT.getOrDefault(format.name(), ANYTHING);
  }

  /** What an expression tells; one without a group for the request finds failed logins. */
  private static Set<FormatFacts> ofGroups(CapturingPattern pattern) {
    Set<FormatFacts> facts = EnumSet.noneOf(FormatFacts.class);
    for (String group : pattern.groupNames().keySet()) {
      facts.addAll(BY_GROUP.getOrDefault(plain(group), Set.of()));
    }
    if (!facts.contains(PATH) && !facts.contains(STATUS)) {
      facts.add(AUTH_FAILURE);
    }
    return facts;
  }

  /** Whether a group of an expression holds an address. */
  static boolean namesAddress(CapturingPattern pattern) {
    return pattern.groupNames().keySet().stream()
        .map(FormatFacts::plain)
        .anyMatch(ADDRESS_GROUPS::contains);
  }

  private static String plain(String group) {
    return group.replace("_", "").toLowerCase(Locale.ROOT);
  }
}
