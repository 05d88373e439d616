package io.ipsentry.cli;

import io.ipsentry.authz.envoy.EnvoyCounters;
import io.ipsentry.authz.http.ForwardAuthCounters;
import io.ipsentry.authz.verdict.VerdictCounters;
import io.ipsentry.proto.v1.AccessLogStatus;
import io.ipsentry.proto.v1.GatewayServerStatus;
import io.ipsentry.proto.v1.GatewayStatus;
import io.ipsentry.proto.v1.VerdictCount;
import java.util.Optional;

/**
 * What the servers for gateways did since they started.
 *
 * @param grpc where it listens; empty: it does not run
 * @param http where it listens; empty: it does not run
 */
record GatewayNumbers(
    Optional<String> grpc,
    Optional<String> http,
    boolean tls,
    VerdictCounters grpcVerdicts,
    VerdictCounters httpVerdicts,
    Optional<EnvoyCounters> envoy,
    Optional<ForwardAuthCounters.Snapshot> forwardAuth) {

  static final String GRPC = "grpc";
  static final String HTTP = "http";

  /** As {@code StatusService} tells it. */
  GatewayStatus toProto(long pendingBans) {
    GatewayStatus.Builder status = GatewayStatus.newBuilder().setPendingBans(pendingBans);
    envoy.ifPresent(counters -> {
      EnvoyCounters.Snapshot calls = counters.snapshot();
      status.addServers(
          GatewayServerStatus.newBuilder()
              .setTransport(GRPC)
              .setAddress(grpc.orElse(""))
              .setTls(tls)
              .setInFlight(calls.inFlight())
              .setOverload(calls.overload())
              .setUnauthenticated(grpcVerdicts.unauthenticatedRequests()));
      EnvoyCounters.LogSnapshot logs = counters.logSnapshot();
      status.setAccessLogs(
          AccessLogStatus.newBuilder()
              .setStreams(logs.streams())
              .setEntries(logs.entries())
              .setUnauthenticated(logs.unauthenticated())
              .setHits(logs.hits())
              .setHitsLost(logs.hitsLost()));
    });
    forwardAuth.ifPresent(calls ->
        status.addServers(
            GatewayServerStatus.newBuilder()
                .setTransport(HTTP)
                .setAddress(http.orElse(""))
                .setTls(tls)
                .setInFlight(calls.inFlight())
                .setOverload(calls.overload())
                .setUnauthenticated(httpVerdicts.unauthenticatedRequests())));
    addVerdicts(status, GRPC, grpcVerdicts);
    addVerdicts(status, HTTP, httpVerdicts);
    return status.build();
  }

  private static void addVerdicts(
      GatewayStatus.Builder status, String transport, VerdictCounters verdicts) {
    for (VerdictCounters.Count count : verdicts.counts()) {
      if (count.count() > 0) {
        status.addVerdicts(
            VerdictCount.newBuilder()
                .setTransport(transport)
                .setPolicy(count.policy())
                .setVerdict(count.verdict().wireName())
                .setCount(count.count()));
      }
    }
  }
}
