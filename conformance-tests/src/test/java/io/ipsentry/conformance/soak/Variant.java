package io.ipsentry.conformance.soak;

import io.ipsentry.conformance.gateway.NginxWithRunRig.Places;
import java.util.List;

/**
 * One of the configurations that follow each other. All judge the clients of the default policy
 * alike, by rules with other numbers and in other company.
 *
 * @param text what refused clients are told
 * @param canaryRefuses whether the policy {@code canary} refuses; else it only watches
 * @param rules the YAML of rules
 */
record Variant(String text, boolean canaryRefuses, List<String> rules) {
  /** The hit that bans. */
  static final int THRESHOLD = 3;

  /** How long rules ban; long enough for the ban to be seen in the list on a busy machine. */
  static final int BAN_SECONDS = 20;

  private static final String PROBING =
      """
        - name: probing
          on: request
          match: { paths: ['^/\\.env', { regex: '^/shell', mode: block }] }
          threshold: %d
          window: 1h
          ban: %ds
      """
          .formatted(THRESHOLD, BAN_SECONDS);

  private static final String OPEN =
      """
        - name: open
          on: request
          match: { paths: ['^/never-asked', { regex: '^/robots', mode: allow }] }
          threshold: 9
          window: 1h
          ban: 24h
      """;

  private static final String OTHER =
      """
        - name: other
          on: request
          match: { paths: ['^/nobody'] }
          threshold: 1
          window: 1h
          ban: 24h
      """;

  private static final String TRIAL =
      """
        - name: trial
          mode: shadow
          on: request
          match: { paths: ['^/\\.env', '^/never-asked', { regex: '^/shell', mode: block }] }
          threshold: 1
          window: 1h
          ban: 24h
      """;

  /** By the log of nginx: what was not found, and our own refusals, which must never count. */
  private static final String LOGGED =
      """
        - name: missing
          match: { paths: ['^/missing'], status: "404", sources: [nginx] }
          threshold: %d
          window: 1h
          ban: 24h
        - name: refused
          match: { status: "403", sources: [nginx] }
          threshold: 5
          window: 1h
          ban: 24h
      """
          .formatted(THRESHOLD);

  static final List<Variant> ALL =
      List.of(
          new Variant("Forbidden\n", true, List.of(PROBING, OPEN, LOGGED)),
          new Variant("Go away\n", false, List.of(OTHER, LOGGED, OPEN, PROBING)),
          new Variant("Not for you\n", true, List.of(OPEN, TRIAL, PROBING, OTHER, LOGGED)));

  String yaml(Places places) {
    return """
    authz:
      listen: "127.0.0.1:%d"
      http: "127.0.0.1:%d"
      callers: [127.0.0.1]
      failOpen: false
      denial: { body: "%s" }
      policies: { canary: { mode: %s } }
    sources:
      - name: nginx
        file: %s
        format: ngf-json
    trustedProxies: []
    rules:
    %s\
    """
        .formatted(
            places.grpcPort(),
            places.httpPort(),
            text.replace("\n", "\\n"),
            canaryRefuses ? "enforce" : "shadow",
            places.accessLog(),
            String.join("", rules));
  }
}
