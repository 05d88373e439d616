package io.ipsentry.line;

/**
 * Traefik's access log in JSON form (v2 and v3).
 *
 * <pre>
 * {"ClientAddr":"10.42.0.1:51324","ClientHost":"203.0.113.7","DownstreamStatus":404,"OriginStatus":0,
 *  "RequestHost":"app.example","RequestMethod":"GET","RequestPath":"/.env",
 *  "StartUTC":"2026-11-21T07:00:00Z","request_User-Agent":"curl/8.5.0", …}
 * </pre>
 *
 * <p>{@code ClientAddr} is the source of the packets. {@code ClientHost} is the {@code
 * X-Forwarded-For} header as it came, when there is one, so a list whose left part the client
 * chose.
 *
 * <p>A refusal is ours only when the kept response header {@code downstream_X-Ip-Sentry} says so. A
 * 403 with {@code OriginStatus} 0 may as well come from another middleware (basic auth, an
 * allowlist, another forward-auth service), and is a hit like any other; refusals of a banned
 * address never count anyway.
 */
final class TraefikJsonFormat extends JsonFormat {
  private static final JsonKeys KEYS =
      JsonKeys.builder()
          .add(JsonField.PEER, "ClientAddr")
          .add(JsonField.FORWARDED_FOR, "ClientHost")
          .add(JsonField.TIME, "StartUTC", "StartLocal", "time")
          .add(JsonField.METHOD, "RequestMethod")
          .add(JsonField.HOST, "RequestHost", "RequestAddr")
          .add(JsonField.TARGET, "RequestPath")
          .add(JsonField.STATUS, "DownstreamStatus")
          .add(JsonField.ORIGIN_STATUS, "OriginStatus")
          .add(JsonField.USER_AGENT, "request_User-Agent")
          .add(JsonField.VERDICT, "downstream_X-Ip-Sentry")
          .build();

  TraefikJsonFormat(TimestampFormat time) {
    super("traefik-json", KEYS, time);
  }

  @Override
  boolean matches(RequestFacts facts) {
    boolean address = facts.peer().isPresent() || facts.forwardedFor().isPresent();
    return address
        && (facts.target().isPresent() || has(JsonField.STATUS) || has(JsonField.ORIGIN_STATUS));
  }

  @Override
  void complete(RequestFacts facts) {
    if (!has(JsonField.STATUS)) {
      facts.status(facts.originStatus());
    }
  }
}
