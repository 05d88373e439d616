package io.ipsentry.cli;

import io.ipsentry.authz.envoy.EnvoyCounters;
import io.ipsentry.authz.transport.LatencyHistogram;
import io.ipsentry.authz.verdict.VerdictCounters;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Metrics of the servers for gateways, made at each scrape from counters that they keep anyway.
 * Labels are names of transports, policies and verdicts: closed sets, or from the configuration.
 */
final class GatewayMetrics {
  private final List<MetricSnapshot> all = new ArrayList<>();

  private GatewayMetrics() {}

  /** As of now. */
  static List<MetricSnapshot> of(GatewayNumbers numbers) {
    GatewayMetrics metrics = new GatewayMetrics();
    metrics.verdicts(numbers);
    metrics.calls(numbers);
    metrics.latencies(numbers);
    numbers.envoy().ifPresent(envoy -> metrics.accessLogs(envoy.logSnapshot()));
    return metrics.all;
  }

  private void verdicts(GatewayNumbers numbers) {
    CounterSnapshot.Builder checks =
        CounterSnapshot.builder()
            .name("ip_sentry_checks")
            .help("Requests of gateways that were judged");
    count(checks, GatewayNumbers.GRPC, numbers.grpcVerdicts());
    count(checks, GatewayNumbers.HTTP, numbers.httpVerdicts());
    all.add(checks.build());
    Map<String, Long> unknownPolicies = new LinkedHashMap<>();
    Map<String, Long> unauthenticated = new LinkedHashMap<>();
    byTransport(numbers)
        .forEach((transport, verdicts) -> {
          unknownPolicies.put(transport, verdicts.unknownPolicies());
          unauthenticated.put(transport, verdicts.unauthenticatedRequests());
        });
    counters(
        "ip_sentry_checks_unauthenticated",
        "Requests of callers that authz.callers does not name; never counted as hits",
        "transport",
        unauthenticated);
    counters(
        "ip_sentry_checks_unknown_policy",
        "Requests that named a policy that is not configured; judged by the default one",
        "transport",
        unknownPolicies);
  }

  private static Map<String, VerdictCounters> byTransport(GatewayNumbers numbers) {
    Map<String, VerdictCounters> transports = new LinkedHashMap<>();
    numbers.grpc().ifPresent(at -> transports.put(GatewayNumbers.GRPC, numbers.grpcVerdicts()));
    numbers.http().ifPresent(at -> transports.put(GatewayNumbers.HTTP, numbers.httpVerdicts()));
    return transports;
  }

  private static void count(
      CounterSnapshot.Builder checks, String transport, VerdictCounters verdicts) {
    for (VerdictCounters.Count count : verdicts.counts()) {
      checks.dataPoint(
          CounterDataPointSnapshot.builder()
              .labels(
                  Labels.of(
                      "transport",
                      transport,
                      "policy",
                      count.policy().isEmpty() ? "default" : count.policy(),
                      "verdict",
                      count.verdict().wireName()))
              .value((double) count.count())
              .build());
    }
  }

  private void calls(GatewayNumbers numbers) {
    Map<String, Long> inFlight = new LinkedHashMap<>();
    Map<String, Long> overload = new LinkedHashMap<>();
    Map<String, Long> malformed = new LinkedHashMap<>();
    Map<String, Long> failOpen = new LinkedHashMap<>();
    numbers
        .envoy()
        .map(EnvoyCounters::snapshot)
        .ifPresent(calls -> {
          inFlight.put(GatewayNumbers.GRPC, (long) calls.inFlight());
          overload.put(GatewayNumbers.GRPC, calls.overload());
          malformed.put(GatewayNumbers.GRPC, calls.malformed());
        });
    numbers
        .forwardAuth()
        .ifPresent(calls -> {
          inFlight.put(GatewayNumbers.HTTP, (long) calls.inFlight());
          overload.put(GatewayNumbers.HTTP, calls.overload());
          malformed.put(GatewayNumbers.HTTP, calls.malformed() + calls.tooLarge());
          failOpen.put(GatewayNumbers.HTTP, calls.failOpen());
        });
    gauges(
        "ip_sentry_checks_in_flight",
        "Calls of gateways that have begun and are not answered",
        "transport",
        inFlight);
    counters(
        "ip_sentry_checks_overload",
        "Calls of gateways that were not judged because too many were running",
        "transport",
        overload);
    counters(
        "ip_sentry_checks_malformed",
        "Calls of gateways that could not be understood",
        "transport",
        malformed);
    counters(
        "ip_sentry_checks_failure_allowed",
        "Requests let through because they could not be judged (authz.failOpen)",
        "transport",
        failOpen);
  }

  private void latencies(GatewayNumbers numbers) {
    HistogramSnapshot.Builder both =
        HistogramSnapshot.builder()
            .name("ip_sentry_check_seconds")
            .help("From the first byte of a call of a gateway to its answer");
    numbers
        .envoy()
        .ifPresent(
            envoy -> both.dataPoint(latency(GatewayNumbers.GRPC, envoy.snapshot().latency())));
    numbers
        .forwardAuth()
        .ifPresent(calls -> both.dataPoint(latency(GatewayNumbers.HTTP, calls.latency())));
    all.add(both.build());
  }

  private static HistogramDataPointSnapshot latency(
      String transport, LatencyHistogram.Snapshot latency) {
    ClassicHistogramBuckets.Builder buckets = ClassicHistogramBuckets.builder();
    for (int i = 0; i < latency.counts().size(); i++) {
      boolean last = i == latency.boundsSeconds().size();
      buckets.bucket(
          last ? Double.POSITIVE_INFINITY : latency.boundsSeconds().get(i),
          latency.counts().get(i));
    }
    return HistogramDataPointSnapshot.builder()
        .labels(Labels.of("transport", transport))
        .classicHistogramBuckets(buckets.build())
        .sum(latency.sumSeconds())
        .build();
  }

  private void accessLogs(EnvoyCounters.LogSnapshot logs) {
    counter("ip_sentry_als_streams", "Access-log streams that were opened", logs.streams());
    counter("ip_sentry_als_entries", "Entries about requests that are over", logs.entries());
    counter(
        "ip_sentry_als_entries_unauthenticated",
        "Entries of callers that authz.callers does not name; not judged",
        logs.unauthenticated());
    counter("ip_sentry_als_hits", "Hits found in entries", logs.hits());
    counter("ip_sentry_als_hits_lost", "Hits for which there was no room", logs.hitsLost());
  }

  private void counter(String name, String help, long value) {
    all.add(
        CounterSnapshot.builder()
            .name(name)
            .help(help)
            .dataPoint(CounterDataPointSnapshot.builder().value((double) value).build())
            .build());
  }

  private void counters(String name, String help, String label, Map<String, Long> values) {
    CounterSnapshot.Builder builder = CounterSnapshot.builder().name(name).help(help);
    values.forEach((value, count) ->
        builder.dataPoint(
            CounterDataPointSnapshot.builder()
                .labels(Labels.of(label, value))
                .value((double) count)
                .build()));
    all.add(builder.build());
  }

  private void gauges(String name, String help, String label, Map<String, Long> values) {
    GaugeSnapshot.Builder builder = GaugeSnapshot.builder().name(name).help(help);
    values.forEach((value, count) ->
        builder.dataPoint(
            GaugeDataPointSnapshot.builder()
                .labels(Labels.of(label, value))
                .value((double) count)
                .build()));
    all.add(builder.build());
  }
}
