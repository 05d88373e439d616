package io.ipsentry.bench.compare;

import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.Programs;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** From the start of a process until the bans of its store are in an empty kernel. */
final class Restore implements Bench.Part {
  private static final int BANS = 100_000;

  /** What the peers get, which take their time for each: the rest is extrapolated. */
  private static final int FAIL2BAN_BANS = 1_000;

  private static final int CROWDSEC_BANS = 10_000;
  private static final String BY_IPSET = "ipset restore, alone";
  private static final String BY_NFT = "nft -f, alone";
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
  private record Candidate(int bans, Path store, Restoring restoring) {}

  /** What a program leaves that has ended by itself. */
  private static final class Ended implements Product.Running {
    @Override
    public List<Long> pids() {
      return List.of();
    }

    @Override
    public void close() {
      // Nothing runs.
    }
  }

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    Optional<String> reason = Parts.needs("ip", "ipset", "iptables-legacy", "nft");
    if (reason.isPresent()) {
      bench.absent(Metric.RESTORE, Subject.IP_SENTRY, reason.get());
      return;
    }
    Map<String, Candidate> candidates = candidates(bench);
    for (int round = 1; round <= bench.rounds(5); round++) {
      for (Map.Entry<String, Candidate> each : candidates.entrySet()) {
        Candidate candidate = each.getValue();
        Path fresh = bench.empty("r");
        Bench.copy(candidate.store(), fresh);
        try (NetworkNamespace node = Bench.namespace("restore")) {
          long begin = System.nanoTime();
          try (Product.Running _ = candidate.restoring().restore(node, fresh)) {
            double seconds = (System.nanoTime() - begin) / 1e9;
            double scale = (double) BANS / candidate.bans();
            bench.add(Metric.RESTORE, each.getKey(), round, seconds, scale);
          }
        }
      }
    }
  }

  private static Map<String, Candidate> candidates(Bench bench)
      throws IOException, InterruptedException {
    int bans = bench.size(BANS, 5_000);
    Path log = Files.createFile(bench.scratch().resolve("empty.log"));
    Map<String, Candidate> candidates = new LinkedHashMap<>();
    Path lists = bench.empty("r-lists");
    writeIpset(lists.resolve("ipset"), bans);
    writeNft(lists.resolve("nft"), bans);
    candidates.put(
        BY_IPSET,
        new Candidate(
            bans,
            lists,
            (node, directory) -> {
              node.run("ipset", "restore", "-file", directory.resolve("ipset").toString());
              return new Ended();
            }));
    candidates.put(
        BY_NFT,
        new Candidate(
            bans,
            lists,
            (node, directory) -> {
              node.run("nft", "-f", directory.resolve("nft").toString());
              return new Ended();
            }));
    candidates.put(
        Subject.IP_SENTRY,
        new Candidate(
            bans,
            ownStore(bench.empty("r-own"), bans),
            (node, directory) -> {
              Product.Running running = bench.ipSentry().start(node, directory, log);
              awaitEntries(node, IpSentry.SET, bans);
              return running;
            }));
    List<Product> peers = List.of(new Fail2ban(), new CrowdSec(CrowdSec.PACKAGED_SECONDS));
    for (Product peer : bench.present(peers, List.of(Metric.RESTORE))) {
      candidates.put(
          peer.name(),
          peer instanceof Fail2ban ? fail2ban(bench, peer, log) : crowdSec(bench, peer, log));
    }
    candidates
        .keySet()
        .removeIf(name -> {
          Optional<String> why = bench.leftOut(name);
          why.ifPresent(text -> bench.absent(Metric.RESTORE, name, text));
          return why.isPresent();
        });
    return candidates;
  }

  /** Makes a store with so many bans in a directory. */
  static Path ownStore(Path store, int bans) {
    Programs.run(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED",
        "-cp",
        System.getProperty("java.class.path"),
        "io.ipsentry.bench.BanStore",
        store.resolve("store.db").toString(),
        Integer.toString(bans));
    return store;
  }

  private static Candidate fail2ban(Bench bench, Product peer, Path log) throws IOException {
    Path store = bench.empty("r-f2b");
    Programs.run(
        Programs.path("python3").toString(),
        bench.root().resolve("bench/peers/fail2ban_bans.py").toString(),
        store.resolve("fail2ban.sqlite3").toString(),
        Fail2ban.JAIL,
        Integer.toString(FAIL2BAN_BANS));
    return new Candidate(
        FAIL2BAN_BANS,
        store,
        (node, directory) -> {
          Product.Running running = peer.start(node, directory, log);
          awaitEntries(node, Fail2ban.SET, FAIL2BAN_BANS);
          return running;
        });
  }

  private static Candidate crowdSec(Bench bench, Product peer, Path log)
      throws IOException, InterruptedException {
    Path store = bench.empty("r-cs");
    Path decisions = store.resolve("decisions.csv");
    try (BufferedWriter out = Files.newBufferedWriter(decisions)) {
      out.write("duration,scope,value,reason\n");
      for (int i = 0; i < CROWDSEC_BANS; i++) {
        out.write("24h,ip," + address(i) + ",bench\n");
      }
    }
    try (NetworkNamespace node = Bench.namespace("import");
        Product.Running _ = peer.start(node, store, log)) {
      node.run(
          "cscli",
          "-c",
          store.resolve("etc/config.yaml").toString(),
          "decisions",
          "import",
          "-i",
          decisions.toString());
    }
    return new Candidate(
        CROWDSEC_BANS,
        store.resolve("data"),
        (node, directory) -> {
          // Only its store is kept; the configuration is written anew, with this directory in it.
          Bench.copy(directory, Files.createDirectories(bench.empty("r2").resolve("data")));
          CrowdSec.WithBouncer running =
              (CrowdSec.WithBouncer) peer.start(node, bench.scratch().resolve("r2"), log);
          running.bouncer().await(CROWDSEC_BANS + " decisions added");
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

  private static void writeIpset(Path file, int bans) throws IOException {
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write("create alone hash:net timeout 0 maxelem 16777216\n");
      for (int i = 0; i < bans; i++) {
        out.write("add alone " + address(i) + " timeout 86400\n");
      }
    }
  }

  private static void writeNft(Path file, int bans) throws IOException {
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write("add table inet alone\nadd set inet alone s { type ipv4_addr; flags timeout; }\n");
      int piece = 20_000;
      for (int i = 0; i < bans; i++) {
        out.write(i % piece == 0 ? "add element inet alone s { " : ", ");
        out.write(address(i) + " timeout 86400s");
        out.write(i % piece == piece - 1 || i == bans - 1 ? " }\n" : "");
      }
    }
  }
}
