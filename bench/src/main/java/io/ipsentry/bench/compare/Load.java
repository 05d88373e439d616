package io.ipsentry.bench.compare;

import io.ipsentry.testing.NetworkNamespace;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Memory and processor time of each program, idle and with a thousand lines a second. */
final class Load implements Bench.Part {
  static final int LINES_PER_SECOND = 1_000;
  private static final int BATCHES_PER_SECOND = 50;
  private static final int WARM_SECONDS = 15;

  static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT).withZone(ZoneOffset.UTC);

  /** A product in a namespace, with the log that it watches. */
  private record Rig(NetworkNamespace node, Product.Running running, Path log)
      implements AutoCloseable {
    @Override
    public void close() {
      running.close();
      node.close();
    }
  }

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    List<Metric> metrics =
        List.of(Metric.MEMORY_IDLE, Metric.MEMORY_BUSY, Metric.CPU_IDLE, Metric.CPU_BUSY);
    Optional<String> reason = Parts.needs("ip", "ipset", "iptables-legacy");
    if (reason.isPresent()) {
      metrics.forEach(metric -> bench.absent(metric, Subject.IP_SENTRY, reason.get()));
      return;
    }
    List<Product> products =
        bench.present(
            List.of(bench.ipSentry(), new Fail2ban(), new CrowdSec(CrowdSec.PACKAGED_SECONDS)),
            metrics);
    int seconds = bench.size(8, 2);
    for (int round = 1; round <= bench.rounds(3); round++) {
      Map<String, Rig> rigs = new LinkedHashMap<>();
      try {
        for (Product product : products) {
          Path directory = bench.empty("load" + rigs.size());
          // Apart from configurations, which some programs watch too.
          Path log = Files.createFile(bench.empty("log" + rigs.size()).resolve("access.log"));
          NetworkNamespace node = Bench.namespace("load");
          rigs.put(product.name(), new Rig(node, product.start(node, directory, log), log));
        }
        round(bench, rigs, round, seconds);
      } finally {
        rigs.values().forEach(Rig::close);
      }
    }
  }

  /** Idle programs hinder nobody, so that all idle at once. */
  private static void round(Bench bench, Map<String, Rig> rigs, int round, int seconds)
      throws IOException, InterruptedException {
    Thread.sleep(seconds * 250L);
    Map<String, Double> before = new LinkedHashMap<>();
    for (Map.Entry<String, Rig> rig : rigs.entrySet()) {
      before.put(rig.getKey(), Usage.cpuSeconds(rig.getValue().running().pids()));
    }
    Thread.sleep(seconds * 1_000L);
    for (Map.Entry<String, Rig> rig : rigs.entrySet()) {
      List<Long> pids = rig.getValue().running().pids();
      double used = Usage.cpuSeconds(pids) - before.getOrDefault(rig.getKey(), 0.0);
      bench.add(Metric.CPU_IDLE, rig.getKey(), round, 100 * used / seconds);
      bench.add(Metric.MEMORY_IDLE, rig.getKey(), round, Usage.residentMebibytes(pids));
    }
    Path lines = Lines.logs(bench).resolve("nginx.log");
    for (Map.Entry<String, Rig> rig : rigs.entrySet()) {
      List<Long> pids = rig.getValue().running().pids();
      // Before it counts, for what is compiled or loaded at the first lines.
      int warm = bench.size(WARM_SECONDS, 1);
      feed(lines, rig.getValue().log(), 0, warm, LINES_PER_SECOND);
      double used = Usage.cpuSeconds(pids);
      feed(lines, rig.getValue().log(), warm, seconds, LINES_PER_SECOND);
      used = Usage.cpuSeconds(pids) - used;
      bench.add(Metric.CPU_BUSY, rig.getKey(), round, 100 * used / seconds);
      bench.add(Metric.MEMORY_BUSY, rig.getKey(), round, Usage.residentMebibytes(pids));
    }
  }

  /**
   * Appends lines at a steady pace, stamped with the moment.
   *
   * @param from seconds to pass over at the beginning of the lines
   */
  static void feed(Path lines, Path log, int from, int seconds, int aSecond)
      throws IOException, InterruptedException {
    int batch = aSecond / BATCHES_PER_SECOND;
    try (BufferedReader in = Files.newBufferedReader(lines);
        BufferedWriter out = Files.newBufferedWriter(log, StandardOpenOption.APPEND)) {
      for (int i = 0; i < from * aSecond; i++) {
        in.readLine();
      }
      List<String> pieces = new ArrayList<>();
      long begin = System.nanoTime();
      for (int i = 1; i <= seconds * BATCHES_PER_SECOND; i++) {
        String stamp = STAMP.format(Instant.now());
        for (int line = 0; line < batch; line++) {
          String text = in.readLine();
          if (text == null) {
            throw new IllegalStateException("too few lines in " + lines);
          }
          pieces.add(text.substring(0, text.indexOf('[') + 1));
          pieces.add(stamp);
          pieces.add(text.substring(text.indexOf(']')));
          pieces.add("\n");
        }
        out.write(String.join("", pieces));
        out.flush();
        pieces.clear();
        long due = begin + i * (1_000_000_000L / BATCHES_PER_SECOND);
        long left = due - System.nanoTime();
        if (left > 0) {
          Thread.sleep(left / 1_000_000, (int) (left % 1_000_000));
        }
      }
    }
  }
}
