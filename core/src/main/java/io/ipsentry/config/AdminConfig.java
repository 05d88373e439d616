package io.ipsentry.config;

import java.nio.file.Path;

/**
 * How the operator commands reach a running instance.
 *
 * @param socket a Unix socket, readable and writable by its owner alone
 */
public record AdminConfig(Path socket) {
  /** Used when the configuration says nothing. */
  public static final AdminConfig DEFAULT = new AdminConfig(Path.of("/run/ip-sentry/admin.sock"));

  /** Longest path of a Unix socket on Linux, in bytes (unix(7): 108 with the final zero). */
  public static final int MAX_SOCKET_PATH_BYTES = 107;
}
