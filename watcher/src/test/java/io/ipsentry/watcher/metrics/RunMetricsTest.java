package io.ipsentry.watcher.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.watcher.metrics.RunStatistics.ContainerStatistics;
import io.ipsentry.watcher.metrics.RunStatistics.PodStatistics;
import io.ipsentry.watcher.metrics.RunStatistics.RuleStatistics;
import io.ipsentry.watcher.metrics.RunStatistics.SourceStatistics;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class RunMetricsTest {
  private static final Instant NOW = Instant.parse("2026-11-21T07:00:00Z");

  @Test
  void collect_knownStatistics_givesEveryMetricItsNameAndValue() throws IOException {
    RunMetrics metrics =
        metrics(
            List.of(
                new SourceStatistics("nginx", 1000, 3, 17, NOW.minusMillis(1500).toEpochMilli()),
                new SourceStatistics("sshd", 0, 0, 0, SourceStatistics.NO_LINE)),
            List.of(new RuleStatistics("probing", 12, 4, 1)),
            Map.of("private-network", 5L));

    assertThat(text(metrics))
        .contains(
            "ip_sentry_lines_total{source=\"nginx\"} 1000.0",
            "ip_sentry_lines_total{source=\"sshd\"} 0.0",
            "ip_sentry_lines_unmatched_total{source=\"nginx\"} 3.0",
            "ip_sentry_source_lag_bytes{source=\"nginx\"} 17.0",
            "ip_sentry_source_last_line_age_seconds{source=\"nginx\"} 1.5",
            "ip_sentry_hits_total{rule=\"probing\"} 12.0",
            "ip_sentry_bans_total{rule=\"probing\"} 4.0",
            "ip_sentry_deferred_bans{rule=\"probing\"} 1.0",
            "ip_sentry_bans_refused_total{reason=\"private-network\"} 5.0",
            "ip_sentry_bans_active 3.0",
            "ip_sentry_tracked_addresses 1000000.0",
            "ip_sentry_tracked_bytes 6.4E7",
            "ip_sentry_evictions_total 7.0",
            "ip_sentry_log_head 42.0",
            "ip_sentry_config_reloads_total{result=\"ok\"} 2.0",
            "ip_sentry_config_reloads_total{result=\"refused\"} 1.0",
            "ip_sentry_config_last_reload_ok 0.0",
            "ip_sentry_build_info{version=\"1.2.3\"} 1.0")
        .contains("process_resident_memory_bytes ", "process_start_time_seconds ")
        .doesNotContain("ip_sentry_source_last_line_age_seconds{source=\"sshd\"}");
  }

  @Test
  void collect_moreSourcesThanLabels_sumsTheRest() throws IOException {
    List<SourceStatistics> sources =
        IntStream.range(0, RunMetrics.MAX_LABEL_VALUES + 10)
            .mapToObj(i -> new SourceStatistics("s" + i, 1, 0, 0, SourceStatistics.NO_LINE))
            .toList();

    String text = text(metrics(sources, List.of(), Map.of()));

    assertThat(text).contains("ip_sentry_lines_total{source=\"_others\"} 10.0");
    assertThat(text.lines().filter(line -> line.startsWith("ip_sentry_lines_total{")))
        .hasSize(RunMetrics.MAX_LABEL_VALUES + 1);
  }

  @Test
  void collect_hostileLabel_isEscaped() throws IOException {
    RunMetrics metrics =
        metrics(
            List.of(new SourceStatistics("a\"b\\c\nd", 1, 0, 0, SourceStatistics.NO_LINE)),
            List.of(),
            Map.of());

    assertThat(text(metrics)).contains("ip_sentry_lines_total{source=\"a\\\"b\\\\c\\nd\"} 1.0");
  }

  private static PodStatistics pods(String name, int containers) {
    return new PodStatistics(
        name,
        containers,
        containers,
        containers,
        0,
        0,
        0,
        0,
        containers,
        IntStream.range(0, containers)
            .mapToObj(i -> new ContainerStatistics("p" + i + "/nginx", 10, 1, i))
            .toList());
  }

  @Test
  void collect_moreContainersThanLabels_sumsTheRestAndTellsItsLongestLag() throws IOException {
    RunMetrics metrics =
        new RunMetrics(
            new FixedStatistics(
                List.of(), List.of(pods("edge", 150), pods("shop", 70)), List.of(), Map.of()),
            InstantSource.fixed(NOW),
            "1.2.3");

    assertThat(text(metrics))
        .contains(
            "ip_sentry_pod_stream_lag_seconds{source=\"edge\",stream=\"p149/nginx\"} 149.0",
            "ip_sentry_pod_stream_reconnects_total{source=\"shop\",stream=\"p49/nginx\"} 1.0",
            "ip_sentry_pod_stream_lines_total{source=\"shop\",stream=\"p0/nginx\"} 10.0",
            "ip_sentry_pod_stream_lag_seconds{source=\"_others\",stream=\"_others\"} 69.0",
            "ip_sentry_pod_stream_reconnects_total{source=\"_others\",stream=\"_others\"} 20.0",
            "ip_sentry_pod_stream_lines_total{source=\"_others\",stream=\"_others\"} 200.0");
    assertThat(text(metrics).lines().filter(line -> line.startsWith("ip_sentry_pod_stream_lag")))
        .hasSize(RunMetrics.MAX_LABEL_VALUES + 1);
  }

  @Test
  void documentation_podsTable_namesExactlyTheMetricsOfPods() throws IOException {
    RunMetrics metrics =
        new RunMetrics(
            new FixedStatistics(List.of(), List.of(pods("edge", 1)), List.of(), Map.of()),
            InstantSource.fixed(NOW),
            "1.2.3");
    Set<String> exposed =
        text(metrics)
            .lines()
            .filter(line -> line.startsWith("# TYPE ip_sentry_pod_"))
            .map(line -> line.split(" ")[2])
            .collect(Collectors.toSet());

    assertThat(Files.readString(Path.of("../docs/metrics.md")))
        .contains(exposed.stream().map(name -> "| `" + name + "` | ").toList());
    assertThat(exposed).hasSize(11);
  }

  @Test
  void banLatency_recorded_showsCumulativeBuckets() throws IOException {
    RunMetrics metrics = metrics(List.of(), List.of(), Map.of());

    metrics.banLatency().recordNanos(TimeUnit.MICROSECONDS.toNanos(900));
    metrics.banLatency().recordNanos(TimeUnit.MILLISECONDS.toNanos(1));
    metrics.banLatency().recordNanos(TimeUnit.SECONDS.toNanos(100));
    metrics.banLatency().recordNanos(-5);

    assertThat(text(metrics))
        .contains(
            "ip_sentry_ban_latency_seconds_bucket{le=\"2.5E-4\"} 1",
            "ip_sentry_ban_latency_seconds_bucket{le=\"0.001\"} 3",
            "ip_sentry_ban_latency_seconds_bucket{le=\"10.0\"} 3",
            "ip_sentry_ban_latency_seconds_bucket{le=\"+Inf\"} 4",
            "ip_sentry_ban_latency_seconds_count 4",
            "ip_sentry_ban_latency_seconds_sum 100.0019",
            "ip_sentry_append_seconds_count 0");
  }

  @Test
  void documentation_metricsTable_namesExactlyTheMetrics() throws IOException {
    RunMetrics metrics =
        metrics(
            List.of(new SourceStatistics("nginx", 1, 0, 0, NOW.toEpochMilli())),
            List.of(new RuleStatistics("probing", 1, 0, 0)),
            Map.of("private-network", 1L));
    Set<String> exposed =
        text(metrics)
            .lines()
            .filter(line -> line.startsWith("# TYPE "))
            .map(line -> line.split(" ")[2] + " " + line.split(" ")[3])
            .collect(Collectors.toSet());

    // The first table; those of the servers follow it.
    Set<String> documented =
        Files.readAllLines(Path.of("../docs/metrics.md")).stream()
            .dropWhile(line -> !line.startsWith("| metric |"))
            .takeWhile(line -> !line.isEmpty())
            .filter(line -> line.startsWith("| `"))
            .map(line -> line.split("\\|"))
            .map(cells -> cells[1].strip().replace("`", "") + " " + cells[2].strip())
            .collect(Collectors.toSet());

    assertThat(documented).isEqualTo(exposed);
  }

  private static RunMetrics metrics(
      List<SourceStatistics> sources, List<RuleStatistics> rules, Map<String, Long> refused) {
    return new RunMetrics(
        new FixedStatistics(sources, List.of(), rules, refused), InstantSource.fixed(NOW), "1.2.3");
  }

  private static String text(RunMetrics metrics) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrometheusTextFormatWriter.create().write(out, metrics.collect());
    return out.toString(StandardCharsets.UTF_8);
  }
}
