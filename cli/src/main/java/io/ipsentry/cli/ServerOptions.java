package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.TokenSource;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * How a running instance is reached over TCP ({@code admin.listen}), and how we show who we are.
 */
final class ServerOptions {
  private static final String TOKEN_VARIABLE = "IP_SENTRY_TOKEN_FILE";
  private static final int MAX_PORT = 65_535;

  @Option(
      names = "--server",
      paramLabel = "HOST:PORT",
      description = {
        "Go through the instance that serves its admin API there (admin.listen), and no other way."
      })
  private @Nullable String server;

  @Option(
      names = "--token-file",
      paramLabel = "FILE",
      description = "For --server: holds the token. Default: $IP_SENTRY_TOKEN_FILE, else none.")
  private @Nullable Path tokenFile;

  @Option(
      names = "--ca",
      paramLabel = "FILE",
      description = {
        "For --server: PEM; its certificate is signed by one of these. Default: the JDK's."
      })
  private @Nullable Path ca;

  @Option(
      names = "--cert",
      paramLabel = "FILE",
      description = "For --server: PEM; the certificate to show, with its chain.")
  private @Nullable Path certificate;

  @Option(
      names = "--key",
      paramLabel = "FILE",
      description = "For --server: PEM, PKCS#8; the key of --cert.")
  private @Nullable Path key;

  @Option(
      names = "--insecure",
      description = {
        "For --server: without TLS. Everybody on the way can read and change what is said, the"
            + " token too."
      })
  private boolean insecure;

  /** Whether a server was named. */
  boolean isGiven() {
    return server != null;
  }

  /**
   * Whether a watcher in a cluster is spoken to without TLS.
   *
   * @throws CommandException if options were given that a server alone has
   */
  boolean insecureTunnel() {
    if (Stream.of(tokenFile, ca, certificate, key).anyMatch(file -> file != null)) {
      throw CommandException.usage("--token-file, --ca, --cert and --key go with --server");
    }
    return insecure;
  }

  /** Where the instance is; empty: no server was named. */
  Optional<AdminEndpoint> endpoint(Shell shell) {
    return endpoint(shell, null);
  }

  /**
   * The same for a person in a cluster.
   *
   * @param person in a cluster, whose token or certificate is shown where no file is named; null:
   *     none
   */
  Optional<AdminEndpoint> endpoint(Shell shell, @Nullable ClusterWay person) {
    if (server == null) {
      boolean lone =
          insecure || Stream.of(tokenFile, ca, certificate, key).anyMatch(f -> f != null);
      if (lone) {
        throw CommandException.usage(
            "--token-file, --ca, --cert, --key and --insecure go with --server");
      }
      return Optional.empty();
    }
    if (insecure && Stream.of(ca, certificate, key).anyMatch(file -> file != null)) {
      throw CommandException.usage("--insecure is without TLS; leave out --ca, --cert and --key");
    }
    if ((certificate == null) != (key == null)) {
      throw CommandException.usage("--cert and --key go together");
    }
    int colon = server.lastIndexOf(':');
    String host = colon < 0 ? "" : server.substring(0, colon);
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    if (host.isEmpty() || !bracketed && host.indexOf(':') >= 0) {
      throw wrong(server);
    }
    Optional<AdminEndpoint.Tls> tls =
        insecure
            ? Optional.empty()
            : Optional.of(
                new AdminEndpoint.Tls(
                    Optional.ofNullable(ca),
                    Optional.ofNullable(certificate),
                    Optional.ofNullable(key),
                    Optional.empty(),
                    certificate != null || person == null ? Optional.empty() : person.certificate(),
                    true));
    return Optional.of(
        new AdminEndpoint.Tcp(
            bracketed ? host.substring(1, host.length() - 1) : host,
            port(server, server.substring(colon + 1)),
            tls,
            token(shell, person)));
  }

  private Optional<TokenSource> token(Shell shell, @Nullable ClusterWay person) {
    if (tokenFile != null) {
      return Optional.of(TokenSource.file(tokenFile));
    }
    return person != null
        ? person.token()
        : shell.variable(TOKEN_VARIABLE).map(Path::of).map(TokenSource::file);
  }

  private static int port(String server, String text) {
    try {
      int port = Integer.parseInt(text);
      if (port > 0 && port <= MAX_PORT) {
        return port;
      }
    } catch (NumberFormatException e) {
      throw wrong(server);
    }
    throw wrong(server);
  }

  private static CommandException wrong(String server) {
    return CommandException.usage(
        "--server must be HOST:PORT, such as sentry.example:9004 or [2001:db8::1]:9004, but is: "
            + server);
  }
}
