package io.ipsentry.authz.http;

/** What a path of the server stands for. */
enum Route {
  /** The request is described by {@code X-Forwarded-…} headers. */
  FORWARD_AUTH,
  /** The call is the request: its target follows the prefix, its method and host are its own. */
  EXT_AUTHZ,
  /** {@code /healthz}: the process can answer. */
  HEALTH,
  /** {@code /readyz}: it can judge. */
  READINESS,
  NONE
}
