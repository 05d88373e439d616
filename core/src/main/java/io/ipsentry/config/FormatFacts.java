package io.ipsentry.config;

import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * What the lines of each format tell, so that a rule which waits for something that no line says
 * can be pointed out.
 */
enum FormatFacts {
  STATUS("status"),
  ORIGIN_STATUS("originStatus"),
  METHOD("method"),
  HOST("host"),
  PATH("path"),
  USER_AGENT("user agent"),
  AUTH_FAILURE("failed logins");

  /** Tells whatever the file turns out to hold. */
  static final Set<FormatFacts> ANYTHING = Set.copyOf(EnumSet.allOf(FormatFacts.class));

  private static final Set<FormatFacts> REQUEST = Set.of(STATUS, METHOD, PATH);
  private static final Set<FormatFacts> BROWSER = Set.of(STATUS, METHOD, PATH, USER_AGENT);
  private static final Set<FormatFacts> FULL = Set.of(STATUS, METHOD, PATH, USER_AGENT, HOST);

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
    if (format.logRegex() != null) {
      return Set.of(PATH);
    }
    String regex = format.regex();
    if (regex != null) {
      Set<FormatFacts> facts = EnumSet.noneOf(FormatFacts.class);
      addIf(facts, regex, "status", STATUS);
      addIf(facts, regex, "method", METHOD);
      addIf(facts, regex, "host", HOST);
      addIf(facts, regex, "path", PATH);
      addIf(facts, regex, "userAgent", USER_AGENT);
      facts.add(AUTH_FAILURE);
      return facts;
    }
    return BY_FORMAT.getOrDefault(format.name(), ANYTHING);
  }

  private static void addIf(Set<FormatFacts> facts, String regex, String group, FormatFacts fact) {
    if (hasGroup(regex, group)) {
      facts.add(fact);
    }
  }

  /** Whether an expression has a named group, written {@code (?<name>} or {@code (?P<name>}. */
  static boolean hasGroup(String regex, String name) {
    return regex.contains("(?<" + name + ">") || regex.contains("(?P<" + name + ">");
  }
}
