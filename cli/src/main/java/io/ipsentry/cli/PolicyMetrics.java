package io.ipsentry.cli;

import static io.ipsentry.cli.IntakeMetrics.gauge;

import io.ipsentry.kubernetes.policy.PolicyReport;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.util.List;

/** What the leader knows of BanPolicies. Stateless. */
final class PolicyMetrics {
  private PolicyMetrics() {}

  static List<MetricSnapshot> of(PolicyReport report) {
    GaugeSnapshot.Builder routes =
        GaugeSnapshot.builder()
            .name("ip_sentry_ban_policy_routes")
            .help("Routes that a BanPolicy should reach through the gateways it attaches to");
    for (PolicyReport.OfPolicy policy : report.policies()) {
      routes
          .dataPoint(point(policy.name(), "yes", policy.routes() - policy.uncovered()))
          .dataPoint(point(policy.name(), "no", policy.uncovered()));
    }
    return List.of(
        gauge("ip_sentry_ban_policies", "BanPolicies of the cluster", report.policies().size()),
        gauge(
            "ip_sentry_ban_policies_not_accepted",
            "BanPolicies that hold nowhere",
            report.policies().stream().filter(policy -> !policy.accepted()).count()),
        routes.build());
  }

  private static GaugeDataPointSnapshot point(String policy, String covered, int count) {
    return GaugeDataPointSnapshot.builder()
        .labels(Labels.of("policy", policy, "covered", covered))
        .value(count)
        .build();
  }
}
