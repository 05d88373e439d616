package io.ipsentry.line;

import org.jspecify.annotations.Nullable;

/**
 * Caddy's access log (v2), which is JSON by default.
 *
 * <pre>
 * {"level":"info","ts":1795244400.123,"logger":"http.log.access","msg":"handled request",
 *  "request":{"remote_ip":"10.0.0.5","client_ip":"203.0.113.7","method":"GET","host":"app.example",
 *   "uri":"/.env","headers":{"User-Agent":["curl/8.5.0"]}},"status":404, …}
 * </pre>
 *
 * <p>{@code client_ip} is the address Caddy trusts ({@code trusted_proxies}), {@code remote_ip} the
 * source of the packets; before 2.7 only the latter, before 2.5 {@code remote_addr} with a port.
 */
final class CaddyJsonFormat extends JsonFormat {
  private static final JsonKeys KEYS =
      JsonKeys.builder()
          .add(JsonField.TIME, "ts")
          .add(JsonField.STATUS, "status")
          .add(JsonField.REQUEST, "request")
          .build();
  private static final JsonKeys REQUEST_KEYS =
      JsonKeys.builder()
          .add(JsonField.CLIENT, "client_ip")
          .add(JsonField.PEER, "remote_ip", "remote_addr")
          .add(JsonField.METHOD, "method")
          .add(JsonField.HOST, "host")
          .add(JsonField.TARGET, "uri")
          .add(JsonField.HEADERS, "headers")
          .build();
  private static final JsonKeys HEADER_KEYS =
      JsonKeys.builder()
          .add(JsonField.USER_AGENT, "User-Agent")
          .add(JsonField.FORWARDED_FOR, "X-Forwarded-For")
          .build();

  CaddyJsonFormat(TimestampFormat time) {
    super("caddy-json", KEYS, time);
  }

  @Override
  @Nullable JsonKeys inside(JsonField field) {
    return switch (field) {
      case REQUEST -> REQUEST_KEYS;
      case HEADERS -> HEADER_KEYS;
      default -> null;
    };
  }

  @Override
  boolean matches(RequestFacts facts) {
    return has(JsonField.REQUEST)
        && (facts.client().isPresent() || facts.peer().isPresent())
        && (facts.target().isPresent() || has(JsonField.STATUS));
  }

  @Override
  void complete(RequestFacts facts) {
    if (!facts.client().isPresent()) {
      facts.client().set(facts.peer());
    }
  }
}
