package io.ipsentry.cli;

import static io.ipsentry.cli.IntakeMetrics.counter;
import static io.ipsentry.cli.IntakeMetrics.gauge;

import io.ipsentry.kubernetes.duty.DutyStatus;
import io.ipsentry.kubernetes.leader.Leadership;
import io.ipsentry.kubernetes.log.KubernetesBanLog.Backlog;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** Metrics of a watcher's part in its cluster. */
final class ClusterMetrics {
  private ClusterMetrics() {}

  /**
   * @param full whether the log takes no events
   * @param duties none while the process does not lead
   */
  static List<MetricSnapshot> of(
      Leadership leadership, boolean full, Backlog backlog, List<DutyStatus> duties, Instant now) {
    CounterSnapshot.Builder failures =
        CounterSnapshot.builder()
            .name("ip_sentry_leader_duty_failures")
            .help("Times a duty of the leader could not be done, since this process leads");
    GaugeSnapshot.Builder ages =
        GaugeSnapshot.builder()
            .name("ip_sentry_leader_duty_age_seconds")
            .help("Time since a duty of the leader was done; absent before the first time");
    for (DutyStatus duty : duties) {
      Labels name = Labels.of("duty", duty.name());
      failures.dataPoint(
          CounterDataPointSnapshot.builder().labels(name).value((double) duty.failures()).build());
      duty.lastDone()
          .ifPresent(done ->
              ages.dataPoint(
                  GaugeDataPointSnapshot.builder()
                      .labels(name)
                      .value(Math.max(0, Duration.between(done, now).toMillis() / 1e3))
                      .build()));
    }
    return List.of(
        gauge("ip_sentry_leader", "1 while this process leads", leadership.leads() ? 1 : 0),
        counter("ip_sentry_leader_terms", "Times this process began to lead", leadership.terms()),
        gauge(
            "ip_sentry_lease_ok",
            "0 while the Lease cannot be read or written",
            leadership.problem().isEmpty() ? 1 : 0),
        gauge("ip_sentry_log_full", "1 while the log takes no events", full ? 1 : 0),
        gauge(
            "ip_sentry_log_backlog_entries",
            "ConfigMaps of the log that no snapshot has in it yet",
            backlog.entries()),
        gauge(
            "ip_sentry_log_backlog_bytes",
            "Bytes of events that no snapshot has in it yet",
            backlog.bytes()),
        failures.build(),
        ages.build());
  }
}
