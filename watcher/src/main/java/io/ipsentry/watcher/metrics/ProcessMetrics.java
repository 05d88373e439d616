package io.ipsentry.watcher.metrics;

import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Memory, CPU and age of this process under the names that all Prometheus clients use.
 *
 * <p>What the platform does not tell is left out.
 */
public final class ProcessMetrics {
  private static final Logger logger = LoggerFactory.getLogger(ProcessMetrics.class);
  private static final String RESIDENT = "VmRSS:";

  private final Path status;
  private final ProcessHandle.Info process;

  private ProcessMetrics(Path status, ProcessHandle.Info process) {
    this.status = status;
    this.process = process;
  }

  /** This process, on Linux. */
  public static ProcessMetrics linux() {
    return new ProcessMetrics(Path.of("/proc/self/status"), ProcessHandle.current().info());
  }

  public List<MetricSnapshot> collect() {
    List<MetricSnapshot> metrics = new ArrayList<>();
    ProcessHandle.current()
        .info()
        .totalCpuDuration()
        .ifPresent(cpu ->
            metrics.add(
                CounterSnapshot.builder()
                    .name("process_cpu_seconds")
                    .help("User and system CPU time spent")
                    .dataPoint(
                        CounterDataPointSnapshot.builder().value(cpu.toMillis() / 1e3).build())
                    .build()));
    process
        .startInstant()
        .ifPresent(start ->
            metrics.add(
                gauge(
                    "process_start_time_seconds",
                    "Start time of the process, Unix time",
                    start.toEpochMilli() / 1e3)));
    residentBytes()
        .ifPresent(bytes ->
            metrics.add(gauge("process_resident_memory_bytes", "Resident memory size", bytes)));
    return metrics;
  }

  private OptionalDouble residentBytes() {
    if (!Files.exists(status)) {
      return OptionalDouble.empty();
    }
    try {
      Optional<String> line =
          Files.readAllLines(status, StandardCharsets.US_ASCII).stream()
              .filter(text -> text.startsWith(RESIDENT))
              .findFirst();
      // "VmRSS:     12345 kB"
      return line.map(text -> text.substring(RESIDENT.length()).strip().split(" ")[0])
          .map(kibibytes -> OptionalDouble.of(Long.parseLong(kibibytes) * 1024.0))
          .orElseGet(OptionalDouble::empty);
    } catch (IOException | NumberFormatException e) {
      logger.atDebug().setCause(e).log("cannot read the memory size of this process");
      return OptionalDouble.empty();
    }
  }

  private static MetricSnapshot gauge(String name, String help, double value) {
    return GaugeSnapshot.builder()
        .name(name)
        .help(help)
        .dataPoint(GaugeDataPointSnapshot.builder().value(value).build())
        .build();
  }
}
