package io.ipsentry.cli;

import io.ipsentry.authz.caller.CallerAuthenticator;
import io.ipsentry.authz.envoy.AccessLogRules;
import io.ipsentry.authz.envoy.EnvoyServer;
import io.ipsentry.authz.http.ForwardAuthServer;
import io.ipsentry.authz.tls.ServerTls;
import io.ipsentry.authz.tls.ServerTls.WithoutCertificate;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.BanState;
import io.ipsentry.authz.verdict.DenialLog;
import io.ipsentry.authz.verdict.Policies;
import io.ipsentry.authz.verdict.PolicyJudge;
import io.ipsentry.authz.verdict.RecentChecks;
import io.ipsentry.authz.verdict.VerdictCounters;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.Protection;
import io.ipsentry.config.AuthzConfig;
import io.ipsentry.config.Config;
import io.ipsentry.detection.HitReceiver;
import io.ipsentry.net.PrefixSet;
import io.netty.handler.ssl.SslContext;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The servers that answer gateways: gRPC for Envoy, HTTP forward-auth. Both judge by the same
 * policies and run on the same threads. Loaded only where one of them is configured. Safe for any
 * thread.
 */
final class GatewayServers implements AutoCloseable {
  private static final Logger logger = LoggerFactory.getLogger(GatewayServers.class);

  private final Parts parts;
  private final CallerAuthenticator callers;
  private final VerdictCounters grpcVerdicts = new VerdictCounters();
  private final VerdictCounters httpVerdicts = new VerdictCounters();
  private final DenialLog denials = new DenialLog(System::nanoTime);
  private final List<AutoCloseable> opened = new ArrayList<>();
  private final @Nullable EnvoyServer envoy;
  private final @Nullable ForwardAuthServer http;
  private final boolean tls;
  private volatile InForce inForce;

  /**
   * What they work with.
   *
   * @param state what is banned
   * @param protection what is never banned
   * @param hits takes the hits of trusted callers
   * @param reasonsNotReady for {@code /readyz}; empty: ready
   */
  record Parts(
      BanState state,
      Supplier<ProtectedPrefixes> protection,
      HitReceiver hits,
      Supplier<List<String>> reasonsNotReady,
      InstantSource clock) {}

  /** What a configuration says of them. */
  private record InForce(
      Policies policies, AccessLogRules accessLogs, ForwardAuthServer.Options options) {
    static InForce of(AuthzConfig authz, Config config) {
      return new InForce(
          Policies.compile(config),
          AccessLogSources.rules(config),
          new ForwardAuthServer.Options(authz.failOpen(), authz.maxConcurrentChecks()));
    }
  }

  private GatewayServers(AuthzConfig authz, Config config, Parts parts) {
    this.parts = parts;
    inForce = InForce.of(authz, config);
    callers = new CallerAuthenticator(authz.callers());
    tls = authz.tls().isPresent();
    boolean started = false;
    try {
      ServerTls contexts =
          authz
              .tls()
              .map(files ->
                  opened(ServerTls.open("authz", files, WithoutCertificate.REFUSED, parts.clock())))
              .orElse(null);
      EventLoops loops = opened(EventLoops.start(Runtime.getRuntime().availableProcessors()));
      SslContext grpcTls = contexts == null ? null : contexts.grpc();
      if (authz.listen().isPresent()) {
        EnvoyServer.warmUp(loops, judgesOfNobody()::judge, grpcTls);
      }
      envoy =
          authz
              .listen()
              .map(listen ->
                  opened(
                      EnvoyServer.start(
                          Addresses.of(listen),
                          new EnvoyServer.Parts(
                              loops,
                              judges(grpcVerdicts)::judge,
                              callers,
                              () -> inForce.accessLogs(),
                              parts.hits(),
                              parts.clock(),
                              grpcTls),
                          EnvoyServer.Limits.of(authz.maxConcurrentChecks()))))
              .orElse(null);
      SslContext httpTls = contexts == null ? null : contexts.http();
      http =
          authz
              .http()
              .map(listen ->
                  opened(
                      ForwardAuthServer.start(
                          Addresses.of(listen),
                          new ForwardAuthServer.Parts(
                              loops,
                              judges(httpVerdicts)::judge,
                              callers,
                              () -> inForce.options(),
                              parts.reasonsNotReady(),
                              httpTls))))
              .orElse(null);
      started = true;
    } finally {
      if (!started) {
        close();
      }
    }
  }

  /**
   * Starts those that are configured; empty: none is.
   *
   * @throws RuntimeException of the server that cannot start, with how to mend it
   */
  static Optional<GatewayServers> start(Config config, Parts parts) {
    return GatewayConfig.served(config).map(authz -> new GatewayServers(authz, config, parts));
  }

  private PolicyJudge.Parts judges(VerdictCounters counters) {
    return new PolicyJudge.Parts(
        () -> inForce.policies(),
        parts.protection(),
        parts.state(),
        parts.hits(),
        counters,
        denials,
        parts.clock(),
        System::nanoTime);
  }

  /** For requests that nobody made: everybody is allowed, and nothing is counted. */
  private PolicyJudge.Parts judgesOfNobody() {
    ProtectedPrefixes everybody =
        ProtectedPrefixes.of(
            new ProtectedPrefixes.Part(
                Protection.Kind.RESERVED, "", PrefixSet.parse("0.0.0.0/0", "::/0")));
    return new PolicyJudge.Parts(
        () -> inForce.policies(),
        () -> everybody,
        BanState.own(new ActiveBans()),
        parts.hits(),
        new VerdictCounters(),
        denials,
        parts.clock(),
        System::nanoTime);
  }

  private <T extends AutoCloseable> T opened(T part) {
    opened.add(part);
    return part;
  }

  /** Says by gRPC's health service whether checks can be judged. */
  void ready(boolean ready) {
    if (envoy != null) {
      envoy.ready(ready);
    }
  }

  /**
   * Puts another configuration in force: policies, callers, denials, access logs, the number of
   * concurrent checks. {@link RestartKeys} tell what stays as it was.
   */
  void reload(Config config) {
    config
        .authz()
        .ifPresent(now -> {
          inForce = InForce.of(now, config);
          callers.replace(now.callers());
          if (envoy != null) {
            envoy.maxConcurrentChecks(now.maxConcurrentChecks());
          }
        });
  }

  /** A few of the requests that were judged, of each transport. */
  List<RecentChecks> recentChecks() {
    return List.of(grpcVerdicts.recent(), httpVerdicts.recent());
  }

  /** Numbers of everything that is running. */
  GatewayNumbers numbers() {
    return new GatewayNumbers(
        Optional.ofNullable(envoy).map(server -> Addresses.text(server.address())),
        Optional.ofNullable(http).map(server -> Addresses.text(server.address())),
        tls,
        grpcVerdicts,
        httpVerdicts,
        Optional.ofNullable(envoy).map(EnvoyServer::counters),
        Optional.ofNullable(http).map(server -> server.counters().snapshot()));
  }

  /** Lets running calls end, both servers at the same time. A second call does nothing. */
  @Override
  public synchronized void close() {
    List<Thread> closing = new ArrayList<>();
    for (AutoCloseable part : opened) {
      if (part instanceof EnvoyServer || part instanceof ForwardAuthServer) {
        closing.add(Thread.startVirtualThread(() -> close(part)));
      }
    }
    try {
      for (Thread each : closing) {
        each.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    opened.reversed().forEach(GatewayServers::close);
    opened.clear();
  }

  private static void close(AutoCloseable part) {
    try {
      part.close();
    } catch (Exception e) { // AutoCloseable allows any; the others must be closed all the same
      logger.atError().setCause(e).addKeyValue("part", part.getClass()).log("cannot close");
    }
  }
}
