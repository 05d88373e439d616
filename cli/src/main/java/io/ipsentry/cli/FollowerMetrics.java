package io.ipsentry.cli;

import static io.ipsentry.cli.IntakeMetrics.counter;
import static io.ipsentry.cli.IntakeMetrics.gauge;

import io.ipsentry.authz.hits.HitReportClient;
import io.ipsentry.banlog.FollowedLog;
import io.ipsentry.detection.RequestDetection;
import io.ipsentry.watcher.metrics.ProcessMetrics;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** The metrics of {@code authz-server}, made at each scrape. */
final class FollowerMetrics {
  private final FollowedState followed;
  private final HitReportClient reporter;
  private final RequestDetection detection;
  private final Supplier<GatewayNumbers> gateways;
  private final ConfigReloads reloads;
  private final String version;
  private final InstantSource clock;
  private final ProcessMetrics process = ProcessMetrics.linux();

  FollowerMetrics(
      FollowedState followed,
      HitReportClient reporter,
      RequestDetection detection,
      Supplier<GatewayNumbers> gateways,
      ConfigReloads reloads,
      String version,
      InstantSource clock) {
    this.followed = followed;
    this.reporter = reporter;
    this.detection = detection;
    this.gateways = gateways;
    this.reloads = reloads;
    this.version = version;
    this.clock = clock;
  }

  /** All metrics as of now. */
  MetricSnapshots collect() {
    List<MetricSnapshot> all = new ArrayList<>(GatewayMetrics.of(gateways.get()));
    all.addAll(followed.metrics());
    all.addAll(reporter(reporter.statistics(), clock));
    RequestDetection.Numbers windows = detection.numbers();
    all.add(
        gauge(
            "ip_sentry_tracked_addresses",
            "Addresses whose hits are being counted",
            windows.trackedAddresses()));
    all.add(
        gauge(
            "ip_sentry_tracked_bytes", "Memory of the tracked addresses", windows.trackedBytes()));
    all.add(
        gauge(
            "ip_sentry_pending_bans",
            "Bans of requests that hold here until the owner has decided",
            detection.pendingBans()));
    all.addAll(build(reloads, version));
    all.addAll(process.collect());
    return new MetricSnapshots(all);
  }

  /** Of a process that follows an owner's log. */
  static List<MetricSnapshot> state(FollowedLog follower) {
    List<MetricSnapshot> all = new ArrayList<>();
    all.add(
        gauge(
            "ip_sentry_state_synced",
            "1 when the whole log of the owner was read once",
            follower.isSynced() ? 1 : 0));
    all.add(
        gauge(
            "ip_sentry_state_age_seconds",
            "Time since the state was last known to be all of the owner's log",
            follower.age().toMillis() / 1e3));
    all.add(
        gauge(
            "ip_sentry_owner_connected",
            "1 while the owner's log is followed",
            follower.isConnected() ? 1 : 0));
    all.add(
        counter(
            "ip_sentry_owner_connections",
            "Times the owner's log was connected to",
            follower.connections()));
    all.add(
        counter(
            "ip_sentry_owner_snapshots",
            "Times the state was taken whole from the owner, in place of events",
            follower.snapshots()));
    all.add(
        gauge(
            "ip_sentry_log_head",
            "Sequence number of the last event of the log that is known",
            follower.bans().head()));
    return all;
  }

  /** Of the configuration and the program. */
  static List<MetricSnapshot> build(ConfigReloads reloads, String version) {
    List<MetricSnapshot> all = new ArrayList<>();
    all.add(
        gauge(
            "ip_sentry_config_last_reload_ok",
            "0 while the file on disk was refused and an older configuration is in force",
            reloads.problem().isEmpty() ? 1 : 0));
    all.add(
        GaugeSnapshot.builder()
            .name("ip_sentry_build_info")
            .help("Always 1; the label says which version runs")
            .dataPoint(
                GaugeDataPointSnapshot.builder()
                    .labels(Labels.of("version", version))
                    .value(1)
                    .build())
            .build());
    return all;
  }

  /**
   * Why a process that follows a log does not know it; empty: it does.
   *
   * @param whose log it is, as people read it
   */
  static List<String> reasonsNotReady(String whose, FollowedLog follower) {
    if (!follower.problem().isEmpty()) {
      return List.of(whose + ": " + follower.problem());
    }
    if (follower.isSynced()) {
      return List.of();
    }
    return List.of(
        whose
            + ": "
            + (follower.isConnected()
                ? "its log is being read, event " + follower.bans().head()
                : "it cannot be reached, and its log was never read"));
  }

  /** Of hits that are reported to the owner. */
  static List<MetricSnapshot> reporter(HitReportClient.Statistics hits, InstantSource clock) {
    long oldest = hits.oldestWaitingMillis().orElse(Long.MAX_VALUE);
    return List.of(
        gauge("ip_sentry_report_queue", "Hits kept until the owner has stored them", hits.queued()),
        gauge(
            "ip_sentry_report_waiting", "Hits that the owner has not counted yet", hits.waiting()),
        gauge(
            "ip_sentry_report_waiting_age_seconds",
            "Time since the oldest of them happened; 0 when there is none",
            Math.max(0, clock.millis() - Math.min(oldest, clock.millis())) / 1e3),
        counter("ip_sentry_report_hits", "Hits taken to be reported", hits.reported()),
        counter("ip_sentry_report_sent", "Hits sent, repeated ones too", hits.sent()),
        counter(
            "ip_sentry_report_sent_bytes",
            "Bytes of the messages that hits were sent in",
            hits.sentBytes()),
        counter(
            "ip_sentry_report_counted",
            "Hits that the owner has counted; fewer when another owner begins to",
            hits.counted()),
        counter("ip_sentry_report_decided", "Hits that the owner has decided on", hits.decided()),
        counter("ip_sentry_report_lost", "Hits for which there was no room", hits.lost()),
        gauge(
            "ip_sentry_report_connected",
            "1 while hits are reported to the owner",
            hits.connected() ? 1 : 0));
  }
}
