package io.ipsentry.bench.compare;

import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;

/** {@code bench/forward-auth.sh}. */
final class Forward implements Bench.Part {
  private static final int ROUNDS = 5;

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    for (String program : List.of("nginx", "wrk", "taskset")) {
      if (Programs.find(program).isEmpty()) {
        bench.absent(Metric.FORWARD, Subject.IP_SENTRY, "no program " + program);
        return;
      }
    }
    ProcessBuilder builder =
        new ProcessBuilder(
                bench.root().resolve("bench/forward-auth.sh").toString(),
                "-s",
                "2",
                "-r",
                Integer.toString(bench.rounds(ROUNDS)))
            .redirectOutput(bench.scratch().resolve("forward.out").toFile())
            .redirectError(bench.scratch().resolve("forward.err").toFile());
    builder.environment().put("BENCH_CLASSPATH", System.getProperty("java.class.path"));
    if (builder.start().waitFor() != 0) {
      throw new IllegalStateException(
          "forward-auth.sh: " + Files.readString(bench.scratch().resolve("forward.err")));
    }
    // round nginx/s ip-sentry/s ratio nginx-ns own-ns cpu-ratio …
    int round = 0;
    for (String line :
        Files.readAllLines(bench.root().resolve("bench/target/forward-auth/rounds"))) {
      String[] words = line.trim().split(" +");
      round++;
      double rates = Double.parseDouble(words[2]) / Double.parseDouble(words[1]);
      double times = Double.parseDouble(words[5]) / Double.parseDouble(words[4]);
      bench.add(Metric.FORWARD, Subject.IP_SENTRY, round, rates);
      bench.add(Metric.FORWARD_CPU, Subject.IP_SENTRY, round, times);
    }
  }
}
