package io.ipsentry.bench.compare;

import io.ipsentry.bench.enforcer.PacketFilterBenchmark;
import io.ipsentry.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@link PacketFilterBenchmark}, a process a round. */
final class Kernel implements Bench.Part {
  static final String BY_IPSET = Subject.IP_SENTRY + ", ipset";
  static final String BY_NFTABLES = Subject.IP_SENTRY + ", nftables";

  /** The backend by its subject, with the name of what limits it. */
  private static final Map<String, List<String>> BACKENDS =
      Map.of(
          BY_IPSET,
          List.of("ipset", "ipset restore, alone"),
          BY_NFTABLES,
          List.of("nftables", "nft -f, alone"));

  private static final Pattern TOLD =
      Pattern.compile(" alone +([0-9.]+)\nensure \\+ apply +([0-9.]+)\n");

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    List<Integer> sizes = bench.isQuick() ? List.of(100_000) : List.of(100_000, 1_000_000);
    Optional<String> reason =
        Parts.needs("ip", "ipset", "iptables-legacy", "nft")
            .or(() -> bench.leftOut(Subject.IP_SENTRY));
    for (int bans : sizes) {
      Metric metric = Metric.of("kernel-" + bans);
      if (reason.isPresent()) {
        bench.absent(metric, Subject.IP_SENTRY, reason.get());
        continue;
      }
      for (int round = 1; round <= bench.rounds(5); round++) {
        for (String subject : List.of(BY_IPSET, BY_NFTABLES)) {
          List<String> backend = BACKENDS.getOrDefault(subject, List.of());
          Matcher told = load(bench, backend.getFirst(), bans);
          bench.add(metric, backend.getLast(), round, Double.parseDouble(told.group(1)));
          bench.add(metric, subject, round, Double.parseDouble(told.group(2)));
        }
      }
    }
  }

  private static Matcher load(Bench bench, String backend, int bans)
      throws IOException, InterruptedException {
    try (NetworkNamespace node = Bench.namespace("kernel")) {
      Process process =
          new ProcessBuilder(
                  node.command(
                      List.of(
                          Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                          "-XX:+UseSerialGC",
                          "-XX:TieredStopAtLevel=1",
                          "-Xmx64m",
                          "-Duser.language=en",
                          "--enable-native-access=ALL-UNNAMED",
                          "-cp",
                          System.getProperty("java.class.path"),
                          PacketFilterBenchmark.class.getName(),
                          backend,
                          Integer.toString(bans),
                          "1")))
              .redirectError(bench.scratch().resolve("kernel.err").toFile())
              .start();
      String told = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      Matcher matcher = TOLD.matcher(told);
      if (process.waitFor() != 0 || !matcher.find()) {
        throw new IllegalStateException("loading by " + backend + " says: " + told);
      }
      return matcher;
    }
  }
}
