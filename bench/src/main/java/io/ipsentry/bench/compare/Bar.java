package io.ipsentry.bench.compare;

import java.util.List;
import java.util.Optional;

/**
 * What is to be reached (DESIGN, section 10): a bound of a median, absolute or as a share of
 * another subject's.
 *
 * @param than the subject whose median the bound is a share of; empty: the bound is in the metric's
 *     unit
 */
record Bar(Metric metric, String subject, double bound, Optional<String> than) {
  /** DESIGN has it as 1.00. */
  private static final double ALL_OF_IT = 0.995;

  static final List<Bar> ALL =
      List.of(
          than(Metric.LINES_NGINX, Subject.IP_SENTRY, 0.5, Subject.GREP),
          absolute(Metric.LINES_TRAEFIK, Subject.IP_SENTRY, 1_000_000),
          absolute(Metric.ANSWERED_1000, Prober.BY_LOG, 20),
          absolute(Metric.ANSWERED_1000, Prober.INLINE, 2),
          absolute(Metric.BAN_1000, Prober.BY_LOG, 250),
          absolute(Metric.WEB_1000000, Kernel.BY_IPSET, 1),
          absolute(Metric.WEB_1000000, Kernel.BY_NFTABLES, 1),
          absolute(Metric.WEB_BANS_1000000, Kernel.BY_IPSET, ALL_OF_IT),
          absolute(Metric.WEB_BANS_1000000, Kernel.BY_NFTABLES, ALL_OF_IT),
          absolute(Metric.KERNEL_100000, Kernel.BY_IPSET, 1),
          absolute(Metric.KERNEL_100000, Kernel.BY_NFTABLES, 1),
          absolute(Metric.KERNEL_1000000, Kernel.BY_IPSET, 10),
          absolute(Metric.KERNEL_1000000, Kernel.BY_NFTABLES, 10),
          absolute(Metric.MEMORY_BUSY, Subject.IP_SENTRY, 160),
          absolute(Metric.MEMORY_TRACKED, Subject.IP_SENTRY, 160),
          absolute(Metric.CLUSTER_DROP_P99, "node-0", 250),
          absolute(Metric.CLUSTER_DROP_P99, "node-1", 250),
          absolute(Metric.CLUSTER_DROP_P99, "node-2", 250),
          absolute(Metric.CLUSTER_ANSWERED_1000, Prober.BY_LOG, 20),
          absolute(Metric.CLUSTER_ANSWERED_1000, Prober.INLINE, 2),
          absolute(Metric.CHECK, "ip-sentry, 1,000,000 bans", 0.9),
          absolute(Metric.CHECK_CPU, "ip-sentry, 1,000,000 bans", 1.1));

  private static Bar absolute(Metric metric, String subject, double bound) {
    return new Bar(metric, subject, bound, Optional.empty());
  }

  private static Bar than(Metric metric, String subject, double bound, String than) {
    return new Bar(metric, subject, bound, Optional.of(than));
  }
}
