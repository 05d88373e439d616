package io.ipsentry.bench.compare;

import io.ipsentry.testing.traffic.WaveProgram;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How many requests of a prober a real nginx answers before it is shut out.
 *
 * @param aSecond requests
 */
record Prober(int aSecond) implements Bench.Part {
  static final String BY_LOG = Subject.IP_SENTRY + ", by log";
  static final String INLINE = Subject.IP_SENTRY + ", inline";

  private static final int ROUNDS = 5;
  private static final int MAX_SECONDS = 25;

  /** A prober that was served nothing for so long is taken to be shut out. */
  private static final int QUIET_MILLIS = 1_500;

  /** A product with its site and its clients. */
  private record Rig(Site site, Product.Running product, Clients clients) implements AutoCloseable {
    @Override
    public void close() {
      clients.close();
      product.close();
      site.close();
    }
  }

  /** What became of a prober. */
  private record Wave(int sent, int served, long thirdMicros, long lastMicros) {}

  /** The process that asks. */
  private record Clients(Process process, BufferedReader out, BufferedWriter in)
      implements AutoCloseable {
    static Clients start(Site site) throws IOException {
      Process process =
          new ProcessBuilder(
                  site.world()
                      .command(
                          List.of(
                              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                              "-XX:+UseSerialGC",
                              "-Xmx256m",
                              "-cp",
                              System.getProperty("java.class.path"),
                              WaveProgram.class.getName())))
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      return new Clients(
          process,
          process.inputReader(StandardCharsets.US_ASCII),
          process.outputWriter(StandardCharsets.US_ASCII));
    }

    Wave wave(String from, String path, int requests, int aSecond) throws IOException {
      in.write(
          "%s %s %d %s %d %d new %d\n"
              .formatted(
                  from,
                  Site.ADDRESS,
                  Site.PORT,
                  path,
                  requests,
                  1_000_000 / aSecond,
                  QUIET_MILLIS));
      in.flush();
      String line = out.readLine();
      if (line == null || line.contains("failed")) {
        throw new IllegalStateException("clients say: " + line);
      }
      String[] words = line.split(" ");
      return new Wave(
          Integer.parseInt(words[1]),
          Integer.parseInt(words[5]),
          Long.parseLong(words[6]),
          Long.parseLong(words[7]));
    }

    @Override
    public void close() {
      process.destroyForcibly();
      process.onExit().join();
    }
  }

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    Metric answered = Metric.of("answered-" + aSecond);
    Metric ban = Metric.of("ban-" + aSecond);
    Map<String, Rig> rigs = new LinkedHashMap<>();
    try {
      for (String own : List.of(BY_LOG, INLINE)) {
        Optional<String> reason = Parts.needs("nginx", "ip", "ipset", "iptables-legacy");
        if (reason.isPresent()) {
          bench.absent(answered, own, reason.get());
        } else {
          rigs.put(own, own(bench, own));
        }
      }
      List<Product> peers =
          List.of(new Fail2ban(), new CrowdSec(CrowdSec.PACKAGED_SECONDS), new CrowdSec(1));
      for (Product peer : bench.present(peers, List.of(answered, ban))) {
        Path directory = bench.empty("p" + rigs.size());
        Site site = Site.serving(bench.empty("s" + rigs.size()));
        rigs.put(
            peer.name(),
            new Rig(site, peer.start(site.node(), directory, site.log()), Clients.start(site)));
      }
      int rounds = bench.rounds(ROUNDS);
      for (int round = 0; round <= rounds; round++) {
        for (Map.Entry<String, Rig> rig : rigs.entrySet()) {
          probe(bench, rig.getKey(), rig.getValue(), round, answered, ban);
        }
      }
    } finally {
      new ArrayList<>(rigs.values()).reversed().forEach(Rig::close);
    }
  }

  private static Rig own(Bench bench, String name) throws IOException, InterruptedException {
    boolean isInline = name.equals(INLINE);
    Path directory = bench.empty(isInline ? "own-i" : "own-l");
    Path served = bench.empty(isInline ? "site-i" : "site-l");
    Site site = isInline ? Site.asking(served) : Site.serving(served);
    IpSentry product = bench.ipSentry();
    return new Rig(
        site,
        isInline
            ? product.startInline(site.node(), directory)
            : product.start(site.node(), directory, site.log()),
        Clients.start(site));
  }

  /** Round 0 is not counted: all has run once then, also of nginx and the clients. */
  private void probe(Bench bench, String name, Rig rig, int round, Metric answered, Metric ban)
      throws IOException {
    String client = Site.client(round);
    Wave wave = rig.clients().wave(client, "/.env", aSecond * MAX_SECONDS, aSecond);
    Wave again = rig.clients().wave(client, "/.env", 20, 20);
    if (again.served() > 0) {
      throw new IllegalStateException(
          "%s did not shut out %s: served %d of %d, then %d"
              .formatted(name, client, wave.served(), wave.sent(), again.served()));
    }
    if (round == 0) {
      return;
    }
    bench.add(answered, name, round, wave.served());
    if (wave.served() >= Product.THRESHOLD) {
      bench.add(ban, name, round, (wave.lastMicros() - wave.thirdMicros()) / 1e3);
    }
  }
}
