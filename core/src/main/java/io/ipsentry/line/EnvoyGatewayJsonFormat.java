package io.ipsentry.line;

/**
 * Envoy's access log in JSON form: the default of Envoy Gateway, the format our documentation
 * gives, and the names Istio uses.
 *
 * <pre>
 * {":authority":"app.example","downstream_remote_address":"203.0.113.7:51324","method":"GET",
 *  "response_code":404,"response_code_details":"route_not_found","response_flags":"NR",
 *  "start_time":"2026-11-21T07:00:00.123Z","user-agent":"curl/8.5.0","x-envoy-origin-path":"/.env",
 *  "x-forwarded-for":"203.0.113.7", …}
 * </pre>
 *
 * <p>{@code downstream_remote_address} is the address Envoy trusts, after its own reading of the
 * forwarded list. A path before rewriting is preferred. Flag {@code UAEX} or details {@code
 * ext_authz_denied} mark a request that the external authorization service refused; a route has one
 * such service, so that is us.
 */
final class EnvoyGatewayJsonFormat extends JsonFormat {
  private static final JsonKeys KEYS =
      JsonKeys.builder()
          .add(JsonField.CLIENT, "client", "downstream_remote_address")
          .add(JsonField.PEER, "peer", "downstream_direct_remote_address")
          .add(JsonField.FORWARDED_FOR, "x-forwarded-for", "x_forwarded_for", "xff")
          .add(JsonField.TIME, "start_time", "ts", "time")
          .add(JsonField.METHOD, "method", ":method")
          .add(JsonField.HOST, ":authority", "authority", "host")
          .add(
              JsonField.TARGET,
              "x-envoy-original-path",
              "x-envoy-origin-path",
              "path",
              ":path",
              "uri")
          .add(JsonField.STATUS, "response_code", "status")
          .add(JsonField.RESPONSE_FLAGS, "response_flags", "flags")
          .add(JsonField.RESPONSE_DETAILS, "response_code_details", "details")
          .add(JsonField.USER_AGENT, "user-agent", "user_agent", "ua")
          .build();

  private final boolean exact;

  /**
   * @param exact whether a line needs a member that only Envoy has, so that it can be told from
   *     others
   */
  EnvoyGatewayJsonFormat(TimestampFormat time, boolean exact) {
    super("envoy-gateway-json", KEYS, time);
    this.exact = exact;
  }

  @Override
  boolean matches(RequestFacts facts) {
    boolean address = facts.client().isPresent() || facts.forwardedFor().isPresent();
    boolean envoy = has(JsonField.RESPONSE_FLAGS) || has(JsonField.RESPONSE_DETAILS);
    return address && (envoy || !exact) && (facts.target().isPresent() || has(JsonField.STATUS));
  }
}
