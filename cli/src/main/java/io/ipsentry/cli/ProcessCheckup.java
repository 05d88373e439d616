package io.ipsentry.cli;

import io.ipsentry.kubernetes.checkup.ClusterFacts.Pod;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * What one process of a release says of itself by its metrics: the age of its state, the ban log,
 * the kernel of its node.
 *
 * @param report is told each finding
 */
record ProcessCheckup(Pod pod, MetricsText metrics, Consumer<Finding> report) {
  private static final int MAX_STATE_AGE_SECONDS = 90;
  private static final int MAX_LAG_SECONDS = 5;

  void look() {
    String node = pod.node().isEmpty() ? "" : " on " + pod.node();
    String check = pod.name();
    List<Finding> found = new ArrayList<>();
    age(check, found);
    log(check, found);
    kernel(check, node, found);
    if (found.isEmpty()) {
      found.add(Finding.ok(check, pod.component() + node + backend() + age()));
    }
    found.forEach(report);
  }

  private String backend() {
    List<String> backends = metrics.labels("ip_sentry_enforcer_enforcing", "backend");
    return backends.isEmpty() ? "" : ", by " + String.join(", ", backends);
  }

  private String age() {
    return metrics.sum("ip_sentry_state_age_seconds").isPresent()
        ? ", state %.0f s old".formatted(metrics.value("ip_sentry_state_age_seconds"))
        : "";
  }

  private void age(String check, List<Finding> found) {
    double age = metrics.value("ip_sentry_state_age_seconds");
    if (age > MAX_STATE_AGE_SECONDS) {
      found.add(
          Finding.fail(
                  check,
                  "its state is %.0f s old".formatted(age),
                  "kubectl logs " + check + "; look whether it reaches the API server")
              .because("new bans, and ends of bans by hand, do not reach it"));
    }
    if (metrics.sum("ip_sentry_state_synced").orElse(1) == 0) {
      found.add(
          Finding.fail(check, "it has not read the ban log yet", "kubectl logs " + check)
              .because("it knows no bans"));
    }
    double lag = metrics.value("ip_sentry_enforcer_lag_seconds");
    if (lag > MAX_LAG_SECONDS) {
      found.add(
          Finding.warn(
              check,
              "the kernel is %.0f s behind the ban log".formatted(lag),
              "see the node's load, and kubectl logs " + check));
    }
    double lost = metrics.value("ip_sentry_report_lost_total");
    if (lost > 0) {
      found.add(
          Finding.warn(
                  check,
                  "%.0f hits were lost, because nobody took them".formatted(lost),
                  "see the finding on the leader")
              .because("those clients are banned late, or not"));
    }
  }

  private void log(String check, List<Finding> found) {
    if (metrics.value("ip_sentry_log_full") > 0) {
      found.add(
          Finding.fail(
                  check,
                  "the ban log takes no events: there is no room in the cluster",
                  "raise the namespace's quota for ConfigMaps, or free space in etcd")
              .because("no ban is added; those in force hold"));
    }
    if (metrics.sum("ip_sentry_lease_ok").orElse(1) == 0) {
      found.add(
          Finding.fail(check, "it cannot read or write the Lease", "see the finding on rights")
              .because("it cannot lead, nor learn who does"));
    }
  }

  private void kernel(String check, String node, List<Finding> found) {
    if (metrics.sum("ip_sentry_enforcer_enforcing").orElse(1) == 0) {
      found.add(
          Finding.fail(
                  check,
                  "the kernel" + node + " takes no bans" + backend(),
                  "kubectl logs " + check + "; its /readyz says why")
              .because("packets of banned clients pass on that node"));
    }
    if (metrics.value("ip_sentry_enforcer_backend_mismatch") > 0) {
      found.add(
          Finding.warn(
                  check,
                  "other rules"
                      + node
                      + " are in another flavour of iptables than ours"
                      + backend(),
                  "set enforcer.backend to the flavour of the node: iptables -V there")
              .because("where the two meet, which rule comes first is not ours to say"));
    }
    double leaks = metrics.value("ip_sentry_enforcer_leaks_total");
    if (leaks > 0) {
      found.add(
          Finding.warn(
                  check,
                  "%.0f requests of banned clients came through%s".formatted(leaks, node),
                  "preserve the clients' addresses (externalTrafficPolicy: Local), or refuse at"
                      + " the gateway (authz); with an eBPF data path, enforce at the gateway")
              .because("their packets come by another way than the kernel's tables"));
    }
    double repairs =
        metrics.value("ip_sentry_enforcer_repairs_total")
            + metrics.value("ip_sentry_enforcer_mended_total");
    if (repairs > 0) {
      found.add(
          Finding.warn(
              check,
              "our sets or rules%s were changed by others %.0f times".formatted(node, repairs),
              "find out who flushes them; they are repaired each enforcer.interval"));
    }
  }
}
