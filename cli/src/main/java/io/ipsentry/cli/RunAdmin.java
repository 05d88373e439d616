package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminCallers;
import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.authz.admin.AdminTcp;
import io.ipsentry.authz.admin.ClusterAccess;
import io.ipsentry.authz.admin.StreamingService;
import io.ipsentry.authz.checks.CheckServiceEndpoint;
import io.ipsentry.authz.tls.ServerTls;
import io.ipsentry.authz.tls.ServerTls.WithoutCertificate;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.config.AdminConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.ListenAddress;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.netty.handler.ssl.SslContext;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The admin API of a process: on the socket, and over TCP where the configuration says so. Safe for
 * any thread.
 */
final class RunAdmin implements AutoCloseable {
  private static final Logger logger = LoggerFactory.getLogger(RunAdmin.class);

  private final AdminServer server;
  private final @Nullable ServerTls tls;
  private final AtomicReference<AdminCallers> callers;

  private RunAdmin(
      AdminServer server, @Nullable ServerTls tls, AtomicReference<AdminCallers> callers) {
    this.server = server;
    this.tls = tls;
    this.callers = callers;
  }

  /** Starts to serve where no cluster knows the callers. */
  static RunAdmin start(
      Path socket,
      AdminConfig config,
      BanOperations operations,
      Supplier<GetStatusResponse> status,
      StreamingService hits,
      CheckServiceEndpoint checks,
      BanWriter writer,
      InstantSource clock) {
    return start(socket, config, operations, status, hits, checks, writer, Optional.empty(), clock);
  }

  /**
   * Starts to serve.
   *
   * @param hits takes hits that other processes report
   * @param checks tells of requests that were judged
   * @param writer of the log that is operated on
   * @param cluster knows who may do what; empty: whoever is let in may do everything
   */
  static RunAdmin start(
      Path socket,
      AdminConfig config,
      BanOperations operations,
      Supplier<GetStatusResponse> status,
      StreamingService hits,
      CheckServiceEndpoint checks,
      BanWriter writer,
      Optional<ClusterAccess> cluster,
      InstantSource clock) {
    AtomicReference<AdminCallers> callers = new AtomicReference<>(AdminCallers.of(config));
    AdminServer.Builder builder =
        AdminServer.builder(operations, status).service(hits).service(checks).snapshots(writer);
    // Who shows no certificate is told so by the call, and may still ask for health. A cluster's
    // certificates are verified by the call, too, for its authorities may change.
    WithoutCertificate without =
        cluster.isPresent() ? WithoutCertificate.LET_IN_WITH_ANY : WithoutCertificate.LET_IN;
    ServerTls tls =
        config.listen().isEmpty()
            ? null
            : config
                .tls()
                .map(files -> ServerTls.open("admin", files, without, clock))
                .orElse(null);
    boolean done = false;
    try {
      if (config.listen().isPresent()) {
        ListenAddress listen = config.listen().get();
        Optional<SslContext> context = Optional.ofNullable(tls).map(ServerTls::grpc);
        builder.tcp(new AdminTcp(Addresses.of(listen), context, callers::get, cluster));
        if (context.isEmpty()) {
          logger
              .atWarn()
              .addKeyValue("listen", listen)
              .log("the admin API over TCP is without TLS: whoever is on the way reads it");
        }
      }
      AdminServer server = builder.start(socket);
      done = true;
      return new RunAdmin(server, tls, callers);
    } finally {
      if (!done && tls != null) {
        tls.close();
      }
    }
  }

  /** Takes other tokens from now on; {@link RestartKeys} tell what stays as it was. */
  void reload(Config config) {
    callers.set(AdminCallers.of(config.admin()));
  }

  /** Calls over TCP that were refused because their caller was not known. */
  long refusedCalls() {
    return server.refusedCalls();
  }

  @Override
  public void close() {
    server.close();
    if (tls != null) {
      tls.close();
    }
  }
}
