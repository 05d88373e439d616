package io.ipsentry.bench.compare;

import io.ipsentry.bench.PeerLogs;
import io.ipsentry.testing.Programs;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Lines a second through each program, on one core, by processor time less that of one line.
 *
 * @param isTraefik whether Traefik's JSON, else nginx's {@code combined}
 */
record Lines(boolean isTraefik) implements Bench.Part {
  private static final String CORE = "0";
  private static final int ROUNDS = 5;

  private static final String OWN_STATUS = "\"OriginStatus\":(401|402|403|404|405),";

  /** A program, with as many lines as it gets. */
  private record Reader(List<String> command, int lines) {}

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    Metric metric = isTraefik ? Metric.LINES_TRAEFIK : Metric.LINES_NGINX;
    Path log = logs(bench).resolve(isTraefik ? "traefik.json" : "nginx.log");
    Map<String, Reader> readers = new LinkedHashMap<>();
    int all = lines(bench);
    readers.put(
        Subject.GREP,
        new Reader(
            List.of("grep", "-E", "-c", isTraefik ? OWN_STATUS : "\"[A-Z]+ /" + Product.PATHS),
            all));
    readers.put(
        Subject.IP_SENTRY,
        new Reader(
            bench
                .ipSentry()
                .command(
                    List.of(
                        "replay",
                        "--config",
                        bench
                            .root()
                            .resolve("bench/peers/" + (isTraefik ? "traefik" : "nginx") + ".yaml")
                            .toString(),
                        "--format",
                        isTraefik ? "traefik-json" : "combined",
                        "-o",
                        "json")),
            all));
    addPeers(bench, metric, readers, all);
    readers
        .keySet()
        .removeIf(name -> {
          Optional<String> reason = bench.leftOut(name);
          reason.ifPresent(why -> bench.absent(metric, name, why));
          return reason.isPresent();
        });
    for (int round = 1; round <= bench.rounds(ROUNDS); round++) {
      for (Map.Entry<String, Reader> reader : readers.entrySet()) {
        int lines = reader.getValue().lines();
        double first = seconds(bench, reader, head(bench, log, 1));
        double whole = seconds(bench, reader, lines == all ? log : head(bench, log, lines));
        // What is below some milliseconds is not known.
        double least = 0.005;
        bench.add(metric, reader.getKey(), round, (lines - 1) / Math.max(whole - first, least));
      }
    }
  }

  private int lines(Bench bench) {
    return isTraefik ? bench.size(300_000, 60_000) : bench.size(1_000_000, 100_000);
  }

  private void addPeers(Bench bench, Metric metric, Map<String, Reader> readers, int all)
      throws IOException {
    CrowdSec crowdSec = new CrowdSec(CrowdSec.PACKAGED_SECONDS);
    Fail2ban fail2ban = new Fail2ban();
    for (Product peer : bench.present(List.of(fail2ban, crowdSec), List.of(metric))) {
      if (peer == fail2ban) {
        List<String> command =
            List.of(
                Programs.path("python3").toString(),
                bench.root().resolve("bench/peers/fail2ban_filter.py").toString(),
                isTraefik ? "traefik" : "nginx");
        readers.put(
            fail2ban.name(), new Reader(command, Math.min(all, isTraefik ? 10_000 : 70_000)));
      } else {
        Path directory = bench.empty("cs");
        // It takes its log in the midst of its command line.
        readers.put(
            crowdSec.name(),
            new Reader(
                crowdSec.reads(directory, directory.resolve("input"), isTraefik),
                Math.min(all, isTraefik ? 2_000 : 5_000)));
      }
    }
  }

  /** The logs, made once. */
  static Path logs(Bench bench) throws IOException {
    Path logs = bench.work().resolve(bench.isQuick() ? "logs-quick" : "logs");
    if (!Files.exists(logs.resolve("made"))) {
      bench.say("writes logs");
      PeerLogs.main(
          new String[] {
            logs.toString(),
            Integer.toString(new Lines(false).lines(bench)),
            Integer.toString(new Lines(true).lines(bench))
          });
      Files.createFile(logs.resolve("made"));
    }
    return logs;
  }

  /** The first lines of a log, as a file of their own. */
  private static Path head(Bench bench, Path log, int lines) throws IOException {
    Path head = bench.scratch().resolve(log.getFileName() + "." + lines);
    if (!Files.exists(head)) {
      try (BufferedReader in = Files.newBufferedReader(log);
          BufferedWriter out = Files.newBufferedWriter(head)) {
        for (int i = 0; i < lines; i++) {
          out.write(in.readLine());
          out.newLine();
        }
      }
    }
    return head;
  }

  /** Processor time of the whole process. */
  private static double seconds(Bench bench, Map.Entry<String, Reader> reader, Path log)
      throws IOException, InterruptedException {
    // A file, for grep is content with the first line that matches where its output is /dev/null.
    Path output = bench.scratch().resolve("reader.out");
    Path errors = bench.scratch().resolve("reader.err");
    List<String> command =
        new ArrayList<>(
            List.of(
                "taskset",
                "-c",
                CORE,
                "bash",
                "-c",
                "TIMEFORMAT='%U %S'; { time \"$@\" >'" + output + "' 2>'" + errors + "'; } 2>&1",
                "bash"));
    command.addAll(reader.getValue().command());
    if (reader.getKey().startsWith(Subject.CROWDSEC)) {
      Path input = bench.scratch().resolve("cs/input");
      Files.deleteIfExists(input);
      Files.createSymbolicLink(input, log);
    } else {
      command.add(log.toString());
    }
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(Map.of("IP_SENTRY_NO_BUILD", "1", "LC_ALL", "C"));
    Process process = builder.start();
    String times = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    // grep ends with 1 where it finds nothing.
    if (process.waitFor() > (reader.getKey().equals(Subject.GREP) ? 1 : 0)) {
      throw new IllegalStateException(command + " ended badly: " + Files.readString(errors));
    }
    String[] words = times.trim().split(" ");
    return Double.parseDouble(words[0]) + Double.parseDouble(words[1]);
  }
}
