package io.ipsentry.authz.admin;

import java.nio.file.Path;
import java.util.Optional;

/** Where an admin API is, and how a client shows who it is. */
public sealed interface AdminEndpoint {
  /** As messages name it. */
  String text();

  /** A Unix socket, which whoever may open it may use. */
  record Socket(Path path) implements AdminEndpoint {
    @Override
    public String text() {
      return path.toString();
    }
  }

  /**
   * TCP.
   *
   * @param host a name or an address, without brackets
   * @param tls empty: plaintext
   * @param tokenFile holds the token; read at each call, so that it may be rotated; empty: none
   */
  record Tcp(String host, int port, Optional<Tls> tls, Optional<Path> tokenFile)
      implements AdminEndpoint {
    @Override
    public String text() {
      return host.indexOf(':') < 0 ? host + ":" + port : "[" + host + "]:" + port;
    }
  }

  /**
   * What a client of TLS knows and shows.
   *
   * @param ca PEM; the server's certificate must be signed by one of these; empty: by one that the
   *     JDK knows
   * @param certificate PEM, its own chain; empty: it shows none
   * @param key PEM, PKCS#8; given with {@code certificate} and only then
   */
  record Tls(Optional<Path> ca, Optional<Path> certificate, Optional<Path> key) {
    public Tls {
      if (certificate.isPresent() != key.isPresent()) {
        throw new IllegalArgumentException("a certificate and its key go together");
      }
    }
  }
}
