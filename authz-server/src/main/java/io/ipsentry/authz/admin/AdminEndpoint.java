package io.ipsentry.authz.admin;

import java.nio.file.Path;
import java.util.Optional;
import javax.net.ssl.KeyManager;

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
   * @param token asked at each call; empty: none is sent
   */
  record Tcp(String host, int port, Optional<Tls> tls, Optional<TokenSource> token)
      implements AdminEndpoint {
    @Override
    public String text() {
      return host.indexOf(':') < 0 ? host + ":" + port : "[" + host + "]:" + port;
    }
  }

  /**
   * TCP through a tunnel that leads to the right place by itself.
   *
   * @param text as messages name its far end
   * @param passage closed with the channel
   */
  record Tunnel(String text, Passage passage, Optional<Tls> tls, Optional<TokenSource> token)
      implements AdminEndpoint {}

  /** A port of the loopback of this host that leads elsewhere. Safe for any thread. */
  interface Passage extends AutoCloseable {
    /** As text, without brackets. */
    String host();

    int port();

    /** Why a connection through it failed, for people; empty: none has. */
    Optional<String> problem();

    @Override
    void close();
  }

  /**
   * What a client of TLS knows and shows.
   *
   * @param ca PEM; the server's certificate must be signed by one of these; empty: by one that the
   *     JDK knows
   * @param certificate PEM, its own chain; empty: it shows none of a file
   * @param key PEM, PKCS#8; given with {@code certificate} and only then
   * @param serverName what the server's certificate is for; empty: the host
   * @param shown gives its own certificate where that is in no file of its own; empty: it shows
   *     that of {@code certificate}, if any
   * @param verified whether the server's certificate is looked at. Only where something else proves
   *     who the server is, may it be false
   */
  record Tls(
      Optional<Path> ca,
      Optional<Path> certificate,
      Optional<Path> key,
      Optional<String> serverName,
      Optional<KeyManager> shown,
      boolean verified) {
    public Tls {
      if (certificate.isPresent() != key.isPresent()) {
        throw new IllegalArgumentException("a certificate and its key go together");
      }
      if (certificate.isPresent() && shown.isPresent()) {
        throw new IllegalArgumentException("one certificate is shown");
      }
    }

    /** With files, for a server that has a certificate for its host. */
    public Tls(Optional<Path> ca, Optional<Path> certificate, Optional<Path> key) {
      this(ca, certificate, key, Optional.empty(), Optional.empty(), true);
    }

    /** For a server whose certificate is for another name than its address. */
    public static Tls of(Optional<Path> ca, Optional<String> serverName) {
      return new Tls(ca, Optional.empty(), Optional.empty(), serverName, Optional.empty(), true);
    }
  }
}
