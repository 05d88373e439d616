package io.ipsentry.bench.compare;

import io.ipsentry.bench.compare.LoadedSite.Rate;
import io.ipsentry.bench.enforcer.PacketFilterBenchmark;
import io.ipsentry.testing.NetworkNamespace;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Requests a second of those who are not banned, with what each program puts into the kernel. */
final class Web implements Bench.Part {
  private static final String RULES = Subject.FAIL2BAN + ", iptables-multiport";
  private static final String SET = Subject.FAIL2BAN + ", iptables-ipset";

  /** The kernel's, which the action of fail2ban does not change. */
  private static final int SET_ENTRIES = 65_536;

  private static final int PIECE = 20_000;
  private static final String NOTHING = "no firewall, again";

  /** Forth and back in turns; a round is their median. */
  private static final int PASSES = 4;

  /** A site whose kernel holds so many bans of a program. */
  private record Filtered(String subject, int bans, LoadedSite site) {
    Metric metric(String kind) {
      return Metric.of(kind + bans);
    }
  }

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    Optional<String> reason =
        Parts.needs("nginx", "wrk", "taskset", "setsid", "ip", "ipset", "iptables-legacy", "nft");
    if (reason.isPresent()) {
      bench.absent(Metric.WEB_0, Subject.IP_SENTRY, reason.get());
      return;
    }
    List<LoadedSite> sites = new ArrayList<>();
    try {
      LoadedSite bare = site(bench, NOTHING, 0, sites);
      List<Filtered> all = new ArrayList<>();
      all.add(new Filtered(NOTHING, 0, site(bench, NOTHING, 0, sites)));
      for (int bans :
          bench.isQuick() ? new int[] {0, 10_000} : new int[] {0, 10_000, 100_000, 1_000_000}) {
        for (Map.Entry<String, Optional<String>> subject : subjects(bans).entrySet()) {
          String name = subject.getKey();
          String own = name.startsWith(Subject.IP_SENTRY) ? Subject.IP_SENTRY : name;
          Optional<String> why = bench.leftOut(own).or(subject::getValue);
          if (why.isPresent()) {
            bench.absent(Metric.of("web-" + bans), name, why.get());
          } else {
            all.add(new Filtered(name, bans, site(bench, name, bans, sites)));
          }
        }
      }
      for (int round = 1; round <= bench.rounds(9); round++) {
        add(bench, round, shares(bare, all));
      }
    } finally {
      sites.forEach(LoadedSite::close);
    }
  }

  private static LoadedSite site(Bench bench, String subject, int bans, List<LoadedSite> sites)
      throws IOException, InterruptedException {
    Path directory = bench.empty("w" + sites.size());
    Site site = Site.answering(directory);
    try {
      if (!subject.equals(NOTHING)) {
        bench.say("puts %,d bans into the kernel as %s does".formatted(bans, subject));
        fill(bench, site.node(), subject, bans);
      }
    } catch (IOException | RuntimeException e) {
      site.close();
      throw e;
    }
    LoadedSite loaded = LoadedSite.start(site, directory.resolve("wrk.out"));
    sites.add(loaded);
    return loaded;
  }

  /** What each site does, as shares of the bare one's slices before and after it: the medians. */
  private static Map<Filtered, Rate> shares(LoadedSite bare, List<Filtered> all)
      throws IOException, InterruptedException {
    Map<Filtered, List<Rate>> passes = new LinkedHashMap<>();
    for (int pass = 0; pass < PASSES; pass++) {
      Rate before = bare.slice();
      for (Filtered one : pass % 2 == 0 ? all : all.reversed()) {
        Rate rate = one.site().slice();
        Rate after = bare.slice();
        passes.computeIfAbsent(one, _ -> new ArrayList<>()).add(rate.over(before, after));
        before = after;
      }
    }
    Map<Filtered, Rate> shares = new LinkedHashMap<>();
    for (Filtered one : all) {
      List<Rate> rates = passes.getOrDefault(one, List.of());
      shares.put(
          one,
          new Rate(
              Spread.of(rates.stream().map(Rate::requests).toList()).median(),
              Spread.of(rates.stream().map(Rate::micros).toList()).median()));
    }
    return shares;
  }

  private static void add(Bench bench, int round, Map<Filtered, Rate> shares) {
    Map<String, Double> withoutBans = new HashMap<>();
    shares.forEach((one, share) -> {
      bench.add(one.metric("web-"), one.subject(), round, share.requests());
      bench.add(one.metric("web-cpu-"), one.subject(), round, share.micros());
      if (one.bans() == 0) {
        withoutBans.put(one.subject(), share.requests());
      } else {
        double none = withoutBans.getOrDefault(one.subject(), Double.NaN);
        bench.add(one.metric("web-bans-"), one.subject(), round, share.requests() / none);
      }
    });
  }

  private static Map<String, Optional<String>> subjects(int bans) {
    Map<String, Optional<String>> subjects = new LinkedHashMap<>();
    subjects.put(Kernel.BY_IPSET, Optional.empty());
    subjects.put(Kernel.BY_NFTABLES, Optional.empty());
    subjects.put(
        SET,
        bans < SET_ENTRIES
            ? Optional.empty()
            : Optional.of("its action makes a set for %,d addresses".formatted(SET_ENTRIES)));
    subjects.put(
        RULES,
        bans <= 100_000
            ? Optional.empty()
            : Optional.of("so many rules, one after the other, are not tried"));
    subjects.put(Subject.CROWDSEC, Optional.empty());
    return subjects;
  }

  private static void fill(Bench bench, NetworkNamespace node, String subject, int bans)
      throws IOException {
    Path file = bench.scratch().resolve("fill");
    switch (subject) {
      case Kernel.BY_IPSET, Kernel.BY_NFTABLES ->
          node.run(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-XX:+UseSerialGC",
              "-Xmx64m",
              "-cp",
              System.getProperty("java.class.path"),
              PacketFilterBenchmark.class.getName(),
              subject.equals(Kernel.BY_IPSET) ? "ipset" : "nftables",
              Integer.toString(bans));
      case SET -> {
        addresses(
            file,
            bans,
            "create %s hash:ip timeout 0%n".formatted(Fail2ban.SET),
            "add " + Fail2ban.SET + " %s timeout 86400%n",
            "");
        node.run("ipset", "restore", "-file", file.toString());
        node.run(
            "iptables-legacy",
            "-I",
            "INPUT",
            "-p",
            "tcp",
            "-m",
            "multiport",
            "--dports",
            "80,8080",
            "-m",
            "set",
            "--match-set",
            Fail2ban.SET,
            "src",
            "-j",
            "REJECT");
      }
      case RULES -> {
        addresses(
            file,
            bans,
            "*filter%n:f2b-probing - [0:0]%n-A INPUT -p tcp -m multiport --dports 80,8080 -j f2b-probing%n"
                .formatted(),
            "-A f2b-probing -s %s -j REJECT%n",
            "-A f2b-probing -j RETURN%nCOMMIT%n".formatted());
        node.run("sh", "-c", "iptables-legacy-restore --noflush <" + file);
      }
      default -> {
        nft(file, bans);
        node.run("nft", "-f", file.toString());
      }
    }
    Files.deleteIfExists(file);
  }

  private static String address(int number) {
    return "11.%d.%d.%d".formatted(number >> 16 & 255, number >> 8 & 255, number & 255);
  }

  private static void addresses(Path file, int bans, String head, String line, String end)
      throws IOException {
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write(head);
      for (int i = 0; i < bans; i++) {
        out.write(line.formatted(address(i)));
      }
      out.write(end);
    }
  }

  /** Set, chain and rule as its bouncer makes them. */
  private static void nft(Path file, int bans) throws IOException {
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write(
          """
          table ip crowdsec {
            set crowdsec-blacklists { type ipv4_addr; flags timeout; }
            chain crowdsec-chain {
              type filter hook input priority filter; policy accept;
              ip saddr @crowdsec-blacklists counter drop
            }
          }
          """);
      for (int i = 0; i < bans; i++) {
        out.write(i % PIECE == 0 ? "add element ip crowdsec crowdsec-blacklists { " : ", ");
        out.write(address(i) + " timeout 86400s");
        out.write(i % PIECE == PIECE - 1 || i == bans - 1 ? " }\n" : "");
      }
    }
  }
}
