package io.ipsentry.authz.http;

import java.time.Duration;

/**
 * What one client of the server, or all together, can use up.
 *
 * @param maxConnections open at once; further ones are closed at once
 * @param maxLineBytes of a request line; beyond it 414
 * @param maxHeaderBytes of all headers of a request; beyond it 431
 * @param maxBodyBytes of a request, read and thrown away; beyond it the connection ends
 * @param headTimeout from the first byte of a request to the end of its headers
 * @param requestTimeout from the end of the headers to the end of the body
 * @param idleTimeout between requests; longer than gateways keep idle connections (nginx 60 s, Go
 *     90 s, Caddy 120 s), so that the gateway and not the server ends them, and no request meets a
 *     closing connection
 * @param lingerTimeout for a client to take the last answer before its unread bytes would reset the
 *     connection
 * @param stopGrace for connections to end when the server stops
 */
record HttpLimits(
    int maxConnections,
    int maxLineBytes,
    int maxHeaderBytes,
    long maxBodyBytes,
    Duration headTimeout,
    Duration requestTimeout,
    Duration idleTimeout,
    Duration lingerTimeout,
    Duration stopGrace) {
  /**
   * The line may be as long as the headers: {@code /ext-authz/} has the client's own target in it,
   * which other attachments send as a header, and the same request must not be judged differently.
   * Envoy's own limit is 60 KiB for both.
   */
  static final HttpLimits DEFAULT =
      new HttpLimits(
          10_000,
          64 * 1024,
          64 * 1024,
          1024 * 1024,
          Duration.ofSeconds(5),
          Duration.ofSeconds(10),
          Duration.ofSeconds(180),
          Duration.ofSeconds(2),
          Duration.ofSeconds(5));

  /** How often a connection looks at its deadline. */
  Duration tick() {
    Duration shortest = headTimeout.compareTo(lingerTimeout) < 0 ? headTimeout : lingerTimeout;
    return shortest.dividedBy(4);
  }
}
