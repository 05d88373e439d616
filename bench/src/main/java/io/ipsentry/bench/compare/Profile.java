package io.ipsentry.bench.compare;

import io.ipsentry.bench.check.CheckBenchmark;
import io.ipsentry.bench.enforcer.PacketFilterBenchmark;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Flame graphs of the hot paths, as {@code *.svg} beside the raw results, and a text for each. */
final class Profile implements Bench.Part {
  private static final int TOP = 8;
  private static final int BANS = 100_000;

  private static final String RECORDS =
      "-XX:StartFlightRecording=filename=%s,settings=profile,jdk.CPUTimeSample#enabled=true,"
          + "jdk.CPUTimeSample#throttle=%s";
  private static final List<String> QUIETLY =
      List.of("-XX:FlightRecorderOptions=stackdepth=128", "-Xlog:jfr*=off");

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    replay(bench, "nginx.log", "combined", "nginx");
    replay(bench, "traefik.json", "traefik-json", "traefik");
    tail(bench);
    gateways(bench);
    enforcer(bench);
  }

  private static String options(Path recording) {
    return RECORDS.formatted(recording, "1ms") + " " + String.join(" ", QUIETLY);
  }

  /** What is recorded. */
  @FunctionalInterface
  private interface Work {
    void run() throws IOException, InterruptedException;
  }

  /** Does something while a process is recorded that has started before. */
  private static void recorded(long pid, Path recording, Work work)
      throws IOException, InterruptedException {
    String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
    String process = Long.toString(pid);
    Programs.run(
        jcmd,
        process,
        "JFR.start",
        "name=bench",
        "settings=profile",
        "jdk.CPUTimeSample#enabled=true",
        "jdk.CPUTimeSample#throttle=1ms");
    work.run();
    Programs.run(jcmd, process, "JFR.stop", "name=bench", "filename=" + recording);
  }

  /** Writes what a recording shows. */
  private static void tell(Bench bench, Path recording, String name, String title)
      throws IOException {
    FlameGraph graph = FlameGraph.read(recording);
    if (graph.samples() == 0) {
      throw new IllegalStateException("no samples of " + title);
    }
    bench.say("%s: %d samples".formatted(name, graph.samples()));
    Files.writeString(bench.work().resolve("profile-" + name + ".svg"), graph.svg());
    Files.writeString(
        bench.work().resolve("profile-" + name + ".txt"),
        "### %s\n\n%,d samples. The methods with the most time of their own:\n\n%s"
            .formatted(title, graph.samples(), graph.top(TOP)));
  }

  private static void replay(Bench bench, String file, String format, String rule)
      throws IOException, InterruptedException {
    Path log = Lines.logs(bench).resolve(file);
    Path recording = bench.scratch().resolve(rule + ".jfr");
    // Several times the same hour: longer, and no more memory.
    Path longer = bench.scratch().resolve(file);
    try (OutputStream out = Files.newOutputStream(longer)) {
      for (int i = 0; i < bench.size(4, 1); i++) {
        try (InputStream in = Files.newInputStream(log)) {
          in.transferTo(out);
        }
      }
    }
    ProcessBuilder replay =
        new ProcessBuilder(
                bench
                    .ipSentry()
                    .command(
                        List.of(
                            "replay",
                            "--config",
                            bench.root().resolve("bench/peers/" + rule + ".yaml").toString(),
                            "--format",
                            format,
                            "-o",
                            "json",
                            longer.toString())))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    replay.environment().put("IP_SENTRY_JAVA_OPTS", options(recording));
    if (replay.start().waitFor() != 0) {
      throw new IllegalStateException("the replay ended badly");
    }
    Files.delete(longer);
    tell(bench, recording, "replay-" + rule, "Replay, `" + format + "`");
  }

  private static void tail(Bench bench) throws IOException, InterruptedException {
    Path directory = bench.empty("tail");
    Path log = Files.createFile(directory.resolve("access.log"));
    Path recording = directory.resolve("tail.jfr");
    int aSecond = bench.size(50_000, 5_000);
    Path lines = Lines.logs(bench).resolve("nginx.log");
    int before = bench.size(4, 1);
    try (Product.Running running = bench.ipSentry().start(null, directory, log)) {
      Load.feed(lines, log, 0, before, aSecond);
      recorded(
          running.pids().getFirst(),
          recording,
          () -> Load.feed(lines, log, before, bench.size(8, 2), aSecond));
    }
    tell(
        bench,
        recording,
        "tail",
        "`run`, %,d lines a second of a log that grows".formatted(aSecond));
  }

  /** Both servers of one process, one after the other, with bans. */
  private static void gateways(Bench bench) throws IOException, InterruptedException {
    for (String program : List.of("h2load", "wrk")) {
      if (Programs.find(program).isEmpty()) {
        bench.say("no program " + program + ": no profile of the gateways' servers");
        return;
      }
    }
    String seconds = Integer.toString(bench.size(6, 1));
    Path message = Files.write(bench.scratch().resolve("check"), CheckBenchmark.framedCheck());
    Map<String, List<String>> loads =
        Map.of(
            "check",
            List.of(
                "h2load",
                "-t1",
                "-c2",
                "-m32",
                "-D" + seconds,
                "-d",
                message.toString(),
                "-H",
                "content-type: application/grpc",
                "-H",
                "te: trailers",
                "http://127.0.0.1:9001/envoy.service.auth.v3.Authorization/Check"),
            "forward",
            List.of(
                "wrk",
                "-t1",
                "-c32",
                "-d" + seconds + "s",
                "-H",
                "X-Forwarded-For: 203.0.113.7",
                "-H",
                "X-Forwarded-Method: GET",
                "-H",
                "X-Forwarded-Host: app.example",
                "-H",
                "X-Forwarded-Uri: /products/42?page=3",
                "http://127.0.0.1:9002/forward-auth"));
    Map<String, String> titles =
        Map.of(
            "check", "`Check` over gRPC, %,d bans", "forward", "Forward-auth over HTTP, %,d bans");
    for (String name : List.of("check", "forward")) {
      Path directory = bench.empty("gate");
      Path recording = directory.resolve("gate.jfr");
      Restore.ownStore(directory, BANS, false);
      String[] load = Objects.requireNonNull(loads.get(name)).toArray(String[]::new);
      try (NetworkNamespace node = Bench.namespace("profile");
          Product.Running running = bench.ipSentry().startInline(node, directory)) {
        node.run(load);
        recorded(running.pids().getFirst(), recording, () -> node.run(load));
      }
      tell(bench, recording, name, titles.getOrDefault(name, name).formatted(BANS));
    }
  }

  private static void enforcer(Bench bench) throws IOException, InterruptedException {
    Optional<String> reason = Parts.needs("ip", "ipset", "iptables-legacy");
    if (reason.isPresent()) {
      bench.say(reason.get() + ": no profile of the enforcer");
      return;
    }
    Path recording = bench.scratch().resolve("enforcer.jfr");
    int bans = bench.size(1_000_000, 20_000);
    try (NetworkNamespace node = Bench.namespace("profile")) {
      node.run(
          Path.of(System.getProperty("java.home"), "bin", "java").toString(),
          RECORDS.formatted(recording, "1ms"),
          QUIETLY.getFirst(),
          QUIETLY.getLast(),
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-Xmx64m",
          "-cp",
          System.getProperty("java.class.path"),
          PacketFilterBenchmark.class.getName(),
          "ipset",
          Integer.toString(bans));
    }
    tell(bench, recording, "enforcer", "The enforcer's backend `ipset`, %,d bans".formatted(bans));
  }
}
