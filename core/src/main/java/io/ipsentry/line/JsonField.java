package io.ipsentry.line;

/** What a member of a JSON access-log line means to us. */
enum JsonField {
  CLIENT(0),
  PEER(1),
  FORWARDED_FOR(2),
  TIME(3),
  METHOD(4),
  HOST(5),
  TARGET(6),
  /** The whole first line of the request, used when there is no member for the target. */
  REQUEST_LINE(7),
  USER_AGENT(8),
  STATUS(9),
  ORIGIN_STATUS(10),
  /** Envoy's response flags; {@code UAEX} is a refusal by the external authorization service. */
  RESPONSE_FLAGS(11),
  /** Envoy's response code details; {@code ext_authz_denied} is such a refusal. */
  RESPONSE_DETAILS(12),
  /** The value of our own response header, {@code banned} when we refused. */
  VERDICT(13),
  /** An object with members about the request. */
  REQUEST(14),
  /** An object whose members are request headers, each with an array of values. */
  HEADERS(15);

  static final int COUNT = values().length;

  private final int index;

  JsonField(int index) {
    this.index = index;
  }

  /** Place in arrays and bit sets of fields, 0 to {@link #COUNT} − 1. */
  int index() {
    return index;
  }

  /** Whether the beginning of the value is worth having when the line was cut inside it. */
  boolean mayBeCut() {
    return this == TARGET || this == USER_AGENT;
  }
}
