package io.ipsentry.line;

/**
 * nginx (and NGINX Gateway Fabric) with a JSON {@code log_format}: the one our documentation gives,
 * and the usual names of nginx variables.
 *
 * <pre>
 * {"ts":"2026-11-21T07:00:00+00:00","client":"203.0.113.7","peer":"10.0.0.5","method":"GET",
 *  "host":"app.example","uri":"/.env","status":404,"ua":"curl/8.5.0","rid":"6f1e…"}
 * </pre>
 *
 * <p>Use {@code escape=json}. With {@code escape=none} a client can write members of its own; then
 * only those in front of the first text from the client are safe, because the first of two wins.
 * {@code ip_sentry_verdict} (the variable that the {@code auth_request_set} of our snippet fills)
 * marks our own refusals.
 */
final class NginxJsonFormat extends JsonFormat {
  private static final JsonKeys KEYS =
      JsonKeys.builder()
          .add(JsonField.CLIENT, "client", "remote_addr", "client_ip", "clientip", "remote_ip")
          .add(JsonField.PEER, "peer", "realip_remote_addr")
          .add(JsonField.FORWARDED_FOR, "xff", "http_x_forwarded_for", "x_forwarded_for")
          .add(
              JsonField.TIME,
              "ts",
              "time_iso8601",
              "msec",
              "time_local",
              "time",
              "timestamp",
              "@timestamp",
              "date")
          .add(JsonField.METHOD, "method", "request_method", "verb")
          .add(JsonField.HOST, "host", "http_host", "vhost", "server_name")
          .add(JsonField.TARGET, "request_uri", "uri", "url", "path")
          .add(JsonField.REQUEST_LINE, "request")
          .add(JsonField.STATUS, "status", "status_code")
          .add(JsonField.USER_AGENT, "ua", "http_user_agent", "user_agent", "agent")
          .add(JsonField.VERDICT, "ip_sentry_verdict", "ip_sentry", "verdict")
          .build();

  NginxJsonFormat(TimestampFormat time) {
    super("ngf-json", KEYS, time);
  }

  @Override
  boolean matches(RequestFacts facts) {
    return facts.client().isPresent()
        && (facts.target().isPresent() || has(JsonField.STATUS) || has(JsonField.REQUEST_LINE));
  }
}
