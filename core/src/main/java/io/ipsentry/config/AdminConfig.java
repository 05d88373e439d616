package io.ipsentry.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * How the operator commands, and processes that report hits, reach a running instance.
 *
 * @param socket a Unix socket, readable and writable by its owner alone
 * @param listen over TCP too; empty: not. Callers need what is given: a client certificate that
 *     {@code clientCa} of {@code tls} signed, one of the tokens, or both
 * @param tls of {@code listen}; empty: plaintext, which {@code insecure} allows
 * @param tokens that callers of {@code listen} send as {@code authorization: Bearer}
 * @param insecure whether {@code listen} may be without TLS, or without callers having to show who
 *     they are
 */
public record AdminConfig(
    Path socket,
    Optional<ListenAddress> listen,
    Optional<TlsConfig> tls,
    List<AdminToken> tokens,
    boolean insecure) {
  /** Used when the configuration says nothing. */
  public static final AdminConfig DEFAULT =
      new AdminConfig(
          Path.of("/run/ip-sentry/admin.sock"),
          Optional.empty(),
          Optional.empty(),
          List.of(),
          false);

  /** Longest path of a Unix socket on Linux, in bytes (unix(7): 108 with the final zero). */
  public static final int MAX_SOCKET_PATH_BYTES = 107;

  public AdminConfig {
    tokens = List.copyOf(tokens);
  }

  /**
   * A token with a name.
   *
   * @param name of who has it; stands in events as their author
   * @param token at least {@link CallerConfig#MIN_TOKEN_LENGTH} visible ASCII characters
   */
  public record AdminToken(String name, String token) {
    /** Leaves the token out. */
    @Override
    public String toString() {
      return "AdminToken[name=" + name + ", token=…]";
    }
  }
}
