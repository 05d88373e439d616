package io.ipsentry.authz.tls;

import io.grpc.netty.GrpcSslContexts;
import io.ipsentry.config.FileChanges;
import io.ipsentry.config.TlsConfig;
import io.ipsentry.config.TlsFileException;
import io.ipsentry.config.TlsMaterial;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * TLS of a server, whose certificate, key and client authorities are read again when their files
 * change.
 *
 * <p>New connections get the newest pair that fits together, within {@link
 * FileChanges#POLL_INTERVAL} and mostly at once; open ones stay as they are. Files that cannot be
 * used leave in force what was before, which is logged and counted. TLS 1.2 and 1.3 by the JDK.
 * With client authorities a client whose certificate none of them signed is refused in the
 * handshake. Safe for any thread.
 */
public final class ServerTls implements AutoCloseable {
  private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};
  private static final Logger logger = LoggerFactory.getLogger(ServerTls.class);

  private final String server;
  private final TlsConfig config;
  private final WithoutCertificate without;
  private final InstantSource clock;
  private final SslContext grpc = new NewestSslContext(() -> current().grpc());
  private final SslContext http = new NewestSslContext(() -> current().http());
  private final LongAdder reloads = new LongAdder();
  private final LongAdder refusals = new LongAdder();
  private final FileChanges changes;
  private volatile Contexts contexts;
  private volatile @Nullable String refused;

  /** What becomes of a client without a certificate where {@link TlsConfig#clientCa} is given. */
  public enum WithoutCertificate {
    /** It is refused in the handshake. */
    REFUSED,
    /** It is let in, and whoever serves it finds that it has none. */
    LET_IN,
    /**
     * As before; and so is a client with a certificate of whatever authority, also where no client
     * authority is given: whoever serves it must verify it. That the client has its key is proved.
     */
    LET_IN_WITH_ANY
  }

  /** What is in force. */
  private record Contexts(TlsMaterial material, SslContext grpc, SslContext http) {
    static Contexts of(TlsMaterial material, WithoutCertificate without) throws SSLException {
      return new Contexts(
          material,
          GrpcSslContexts.configure(builder(material, without), SslProvider.JDK).build(),
          builder(material, without).sslProvider(SslProvider.JDK).build());
    }

    private static SslContextBuilder builder(TlsMaterial material, WithoutCertificate without) {
      SslContextBuilder builder =
          SslContextBuilder.forServer(material.key(), material.chain()).protocols(PROTOCOLS);
      return switch (without) {
        case LET_IN_WITH_ANY ->
            builder.trustManager(new AnyClient()).clientAuth(ClientAuth.OPTIONAL);
        case REFUSED, LET_IN -> {
          if (material.clientCas().isEmpty()) {
            yield builder;
          }
          yield builder
              .trustManager(material.clientCas())
              .clientAuth(
                  without == WithoutCertificate.REFUSED ? ClientAuth.REQUIRE : ClientAuth.OPTIONAL);
        }
      };
    }
  }

  private ServerTls(
      String server,
      TlsConfig config,
      WithoutCertificate without,
      InstantSource clock,
      Contexts contexts) {
    this.server = server;
    this.config = config;
    this.without = without;
    this.clock = clock;
    this.contexts = contexts;
    Set<Path> files = new HashSet<>(Set.of(config.certificate(), config.key()));
    config.clientCa().ifPresent(files::add);
    changes = FileChanges.watch(files, "tls-" + server, this::reload);
  }

  /**
   * Reads the files and begins to watch them.
   *
   * @param server what messages call it, such as {@code authz}
   * @param without matters only where {@code config} names client authorities
   * @param clock tells which certificates have expired, which is logged; they are used all the same
   * @throws TlsFileException if the files cannot be used
   */
  public static ServerTls open(
      String server, TlsConfig config, WithoutCertificate without, InstantSource clock) {
    TlsMaterial material = TlsMaterial.read(config);
    try {
      Contexts contexts = Contexts.of(material, without);
      ServerTls tls = new ServerTls(server, config, without, clock, contexts);
      tls.logDoubt(material);
      return tls;
    } catch (SSLException e) {
      throw TlsFileException.unusable(config.certificate(), e);
    }
  }

  /** For a gRPC server: HTTP/2, agreed on by ALPN. Always the same object. */
  public SslContext grpc() {
    return grpc;
  }

  /** For an HTTP/1.1 server. Always the same object. */
  public SslContext http() {
    return http;
  }

  /** When the certificate in force ceases to be valid. */
  public Instant expiresAt() {
    return current().material().expiresAt();
  }

  /** How often another pair was taken. */
  public long reloads() {
    return reloads.sum();
  }

  /** How often changed files could not be used. */
  public long refusals() {
    return refusals.sum();
  }

  /** Why the files as they are now are not in force; null: they are. */
  public @Nullable String refused() {
    return refused;
  }

  private Contexts current() {
    return contexts;
  }

  /** Runs on the thread that watches the files. */
  private void reload() {
    try {
      TlsMaterial material = TlsMaterial.read(config);
      if (material.equals(contexts.material())) {
        if (refused != null) {
          refused = null;
          logger.atInfo().addKeyValue("server", server).log("certificate files are in order again");
        }
        return;
      }
      contexts = Contexts.of(material, without);
      refused = null;
      reloads.increment();
      logger
          .atInfo()
          .addKeyValue("server", server)
          .addKeyValue("subject", material.chain().get(0).getSubjectX500Principal())
          .addKeyValue("serial", material.chain().get(0).getSerialNumber().toString(16))
          .addKeyValue("expires", material.expiresAt())
          .log("certificate reloaded");
      logDoubt(material);
    } catch (TlsFileException e) {
      refuse(e.file() + " " + e.what(), e.mend());
    } catch (SSLException e) {
      refuse(config.certificate() + " cannot be used: " + e.getMessage(), "use another one");
    }
  }

  private void refuse(String why, String mend) {
    refusals.increment();
    if (!why.equals(refused)) {
      logger
          .atError()
          .addKeyValue("server", server)
          .addKeyValue("why", why)
          .addKeyValue("mend", mend)
          .addKeyValue("expires", expiresAt())
          .log("certificate not reloaded, the one before stays in force");
    }
    refused = why;
  }

  private void logDoubt(TlsMaterial material) {
    material
        .doubt(clock.instant())
        .ifPresent(doubt ->
            logger
                .atWarn()
                .addKeyValue("server", server)
                .addKeyValue("file", config.certificate())
                .addKeyValue("doubt", doubt)
                .log("certificate should be renewed"));
  }

  /** Ends watching. The contexts can still be used. */
  @Override
  public void close() {
    changes.close();
  }
}
