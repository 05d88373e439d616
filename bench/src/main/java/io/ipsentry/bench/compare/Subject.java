package io.ipsentry.bench.compare;

/** Who is measured; the names as they stand in raw results. */
final class Subject {
  static final String IP_SENTRY = "ip-sentry";
  static final String FAIL2BAN = "fail2ban";
  static final String CROWDSEC = "CrowdSec";
  static final String GREP = "GNU grep -E";

  /** What a subject is held against. */
  enum Kind {
    OWN,
    PEER,
    LIMIT
  }

  private Subject() {}

  static Kind kind(String name) {
    if (name.startsWith(IP_SENTRY)) {
      return Kind.OWN;
    }
    return name.startsWith(FAIL2BAN) || name.startsWith(CROWDSEC) ? Kind.PEER : Kind.LIMIT;
  }
}
