package io.ipsentry.bench.compare;

import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.Programs;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * From the start of a process until the bans of its store are in an empty kernel. Who does not get
 * there in its time is named as absent.
 */
final class Restore implements Bench.Part {
  static final List<Integer> SIZES = List.of(1_000, 10_000, 100_000, 1_000_000);

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

  private final int bans;

  /**
   * @param bans of the store
   */
  Restore(int bans) {
    this.bans = bans;
  }

  /** Starts something that restores into a namespace that is new. */
  @FunctionalInterface
  private interface Starting {
    Product.Running start(NetworkNamespace node, Path directory)
        throws IOException, InterruptedException;
  }

  /** Returns when all is there. */
  @FunctionalInterface
  private interface Awaiting {
    void await(NetworkNamespace node, Product.Running running)
        throws IOException, InterruptedException;
  }

  /** Makes the store of a subject. */
  @FunctionalInterface
  private interface Making {
    Candidate make() throws IOException, InterruptedException;
  }

  /**
   * Who restores.
   *
   * @param store directory with what it kept
   */
  private record Candidate(String name, Path store, Starting starting, Awaiting restored) {}

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    if (bench.isQuick() && bans > SIZES.getFirst()) {
      return;
    }
    Metric metric = Metric.of("restore-" + bans);
    Optional<String> reason = Parts.needs("ip", "ipset", "iptables-legacy");
    if (reason.isPresent()) {
      bench.absent(metric, Subject.IP_SENTRY, reason.get());
      return;
    }
    Path log = Files.createFile(bench.scratch().resolve("empty.log"));
    List<Candidate> candidates = new ArrayList<>(own(bench, metric, log));
    candidates.addAll(peers(bench, metric, log));
    for (int round = 1; round <= bench.rounds(5); round++) {
      for (Candidate candidate : List.copyOf(candidates)) {
        if (!isMeasured(bench, metric, candidate, round)) {
          candidates.remove(candidate);
        }
      }
    }
  }

  /** Whether it was, and is to be measured again. */
  private static boolean isMeasured(Bench bench, Metric metric, Candidate candidate, int round)
      throws IOException, InterruptedException {
    Path fresh = bench.empty("r");
    Bench.copy(candidate.store(), fresh);
    try (NetworkNamespace node = Bench.namespace("restore")) {
      long begin = System.nanoTime();
      try (Product.Running running = candidate.starting().start(node, fresh)) {
        candidate.restored().await(node, running);
        double seconds = (System.nanoTime() - begin) / 1e9;
        bench.add(metric, candidate.name(), round, seconds);
        return seconds < LONG_SECONDS;
      }
    } catch (TooSlowException e) {
      if (round == 1) {
        bench.absent(metric, candidate.name(), String.valueOf(e.getMessage()));
      }
      return false;
    }
  }

  /** Of a subject that keeps its store in time. */
  private static Optional<Candidate> made(Bench bench, Metric metric, String name, Making making)
      throws IOException, InterruptedException {
    try {
      return Optional.of(making.make());
    } catch (TooSlowException e) {
      bench.absent(metric, name, String.valueOf(e.getMessage()));
      return Optional.empty();
    }
  }

  private List<Candidate> own(Bench bench, Metric metric, Path log)
      throws IOException, InterruptedException {
    Optional<String> leftOut = bench.leftOut(Subject.IP_SENTRY);
    if (leftOut.isPresent()) {
      bench.absent(metric, Subject.IP_SENTRY, leftOut.get());
      return List.of();
    }
    List<Candidate> candidates = new ArrayList<>();
    boolean isSnapshot = bans >= SNAPSHOT_BANS;
    own(bench, metric, Subject.IP_SENTRY, isSnapshot, log).ifPresent(candidates::add);
    if (isSnapshot) {
      own(bench, metric, NO_SNAPSHOT, false, log).ifPresent(candidates::add);
    }
    return candidates;
  }

  private Optional<Candidate> own(
      Bench bench, Metric metric, String name, boolean isSnapshot, Path log)
      throws IOException, InterruptedException {
    Starting starting = (node, directory) -> bench.ipSentry().start(node, directory, log);
    return made(
        bench,
        metric,
        name,
        () ->
            new Candidate(
                name,
                ownStore(bench.empty(isSnapshot ? "r-own" : "r-events"), bans, isSnapshot),
                starting,
                (node, _) -> awaitEntries(node, IpSentry.SET, bans)));
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
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new TooSlowException("its bans were not kept in " + PATIENCE_SECONDS + " s");
    }
    if (process.exitValue() != 0) {
      throw new IllegalStateException(command + " ended with " + process.exitValue());
    }
  }

  private List<Candidate> peers(Bench bench, Metric metric, Path log)
      throws IOException, InterruptedException {
    List<Candidate> candidates = new ArrayList<>();
    Fail2ban fail2ban = new Fail2ban();
    List<Product> peers = List.of(fail2ban, new CrowdSec(CrowdSec.PACKAGED_SECONDS));
    for (Product peer : bench.present(peers, List.of(metric))) {
      if (bans > (peer == fail2ban ? FAIL2BAN_BANS : CROWDSEC_BANS)) {
        bench.absent(metric, peer.name(), "not tried, it takes its time for each ban");
        continue;
      }
      Making making =
          peer == fail2ban ? () -> fail2ban(bench, peer, log) : () -> crowdSec(bench, peer, log);
      made(bench, metric, peer.name(), making).ifPresent(candidates::add);
    }
    return candidates;
  }

  private Candidate fail2ban(Bench bench, Product peer, Path log) throws IOException {
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
        (node, directory) -> peer.start(node, directory, log),
        (node, _) -> awaitEntries(node, Fail2ban.SET, bans));
  }

  private Candidate crowdSec(Bench bench, Product peer, Path log)
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
          return peer.start(node, bench.scratch().resolve("r2"), log);
        },
        (_, running) ->
            ((CrowdSec.WithBouncer) running).bouncer().await(bans + " decisions added"));
  }

  private static void awaitEntries(NetworkNamespace node, String set, int wanted)
      throws InterruptedException {
    long end = System.nanoTime() + PATIENCE_SECONDS * 1_000_000_000L;
    int found = entries(node, set);
    while (found < wanted) {
      if (System.nanoTime() > end) {
        throw new TooSlowException(
            "%d of %d bans in the kernel after %d s".formatted(found, wanted, PATIENCE_SECONDS));
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

  /** Different ones for numbers below 2^24. */
  static String address(int number) {
    return "45.%d.%d.%d".formatted(number >> 16 & 255, number >> 8 & 255, number & 255);
  }
}
