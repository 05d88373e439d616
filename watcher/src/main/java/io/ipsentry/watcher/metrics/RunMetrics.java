package io.ipsentry.watcher.metrics;

import io.ipsentry.watcher.metrics.RunStatistics.ContainerStatistics;
import io.ipsentry.watcher.metrics.RunStatistics.PodStatistics;
import io.ipsentry.watcher.metrics.RunStatistics.RuleStatistics;
import io.ipsentry.watcher.metrics.RunStatistics.SourceStatistics;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * The metrics of a running ip-sentry, made from {@link RunStatistics} at each scrape, so that
 * detection keeps plain counters and knows nothing of any exposition format.
 *
 * <p>All names begin with {@code ip_sentry_}, except those of the process, which are everybody's.
 * Labels are names of sources, rules and containers and reasons of refusals, never addresses or
 * paths; of one metric at most {@value #MAX_LABEL_VALUES} values are shown, and the others are
 * summed as {@value #OTHERS}.
 */
public final class RunMetrics {
  /** Values of one label. */
  public static final int MAX_LABEL_VALUES = 200;

  /** Label of the sum of the values that are not shown. */
  public static final String OTHERS = "_others";

  private final RunStatistics statistics;
  private final InstantSource clock;
  private final String version;
  private final ProcessMetrics process;
  private final LatencyHistogram append;
  private final LatencyHistogram ban;

  /**
   * Metrics of one process.
   *
   * @param statistics read at each scrape
   * @param clock for the age of lines
   * @param version of the program
   */
  public RunMetrics(RunStatistics statistics, InstantSource clock, String version) {
    this(statistics, new LatencyHistogram(), new LatencyHistogram(), clock, version);
  }

  /**
   * Metrics of one process, with histograms that are filled elsewhere.
   *
   * @param append time until an append to the log of bans was durable
   * @param ban time from reading the line that decided to the ban being durable
   */
  public RunMetrics(
      RunStatistics statistics,
      LatencyHistogram append,
      LatencyHistogram ban,
      InstantSource clock,
      String version) {
    this.append = append;
    this.ban = ban;
    this.statistics = statistics;
    this.clock = clock;
    this.version = version;
    process = ProcessMetrics.linux();
  }

  /** Time until an append to the log of bans was durable. */
  public LatencyHistogram appendLatency() {
    return append;
  }

  /** Time from reading the line that decided to the ban being durable. */
  public LatencyHistogram banLatency() {
    return ban;
  }

  /** All metrics as of now. */
  public MetricSnapshots collect() {
    List<MetricSnapshot> all = new ArrayList<>(sources(statistics.sources(), clock));
    addPods(all, statistics.pods());
    addRules(all, statistics.rules());
    addState(all);
    addConfig(all);
    all.add(append.snapshot("ip_sentry_append_seconds", "Time until an append was durable"));
    all.add(
        ban.snapshot(
            "ip_sentry_ban_latency_seconds",
            "Time from reading the line that decided to the ban being durable"));
    all.add(
        GaugeSnapshot.builder()
            .name("ip_sentry_build_info")
            .help("Always 1; the label says which version runs")
            .dataPoint(gauge(Labels.of("version", version), 1))
            .build());
    all.addAll(process.collect());
    return new MetricSnapshots(all);
  }

  /** Metrics of sources alone. */
  public static List<MetricSnapshot> sources(List<SourceStatistics> sources, InstantSource clock) {
    List<MetricSnapshot> all = new ArrayList<>();
    long now = clock.millis();
    all.add(
        counters(
            "ip_sentry_lines", "Lines read", "source", bySource(sources, SourceStatistics::lines)));
    all.add(
        counters(
            "ip_sentry_lines_unmatched",
            "Lines that the format of their source does not know",
            "source",
            bySource(sources, SourceStatistics::unmatched)));
    all.add(
        gauges(
            "ip_sentry_source_lag_bytes",
            "Bytes written to the files of a source but not read yet",
            "source",
            bySource(sources, SourceStatistics::lagBytes)));
    List<SourceStatistics> active =
        sources.stream()
            .filter(source -> source.lastLineAtMillis() != SourceStatistics.NO_LINE)
            .limit(MAX_LABEL_VALUES)
            .toList();
    all.add(
        gauges(
            "ip_sentry_source_last_line_age_seconds",
            "Time since a line was read; absent before the first",
            "source",
            bySource(active, source -> Math.max(0, now - source.lastLineAtMillis()) / 1e3)));
    return all;
  }

  private static void addPods(List<MetricSnapshot> all, List<PodStatistics> pods) {
    if (pods.isEmpty()) {
      return;
    }
    all.add(
        gauges(
            "ip_sentry_pod_containers",
            "Containers that a source of pods selects",
            "source",
            byPods(pods, PodStatistics::containers)));
    all.add(
        gauges(
            "ip_sentry_pod_streams",
            "Logs of containers that are read now",
            "source",
            byPods(pods, PodStatistics::streams)));
    all.add(
        gauges(
            "ip_sentry_pod_containers_not_read",
            "Containers that are selected and not read, as there are too many",
            "source",
            byPods(pods, PodStatistics::notRead)));
    all.add(
        gauges(
            "ip_sentry_pod_lag_seconds",
            "By how much the line that was read last is behind, where more waits",
            "source",
            byPods(pods, PodStatistics::lagSeconds)));
    all.add(
        counters(
            "ip_sentry_pod_reconnects",
            "Logs asked for again after their connection had ended",
            "source",
            byPods(pods, PodStatistics::reconnects)));
    all.add(
        counters(
            "ip_sentry_pod_lines_repeated",
            "Lines that came again and were not counted",
            "source",
            byPods(pods, PodStatistics::repeatedLines)));
    all.add(
        counters(
            "ip_sentry_pod_lines_unread",
            "Lines without a stamp: the rest of one whose beginning was not asked for",
            "source",
            byPods(pods, PodStatistics::unreadLines)));
    all.add(
        counters(
            "ip_sentry_pod_gaps",
            "Times that lines may be missing",
            "source",
            byPods(pods, PodStatistics::gaps)));
    addContainers(all, pods);
  }

  /** Of the first containers by source and name, and of the rest together. */
  private static void addContainers(List<MetricSnapshot> all, List<PodStatistics> pods) {
    GaugeSnapshot.Builder lag =
        GaugeSnapshot.builder()
            .name("ip_sentry_pod_stream_lag_seconds")
            .help(
                "By how much the line of a container that was read last is behind, where more"
                    + " waits");
    CounterSnapshot.Builder reconnects =
        CounterSnapshot.builder()
            .name("ip_sentry_pod_stream_reconnects")
            .help(
                "Times the log of a container was asked for again after its connection had ended");
    CounterSnapshot.Builder lines =
        CounterSnapshot.builder()
            .name("ip_sentry_pod_stream_lines")
            .help("Lines of a container that were read");
    int shown = 0;
    ContainerStatistics others = new ContainerStatistics(OTHERS, 0, 0, 0);
    for (PodStatistics source : pods) {
      for (ContainerStatistics each : source.each()) {
        if (shown < MAX_LABEL_VALUES) {
          addContainer(source.name(), each, lag, reconnects, lines);
        } else {
          others =
              new ContainerStatistics(
                  OTHERS,
                  others.lines() + each.lines(),
                  others.reconnects() + each.reconnects(),
                  Math.max(others.lagSeconds(), each.lagSeconds()));
        }
        shown++;
      }
    }
    if (shown > MAX_LABEL_VALUES) {
      addContainer(OTHERS, others, lag, reconnects, lines);
    }
    all.add(lag.build());
    all.add(reconnects.build());
    all.add(lines.build());
  }

  private static void addContainer(
      String source,
      ContainerStatistics each,
      GaugeSnapshot.Builder lag,
      CounterSnapshot.Builder reconnects,
      CounterSnapshot.Builder lines) {
    Labels labels = Labels.of("source", source, "stream", each.container());
    lag.dataPoint(gauge(labels, each.lagSeconds()));
    reconnects.dataPoint(
        CounterDataPointSnapshot.builder()
            .labels(labels)
            .value((double) each.reconnects())
            .build());
    lines.dataPoint(
        CounterDataPointSnapshot.builder().labels(labels).value((double) each.lines()).build());
  }

  private static Map<String, Double> byPods(
      List<PodStatistics> pods, ToDoubleFunction<PodStatistics> value) {
    return bounded(
        pods.stream()
            .collect(
                Collectors.toMap(
                    PodStatistics::name, value::applyAsDouble, Double::sum, LinkedHashMap::new)));
  }

  private static void addRules(List<MetricSnapshot> all, List<RuleStatistics> rules) {
    all.add(
        counters("ip_sentry_hits", "Hits counted", "rule", byRule(rules, RuleStatistics::hits)));
    all.add(
        counters(
            "ip_sentry_bans", "Bans a rule decided", "rule", byRule(rules, RuleStatistics::bans)));
    all.add(
        gauges(
            "ip_sentry_deferred_bans",
            "Candidates that wait because of limits.maxNewBansPerMinute",
            "rule",
            byRule(rules, RuleStatistics::deferred)));
  }

  private void addState(List<MetricSnapshot> all) {
    Map<String, Double> refused = new LinkedHashMap<>();
    statistics.refusedBans().forEach((reason, count) -> refused.put(reason, (double) count));
    all.add(
        counters(
            "ip_sentry_bans_refused",
            "Bans refused because they would cover a protected address",
            "reason",
            bounded(refused)));
    all.add(gauge("ip_sentry_bans_active", "Bans that hold now", statistics.activeBans()));
    all.add(
        gauge(
            "ip_sentry_tracked_addresses",
            "Addresses whose hits are being counted",
            statistics.trackedAddresses()));
    all.add(
        gauge(
            "ip_sentry_tracked_bytes",
            "Memory of the tracked addresses",
            statistics.trackedBytes()));
    all.add(
        counter(
            "ip_sentry_evictions",
            "Addresses dropped because the budget of bytes was used up",
            statistics.evictions()));
    all.add(
        gauge(
            "ip_sentry_log_head",
            "Sequence number of the last event in the log of bans",
            statistics.logHead()));
  }

  private void addConfig(List<MetricSnapshot> all) {
    Map<String, Double> reloads = new LinkedHashMap<>();
    reloads.put("ok", (double) statistics.configReloads());
    reloads.put("refused", (double) statistics.configReloadFailures());
    all.add(
        counters(
            "ip_sentry_config_reloads",
            "Times a changed configuration was read",
            "result",
            reloads));
    all.add(
        gauge(
            "ip_sentry_config_last_reload_ok",
            "0 while the file on disk was refused and an older configuration is in force",
            statistics.configCurrent() ? 1 : 0));
  }

  private static Map<String, Double> bySource(
      List<SourceStatistics> sources, ToDoubleFunction<SourceStatistics> value) {
    return bounded(
        sources.stream()
            .collect(
                Collectors.toMap(
                    SourceStatistics::name,
                    value::applyAsDouble,
                    Double::sum,
                    LinkedHashMap::new)));
  }

  private static Map<String, Double> byRule(
      List<RuleStatistics> rules, ToDoubleFunction<RuleStatistics> value) {
    return bounded(
        rules.stream()
            .collect(
                Collectors.toMap(
                    RuleStatistics::name, value::applyAsDouble, Double::sum, LinkedHashMap::new)));
  }

  private static Map<String, Double> bounded(Map<String, Double> values) {
    if (values.size() <= MAX_LABEL_VALUES) {
      return values;
    }
    Map<String, Double> bounded = new LinkedHashMap<>();
    values.forEach((label, value) ->
        bounded.merge(bounded.size() < MAX_LABEL_VALUES ? label : OTHERS, value, Double::sum));
    return bounded;
  }

  private static MetricSnapshot counters(
      String name, String help, String label, Map<String, Double> values) {
    CounterSnapshot.Builder builder = CounterSnapshot.builder().name(name).help(help);
    values.forEach((labelValue, value) ->
        builder.dataPoint(
            CounterDataPointSnapshot.builder()
                .labels(Labels.of(label, labelValue))
                .value(value)
                .build()));
    return builder.build();
  }

  private static MetricSnapshot gauges(
      String name, String help, String label, Map<String, Double> values) {
    GaugeSnapshot.Builder builder = GaugeSnapshot.builder().name(name).help(help);
    values.forEach(
        (labelValue, value) -> builder.dataPoint(gauge(Labels.of(label, labelValue), value)));
    return builder.build();
  }

  private static MetricSnapshot counter(String name, String help, long value) {
    return CounterSnapshot.builder()
        .name(name)
        .help(help)
        .dataPoint(CounterDataPointSnapshot.builder().value((double) value).build())
        .build();
  }

  private static MetricSnapshot gauge(String name, String help, long value) {
    return GaugeSnapshot.builder()
        .name(name)
        .help(help)
        .dataPoint(gauge(Labels.EMPTY, (double) value))
        .build();
  }

  private static GaugeDataPointSnapshot gauge(Labels labels, double value) {
    return GaugeDataPointSnapshot.builder().labels(labels).value(value).build();
  }
}
