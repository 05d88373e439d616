package io.ipsentry.bench.compare;

import java.util.Arrays;
import java.util.List;

/** What is measured, in the order of the report. */
enum Metric {
  LINES_NGINX("lines-nginx", Section.LINES, "nginx `combined`", "lines/s", true),
  LINES_TRAEFIK("lines-traefik", Section.LINES, "Traefik JSON", "lines/s", true),
  ANSWERED_10("answered-10", Section.ANSWERED, "10 a second", "requests", false),
  ANSWERED_100("answered-100", Section.ANSWERED, "100 a second", "requests", false),
  ANSWERED_1000("answered-1000", Section.ANSWERED, "1,000 a second", "requests", false),
  BAN_10("ban-10", Section.BAN, "10 a second", "ms", false),
  BAN_100("ban-100", Section.BAN, "100 a second", "ms", false),
  BAN_1000("ban-1000", Section.BAN, "1,000 a second", "ms", false),
  WEB_0("web-0", Section.WEB, "no bans", "of no firewall", true),
  WEB_10000("web-10000", Section.WEB, "10,000 bans", "of no firewall", true),
  WEB_100000("web-100000", Section.WEB, "100,000 bans", "of no firewall", true),
  WEB_1000000("web-1000000", Section.WEB, "1,000,000 bans", "of no firewall", true),
  WEB_BANS_10000("web-bans-10000", Section.WEB_BANS, "10,000 bans", "of no bans", true),
  WEB_BANS_100000("web-bans-100000", Section.WEB_BANS, "100,000 bans", "of no bans", true),
  WEB_BANS_1000000("web-bans-1000000", Section.WEB_BANS, "1,000,000 bans", "of no bans", true),
  WEB_CPU_0("web-cpu-0", Section.WEB_CPU, "no bans", "of no firewall", false),
  WEB_CPU_10000("web-cpu-10000", Section.WEB_CPU, "10,000 bans", "of no firewall", false),
  WEB_CPU_100000("web-cpu-100000", Section.WEB_CPU, "100,000 bans", "of no firewall", false),
  WEB_CPU_1000000("web-cpu-1000000", Section.WEB_CPU, "1,000,000 bans", "of no firewall", false),
  KERNEL_100000("kernel-100000", Section.KERNEL, "100,000 bans", "s", false),
  KERNEL_1000000("kernel-1000000", Section.KERNEL, "1,000,000 bans", "s", false),
  RESTORE_1000("restore-1000", Section.RESTORE, "1,000 bans", "s", false),
  RESTORE_10000("restore-10000", Section.RESTORE, "10,000 bans", "s", false),
  RESTORE_100000("restore-100000", Section.RESTORE, "100,000 bans", "s", false),
  RESTORE_1000000("restore-1000000", Section.RESTORE, "1,000,000 bans", "s", false),
  MEMORY_IDLE("memory-idle", Section.MEMORY, "idle", "MiB", false),
  MEMORY_BUSY("memory-busy", Section.MEMORY, "1,000 lines/s", "MiB", false),
  MEMORY_TRACKED("memory-tracked", Section.MEMORY, "1,000,000 tracked addresses", "MiB", false),
  CPU_IDLE("cpu-idle", Section.CPU, "idle", "% of a core", false),
  CPU_BUSY("cpu-busy", Section.CPU, "1,000 lines/s", "% of a core", false),
  START("start", Section.START, "until it watches", "s", false),
  CHECK("check", Section.CHECK, "calls", "of an echo", true),
  CHECK_CPU("check-cpu", Section.CHECK, "processor time a call", "of an echo", false),
  FORWARD("forward", Section.FORWARD, "calls", "of nginx", true),
  FORWARD_CPU("forward-cpu", Section.FORWARD, "processor time a call", "of nginx", false),
  CLUSTER_DROP_P50("cluster-drop-p50", Section.CLUSTER_DROP, "half of them", "ms", false),
  CLUSTER_DROP_P99("cluster-drop-p99", Section.CLUSTER_DROP, "99 of 100", "ms", false),
  CLUSTER_ANSWERED_10(
      "cluster-answered-10", Section.CLUSTER_ANSWERED, "10 a second", "requests", false),
  CLUSTER_ANSWERED_100(
      "cluster-answered-100", Section.CLUSTER_ANSWERED, "100 a second", "requests", false),
  CLUSTER_ANSWERED_1000(
      "cluster-answered-1000", Section.CLUSTER_ANSWERED, "1,000 a second", "requests", false),
  CLUSTER_ANSWERED_SWARM(
      "cluster-answered-swarm",
      Section.CLUSTER_ANSWERED,
      "1,000 a second of 1,000 addresses",
      "requests an address",
      false),
  CLUSTER_GUESSED("cluster-guessed", Section.CLUSTER_GUESSED, "answered", "requests", false),
  CLUSTER_FAULT("cluster-fault", Section.CLUSTER_FAULTS, "it lasted", "s", false),
  CLUSTER_BANNED("cluster-banned", Section.CLUSTER_FAULTS, "all banned after it", "s", false),
  CLUSTER_MEMORY("cluster-memory", Section.CLUSTER_MEMORY, "under attack", "MiB", false),
  CLUSTER_MEMORY_FAULTS(
      "cluster-memory-faults", Section.CLUSTER_MEMORY, "after the faults", "MiB", false),
  CLUSTER_LAG("cluster-lag", Section.CLUSTER_LAG, "the longest", "s", false);

  /** As in raw results. */
  final String id;

  final Section section;

  /** Within its section. */
  final String title;

  final String unit;

  /** Whether more is better. */
  final boolean isMoreBetter;

  Metric(String id, Section section, String title, String unit, boolean isMoreBetter) {
    this.id = id;
    this.section = section;
    this.title = title;
    this.unit = unit;
    this.isMoreBetter = isMoreBetter;
  }

  static Metric of(String id) {
    return Arrays.stream(values())
        .filter(metric -> metric.id.equals(id))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no such metric: " + id));
  }

  static List<Metric> of(Section section) {
    return Arrays.stream(values()).filter(metric -> metric.section == section).toList();
  }

  boolean isBetter(double one, double other) {
    return isMoreBetter ? one > other : one < other;
  }
}
