package io.ipsentry.cli;

import static io.ipsentry.cli.IntakeMetrics.counter;
import static io.ipsentry.cli.IntakeMetrics.gauge;

import io.ipsentry.enforcer.LeakCounter;
import io.ipsentry.enforcer.kernel.PacketFilter.DropCounters;
import io.ipsentry.enforcer.kernel.PacketFilterException;
import io.ipsentry.enforcer.sync.EnforcerStatus;
import io.ipsentry.watcher.metrics.LatencyHistogram;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Metrics of the bans in the kernel. */
final class EnforcerMetrics {
  static final String IPV4 = "ipv4";
  static final String IPV6 = "ipv6";

  private EnforcerMetrics() {}

  static List<MetricSnapshot> of(
      EnforcerStatus status, LatencyHistogram delay, LeakCounter.Leaks leaks) {
    List<MetricSnapshot> all = new ArrayList<>();
    all.add(
        GaugeSnapshot.builder()
            .name("ip_sentry_enforcer_enforcing")
            .help("1 while the kernel takes the bans; the label says by which backend")
            .dataPoint(
                GaugeDataPointSnapshot.builder()
                    .labels(Labels.of("backend", status.backend()))
                    .value(status.isEnforcing() ? 1 : 0)
                    .build())
            .build());
    elements(all, status);
    drops(all, status.drops());
    all.add(
        labelled(
            "ip_sentry_enforcer_leaks",
            "Requests of addresses that the kernel should have refused for more than a second",
            "seen",
            Map.of("line", leaks.lines(), "check", leaks.checks())));
    all.add(
        gauge(
            "ip_sentry_enforcer_backend_mismatch",
            "1 when the node's own rules are in other tables than ours",
            status.mismatch().isEmpty() ? 0 : 1));
    status
        .lastSync()
        .ifPresent(at ->
            all.add(
                gauge(
                    "ip_sentry_enforcer_last_sync_timestamp_seconds",
                    "When the kernel was last as it should be, Unix time",
                    at.toEpochMilli() / 1e3)));
    all.add(
        gauge(
            "ip_sentry_enforcer_read_back_seconds",
            "How long the last read-back with its repairs took",
            status.lastDuration().toNanos() / 1e9));
    all.add(counter("ip_sentry_enforcer_read_backs", "Read-backs that ended well", status.syncs()));
    Map<String, Long> failures = new LinkedHashMap<>();
    for (PacketFilterException.Cause cause : PacketFilterException.Cause.values()) {
      failures.put(
          cause.name().toLowerCase(Locale.ROOT).replace('_', '-'),
          status.failures().getOrDefault(cause, 0L));
    }
    all.add(
        labelled(
            "ip_sentry_enforcer_failures", "Times that the kernel refused", "cause", failures));
    all.add(
        gauge(
            "ip_sentry_enforcer_log_head",
            "Sequence number of the last event that is in the kernel",
            status.head()));
    all.add(
        gauge(
            "ip_sentry_enforcer_waiting_events",
            "Events that are not in the kernel yet",
            status.waiting()));
    all.add(
        gauge(
            "ip_sentry_enforcer_lag_seconds",
            "How long the oldest of them waits",
            status.lag().toNanos() / 1e9));
    all.add(
        delay.snapshot(
            "ip_sentry_enforcer_apply_seconds",
            "From an event being known here to its being in the kernel"));
    return all;
  }

  private static void elements(List<MetricSnapshot> all, EnforcerStatus status) {
    all.add(
        gauge(
            "ip_sentry_enforcer_decided_elements",
            "Addresses and prefixes that should be in the kernel",
            status.decided()));
    all.add(
        gauge(
            "ip_sentry_enforcer_enforced_elements",
            "Those of them that are, as far as is known",
            status.enforced()));
    all.add(
        gauge(
            "ip_sentry_enforcer_missing_elements",
            "Those that the last read-back did not find",
            status.missing()));
    all.add(
        gauge(
            "ip_sentry_enforcer_foreign_elements",
            "Elements that the last read-back found and that should not be there",
            status.foreign()));
    all.add(
        counter(
            "ip_sentry_enforcer_repairs",
            "Elements that a read-back had to put right",
            status.repairs()));
    all.add(
        counter(
            "ip_sentry_enforcer_mended",
            "Tables, chains, rules and sets that others had changed and that were made again",
            status.mended()));
    all.add(
        gauge(
            "ip_sentry_enforcer_carved_bans",
            "Bans that are enforced around a protected or allowed address",
            status.carvedBans()));
    all.add(
        gauge(
            "ip_sentry_enforcer_left_out_bans",
            "Bans that are not enforced because they would fall into too many pieces",
            status.leftOut().size()));
    all.add(
        gauge(
            "ip_sentry_enforcer_headers_left_out_bans",
            "Bans that are not looked for in X-Forwarded-For although that is wanted",
            status.headersLeftOut()));
  }

  private static void drops(List<MetricSnapshot> all, DropCounters drops) {
    all.add(
        labelled(
            "ip_sentry_enforcer_dropped_packets",
            "Packets refused since the rules were made",
            "family",
            Map.of(IPV4, drops.packets4(), IPV6, drops.packets6())));
    all.add(
        labelled(
            "ip_sentry_enforcer_dropped_bytes",
            "Bytes refused since the rules were made",
            "family",
            Map.of(IPV4, drops.bytes4(), IPV6, drops.bytes6())));
  }

  private static MetricSnapshot labelled(
      String name, String help, String label, Map<String, Long> values) {
    CounterSnapshot.Builder counter = CounterSnapshot.builder().name(name).help(help);
    values.forEach((value, count) ->
        counter.dataPoint(
            CounterDataPointSnapshot.builder()
                .labels(Labels.of(label, value))
                .value((double) count)
                .build()));
    return counter.build();
  }
}
