package io.ipsentry.bench.compare;

import io.ipsentry.bench.check.CheckBenchmark;
import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@link CheckBenchmark}, whose pairs are its rounds. */
final class Checks implements Bench.Part {
  private static final Map<String, String> SUBJECTS =
      Map.of(
          "generated",
          "generated classes",
          "check-0",
          "ip-sentry, no bans",
          "check-100000",
          "ip-sentry, 100,000 bans",
          "check-1000000",
          "ip-sentry, 1,000,000 bans");

  private static final Pattern PAIR =
      Pattern.compile(
          "(?m)^(\\S+) +([0-9,.]+) calls/s +([0-9.]+) us .*echo +([0-9,.]+) calls/s +([0-9.]+) us");

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    for (String program : List.of("h2load", "taskset")) {
      if (Programs.find(program).isEmpty()) {
        bench.absent(Metric.CHECK, Subject.IP_SENTRY, "no program " + program);
        return;
      }
    }
    Optional<String> reason = bench.leftOut(Subject.IP_SENTRY);
    if (reason.isPresent() || Runtime.getRuntime().availableProcessors() < 2) {
      bench.absent(Metric.CHECK, Subject.IP_SENTRY, reason.orElse("needs two cores"));
      return;
    }
    Process process =
        new ProcessBuilder(
                "taskset",
                "-c",
                "1",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-Duser.language=en",
                "-cp",
                System.getProperty("java.class.path"),
                CheckBenchmark.class.getName(),
                "0",
                Integer.toString(bench.rounds(25)),
                "1",
                "0")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String told = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IllegalStateException("checks ended badly: " + told);
    }
    if (!PAIR.matcher(told).find()) {
      throw new IllegalStateException("checks say: " + told);
    }
    Map<String, Integer> rounds = new HashMap<>();
    Matcher pair = PAIR.matcher(told);
    while (pair.find()) {
      String subject = SUBJECTS.getOrDefault(pair.group(1), pair.group(1));
      int round = rounds.merge(subject, 1, Integer::sum);
      bench.add(Metric.CHECK, subject, round, number(pair.group(2)) / number(pair.group(4)));
      bench.add(Metric.CHECK_CPU, subject, round, number(pair.group(3)) / number(pair.group(5)));
    }
  }

  private static double number(String text) {
    return Double.parseDouble(text.replace(",", ""));
  }
}
