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
 * @param kubernetesAuth callers of {@code listen} are users of the cluster, too, and may do what
 *     its rules say; then {@code tls} has no {@code clientCa}
 * @param insecure whether {@code listen} may be without TLS, or without callers having to show who
 *     they are
 */
public record AdminConfig(
    Path socket,
    Optional<ListenAddress> listen,
    Optional<TlsConfig> tls,
    List<AdminToken> tokens,
    Optional<KubernetesAuth> kubernetesAuth,
    boolean insecure) {
  /** Used when the configuration says nothing. */
  public static final AdminConfig DEFAULT =
      new AdminConfig(
          Path.of("/run/ip-sentry/admin.sock"),
          Optional.empty(),
          Optional.empty(),
          List.of(),
          Optional.empty(),
          false);

  /** Longest path of a Unix socket on Linux, in bytes (unix(7): 108 with the final zero). */
  public static final int MAX_SOCKET_PATH_BYTES = 107;

  public AdminConfig {
    tokens = List.copyOf(tokens);
  }

  /**
   * How the cluster's API server is asked who a caller is.
   *
   * @param audiences a token must be for one of these; empty: for the API server
   */
  public record KubernetesAuth(List<String> audiences) {
    /** Tokens for the API server. */
    public static final KubernetesAuth DEFAULT = new KubernetesAuth(List.of());

    public KubernetesAuth {
      audiences = List.copyOf(audiences);
    }
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
