package io.ipsentry.bench.compare;

import io.ipsentry.bench.enforcer.PacketFilterBenchmark;
import io.ipsentry.testing.NetworkNamespace;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Requests a second of those who are not banned, with what each program puts into the kernel. */
final class Web implements Bench.Part {
  private static final String RULES = Subject.FAIL2BAN + ", iptables-multiport";
  private static final String SET = Subject.FAIL2BAN + ", iptables-ipset";

  /** The kernel's, which the action of fail2ban does not change. */
  private static final int SET_ENTRIES = 65_536;

  private static final int PIECE = 20_000;
  private static final Pattern REQUESTS =
      Pattern.compile(
          "(\\d+) requests in.*Requests/sec: +([0-9.]+).*time ([0-9.]+) ([0-9.]+)", Pattern.DOTALL);

  /** A site whose kernel holds so many bans of a program. */
  private record Filtered(Metric metric, Metric cpu, String subject, Site site) {}

  /** Requests a second, and microseconds of processor time a request. */
  private record Rate(double requests, double micros) {}

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    Optional<String> reason = Parts.needs("nginx", "wrk", "ip", "ipset", "iptables-legacy", "nft");
    if (reason.isPresent()) {
      bench.absent(Metric.WEB_0, Subject.IP_SENTRY, reason.get());
      return;
    }
    List<Site> sites = new ArrayList<>();
    try {
      Site bare = Site.answering(bench.empty("w"));
      sites.add(bare);
      List<Filtered> all = new ArrayList<>();
      for (int bans :
          bench.isQuick() ? new int[] {0, 10_000} : new int[] {0, 10_000, 100_000, 1_000_000}) {
        for (Map.Entry<String, Optional<String>> subject : subjects(bans).entrySet()) {
          Metric metric = Metric.of("web-" + bans);
          Optional<String> why = bench.leftOut(subject.getKey()).or(subject::getValue);
          if (why.isPresent()) {
            bench.absent(metric, subject.getKey(), why.get());
            continue;
          }
          Site site = Site.answering(bench.empty("w" + sites.size()));
          sites.add(site);
          bench.say("puts %,d bans into the kernel as %s does".formatted(bans, subject.getKey()));
          fill(bench, site.node(), subject.getKey(), bans);
          all.add(new Filtered(metric, Metric.of("web-cpu-" + bans), subject.getKey(), site));
        }
      }
      rate(bare); // nginx and wrk are warm then
      for (int round = 1; round <= bench.rounds(9); round++) {
        Rate base = rate(bare);
        for (Filtered one : all) {
          Rate rate = rate(one.site());
          bench.add(one.metric(), one.subject(), round, rate.requests() / base.requests());
          bench.add(one.cpu(), one.subject(), round, rate.micros() / base.micros());
        }
      }
    } finally {
      sites.forEach(Site::close);
    }
  }

  private static Map<String, Optional<String>> subjects(int bans) {
    Map<String, Optional<String>> subjects = new LinkedHashMap<>();
    subjects.put(Subject.IP_SENTRY, Optional.empty());
    if (bans > 0) {
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
    }
    return subjects;
  }

  private static void fill(Bench bench, NetworkNamespace node, String subject, int bans)
      throws IOException {
    Path file = bench.scratch().resolve("fill");
    switch (subject) {
      case Subject.IP_SENTRY ->
          node.run(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-XX:+UseSerialGC",
              "-Xmx64m",
              "-cp",
              System.getProperty("java.class.path"),
              PacketFilterBenchmark.class.getName(),
              "ipset",
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

  private static Rate rate(Site site) throws IOException {
    double before = Usage.cpuSeconds(List.of(site.nginx()));
    String told =
        site.world()
            .run(
                "bash",
                "-c",
                "TIMEFORMAT='time %U %S'; export LC_ALL=C; time timeout 30 wrk -t1 -c32 -d1s"
                    + " http://"
                    + Site.ADDRESS
                    + ":"
                    + Site.PORT
                    + "/");
    double used = Usage.cpuSeconds(List.of(site.nginx())) - before;
    Matcher matcher = REQUESTS.matcher(told);
    if (!matcher.find()) {
      throw new IllegalStateException("wrk says: " + told);
    }
    double cpu = used + Double.parseDouble(matcher.group(3)) + Double.parseDouble(matcher.group(4));
    return new Rate(
        Double.parseDouble(matcher.group(2)), cpu / Long.parseLong(matcher.group(1)) * 1e6);
  }
}
