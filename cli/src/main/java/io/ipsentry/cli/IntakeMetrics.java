package io.ipsentry.cli;

import io.ipsentry.authz.hits.HitServiceEndpoint;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.util.List;

/** Metrics of hits that servers and other processes find, and of who asked the admin API. */
final class IntakeMetrics {
  private IntakeMetrics() {}

  /** Of the process that owns the windows. */
  static List<MetricSnapshot> of(HitServiceEndpoint.Statistics hits, long refusedCalls) {
    return List.of(
        gauge("ip_sentry_reporters", "Processes that report hits now", hits.reporters()),
        counter("ip_sentry_reported_hits", "Hits that other processes reported", hits.hits()),
        counter(
            "ip_sentry_reported_hits_repeated",
            "Reported hits that came again and were not counted",
            hits.repeated()),
        counter(
            "ip_sentry_reported_hits_postponed",
            "Messages of reporters that had to wait for room",
            hits.postponed()),
        counter(
            "ip_sentry_admin_refused_calls",
            "Calls of the admin API over TCP whose caller was not known",
            refusedCalls));
  }

  /** Of inline rules. */
  static List<MetricSnapshot> pending(long pendingBans, long lostHits) {
    return List.of(
        gauge(
            "ip_sentry_pending_bans",
            "Bans of requests that hold and are not in the log yet",
            pendingBans),
        counter(
            "ip_sentry_hits_lost",
            "Hits of answered requests for which there was no room",
            lostHits));
  }

  static MetricSnapshot counter(String name, String help, long value) {
    return CounterSnapshot.builder()
        .name(name)
        .help(help)
        .dataPoint(CounterDataPointSnapshot.builder().value((double) value).build())
        .build();
  }

  static MetricSnapshot gauge(String name, String help, long value) {
    return gauge(name, help, (double) value);
  }

  static MetricSnapshot gauge(String name, String help, double value) {
    return GaugeSnapshot.builder()
        .name(name)
        .help(help)
        .dataPoint(GaugeDataPointSnapshot.builder().value(value).build())
        .build();
  }
}
