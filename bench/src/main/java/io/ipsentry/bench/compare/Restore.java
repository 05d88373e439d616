package io.ipsentry.bench.compare;

import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.Programs;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** From the start of a process until the bans of its store are in an empty kernel. */
final class Restore implements Bench.Part {
  private static final List<Integer> SIZES = List.of(1_000, 10_000, 100_000, 1_000_000);

  /** More are not tried: the peers take their time for each. */
  private static final int FAIL2BAN_BANS = 10_000;

  private static final int CROWDSEC_BANS = 100_000;

  /** {@code run} makes no snapshot of fewer events. */
  private static final int SNAPSHOT_BANS = 10_000;

  private static final String NO_SNAPSHOT = Subject.IP_SENTRY + ", before its first snapshot";

  /** Who takes longer is not measured again. */
  private static final double LONG_SECONDS = 20;

  private static final int LOOK_MILLIS = 50;
  private static final int PATIENCE_SECONDS = 120;
  private static final Pattern ENTRIES = Pattern.compile("Number of entries: (\\d+)");

  /** Something that restores into a namespace that is new; it returns when all is there. */
  @FunctionalInterface
  private interface Restoring {
    Product.Running restore(NetworkNamespace node, Path directory)
        throws IOException, InterruptedException;
  }

  /**
   * Who restores.
   *
   * @param store directory with what it kept
   */
  private record Candidate(String name, Path store, Restoring restoring) {}

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    Optional<String> reason = Parts.needs("ip", "ipset", "iptables-legacy");
    Path log = Files.createFile(bench.scratch().resolve("empty.log"));
    for (int bans : bench.isQuick() ? SIZES.subList(0, 1) : SIZES) {
      Metric metric = Metric.of("restore-" + bans);
      if (reason.isPresent()) {
        bench.absent(metric, Subject.IP_SENTRY, reason.get());
        continue;
      }
      List<Candidate> candidates = new ArrayList<>();
      own(bench, metric, bans, log).ifPresent(candidates::addAll);
      candidates.addAll(peers(bench, metric, bans, log));
      Map<String, Double> took = new LinkedHashMap<>();
      for (int round = 1; round <= bench.rounds(5); round++) {
        for (Candidate candidate : candidates) {
          if (took.getOrDefault(candidate.name(), 0.0) < LONG_SECONDS) {
            double seconds = seconds(bench, candidate);
            took.put(candidate.name(), seconds);
            bench.add(metric, candidate.name(), round, seconds);
          }
        }
      }
      for (Candidate candidate : candidates) {
        Bench.delete(candidate.store());
      }
    }
  }

  private static double seconds(Bench bench, Candidate candidate)
      throws IOException, InterruptedException {
    Path fresh = bench.empty("r");
    Bench.copy(candidate.store(), fresh);
    try (NetworkNamespace node = Bench.namespace("restore")) {
      long begin = System.nanoTime();
      try (Product.Running _ = candidate.restoring().restore(node, fresh)) {
        return (System.nanoTime() - begin) / 1e9;
      }
    }
  }

  private static Optional<List<Candidate>> own(Bench bench, Metric metric, int bans, Path log)
      throws IOException, InterruptedException {
    Optional<String> leftOut = bench.leftOut(Subject.IP_SENTRY);
    if (leftOut.isPresent()) {
      bench.absent(metric, Subject.IP_SENTRY, leftOut.get());
      return Optional.empty();
    }
    Restoring restoring =
        (node, directory) -> {
          Product.Running running = bench.ipSentry().start(node, directory, log);
          awaitEntries(node, IpSentry.SET, bans);
          return running;
        };
    List<Candidate> candidates = new ArrayList<>();
    boolean isSnapshot = bans >= SNAPSHOT_BANS;
    Path store = ownStore(bench.empty("r-own"), bans, isSnapshot);
    candidates.add(new Candidate(Subject.IP_SENTRY, store, restoring));
    if (isSnapshot) {
      Path events = ownStore(bench.empty("r-events"), bans, false);
      candidates.add(new Candidate(NO_SNAPSHOT, events, restoring));
    }
    return Optional.of(candidates);
  }

  /** Makes a store with so many bans in a directory. */
  static Path ownStore(Path store, int bans, boolean isSnapshot)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "io.ipsentry.bench.BanStore",
                store.resolve("store.db").toString(),
                Integer.toString(bans)));
    if (isSnapshot) {
      command.add("snapshot");
    }
    run(command);
    return store;
  }

  /** Waits longer than other programs are waited for. */
  private static void run(List<String> command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    boolean hasEnded = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
    if (!hasEnded || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IllegalStateException(
          command + (hasEnded ? " ended with " + process.exitValue() : " takes too long"));
    }
  }

  private static List<Candidate> peers(Bench bench, Metric metric, int bans, Path log)
      throws IOException, InterruptedException {
    List<Candidate> candidates = new ArrayList<>();
    Fail2ban fail2ban = new Fail2ban();
    List<Product> peers = List.of(fail2ban, new CrowdSec(CrowdSec.PACKAGED_SECONDS));
    for (Product peer : bench.present(peers, List.of(metric))) {
      if (bans > (peer == fail2ban ? FAIL2BAN_BANS : CROWDSEC_BANS)) {
        bench.absent(metric, peer.name(), "not tried, it takes its time for each ban");
      } else {
        candidates.add(
            peer == fail2ban ? fail2ban(bench, peer, bans, log) : crowdSec(bench, peer, bans, log));
      }
    }
    return candidates;
  }

  private static Candidate fail2ban(Bench bench, Product peer, int bans, Path log)
      throws IOException {
    Path store = bench.empty("r-f2b");
    Programs.run(
        Programs.path("python3").toString(),
        bench.root().resolve("bench/peers/fail2ban_bans.py").toString(),
        store.resolve("fail2ban.sqlite3").toString(),
        Fail2ban.JAIL,
        Integer.toString(bans));
    return new Candidate(
        peer.name(),
        store,
        (node, directory) -> {
          Product.Running running = peer.start(node, directory, log);
          awaitEntries(node, Fail2ban.SET, bans);
          return running;
        });
  }

  private static Candidate crowdSec(Bench bench, Product peer, int bans, Path log)
      throws IOException, InterruptedException {
    Path made = bench.empty("r-cs");
    Path decisions = made.resolve("decisions.csv");
    try (BufferedWriter out = Files.newBufferedWriter(decisions)) {
      out.write("duration,scope,value,reason\n");
      for (int i = 0; i < bans; i++) {
        out.write("24h,ip," + address(i) + ",bench\n");
      }
    }
    try (NetworkNamespace node = Bench.namespace("import");
        Product.Running _ = peer.start(node, made, log)) {
      run(
          node.command(
              List.of(
                  Programs.path("cscli").toString(),
                  "-c",
                  made.resolve("etc/config.yaml").toString(),
                  "decisions",
                  "import",
                  "-i",
                  decisions.toString())));
    }
    return new Candidate(
        peer.name(),
        made.resolve("data"),
        (node, directory) -> {
          // Only its store is kept; the configuration is written anew, with this directory in it.
          Bench.copy(directory, Files.createDirectories(bench.empty("r2").resolve("data")));
          CrowdSec.WithBouncer running =
              (CrowdSec.WithBouncer) peer.start(node, bench.scratch().resolve("r2"), log);
          running.bouncer().await(bans + " decisions added");
          return running;
        });
  }

  private static void awaitEntries(NetworkNamespace node, String set, int wanted)
      throws InterruptedException {
    long end = System.nanoTime() + PATIENCE_SECONDS * 1_000_000_000L;
    int found = entries(node, set);
    while (found < wanted) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException(set + " has " + found + " of " + wanted);
      }
      Thread.sleep(LOOK_MILLIS);
      found = entries(node, set);
    }
  }

  /** 0 where there is no such set yet. */
  private static int entries(NetworkNamespace node, String set) {
    Matcher told = ENTRIES.matcher(node.run("sh", "-c", "ipset list -terse " + set + " 2>&1 || :"));
    return told.find() ? Integer.parseInt(told.group(1)) : 0;
  }

  private static String address(int number) {
    return "45.%d.%d.%d".formatted(number >> 16 & 255, number >> 8 & 255, number & 255);
  }
}
