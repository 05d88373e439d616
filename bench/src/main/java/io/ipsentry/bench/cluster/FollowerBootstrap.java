package io.ipsentry.bench.cluster;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.SnapshotBytes;
import io.ipsentry.bench.check.CheckBenchmark;
import io.ipsentry.feed.FeedStore;
import io.ipsentry.kubernetes.api.ClusterClients;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.feed.FeedBlobs;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.PrefixSetBuilder;
import io.ipsentry.net.SeenAs;
import io.ipsentry.testing.cluster.TcpProxy;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Fills the log of a real API server, then starts processes that follow it, one after the other:
 * how long until each knows everything, its memory, and what it read. See {@code
 * bench/cluster-follower.sh}.
 */
public final class FollowerBootstrap {
  private static final String RELEASE = "guard";
  private static final String SERVER = "authz-server";
  private static final String METRICS = "127.0.0.1:9403";
  private static final int GRPC_PORT = 9401;
  private static final int HTTP_PORT = 9402;

  /** What gateways ask before the memory is looked at, over each protocol. */
  private static final int CHECKS = 5_000;

  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final int bans;
  private final PrefixSet feed;
  private final List<String> program;
  private final int idleSeconds;
  private final Path directory;
  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(1)).build();

  private FollowerBootstrap(
      int bans, PrefixSet feed, List<String> program, int idleSeconds, Path directory) {
    this.bans = bans;
    this.feed = feed;
    this.program = program;
    this.idleSeconds = idleSeconds;
    this.directory = directory;
  }

  /**
   * Arguments: bans, prefixes of the feed, runs of each shape, seconds to idle, then the program.
   */
  public static void main(String[] args) throws Exception {
    int runs = Integer.parseInt(args[2]);
    Path directory = Files.createTempDirectory("ip-sentry-bootstrap");
    FollowerBootstrap bootstrap =
        new FollowerBootstrap(
            Integer.parseInt(args[0]),
            scattered(Integer.parseInt(args[1])),
            List.of(args).subList(4, args.length),
            Integer.parseInt(args[3]),
            directory);
    try (TestCluster cluster = TestCluster.start(directory)) {
      String namespace = cluster.newNamespace();
      for (boolean swept : new boolean[] {false, true}) {
        bootstrap.fill(cluster, namespace, swept);
        System.out.printf(
            "%n%s%n%-14s %8s %8s %8s %8s %8s %8s %10s%n",
            swept
                ? "snapshot and feed"
                : "snapshot, its entries that are still there for an hour, and feed",
            "process",
            "known s",
            "ready s",
            "known MiB",
            "ready MiB",
            "peak MiB",
            "idle MiB",
            "read KiB");
        for (int run = 0; run < runs; run++) {
          bootstrap.measure(cluster, namespace, SERVER);
          bootstrap.measure(cluster, namespace, "enforcer");
        }
      }
    }
  }

  private static PrefixSet scattered(int count) {
    int[] addresses =
        new Random(7).ints().filter(a -> a >>> 24 != 10).distinct().limit(count).toArray();
    long[] sorted = Arrays.stream(addresses).mapToLong(Integer::toUnsignedLong).sorted().toArray();
    PrefixSetBuilder builder = new PrefixSetBuilder(count, 0);
    for (long address : sorted) {
      builder.add(0, IpPrefix.v4ToLo((int) address), IpPrefix.MAX_LENGTH);
    }
    return builder.build();
  }

  private static KubernetesClient connect(TestCluster cluster, String namespace) {
    Config config = Config.fromKubeconfig(cluster.kubeconfig().toFile());
    config.setNamespace(namespace);
    return ClusterClients.of(config);
  }

  /** First everything is written; then what a snapshot covers is deleted. */
  private void fill(TestCluster cluster, String namespace, boolean sweeps) {
    try (KubernetesClient client = connect(cluster, namespace);
        KubernetesBanLog log =
            KubernetesBanLog.open(
                new ClusterConfigMaps(client),
                RELEASE,
                "bench",
                new KubernetesBanLog.Limits(Duration.ZERO, Duration.ofDays(30), 1L << 30),
                InstantSource.system())) {
      if (sweeps) {
        System.out.printf("%d ConfigMaps swept%n", log.sweep());
        return;
      }
      Instant now = Instant.now();
      Random random = new Random(1);
      while (log.head() < bans) {
        List<BanEvent> batch = new ArrayList<>();
        while (batch.size() < Math.min(BanLog.MAX_BATCH_EVENTS, bans - log.contact().head())) {
          batch.add(ban(random, now));
        }
        append(log, batch);
      }
      if (feed.size() > 0) {
        FeedBlobs blobs =
            new FeedBlobs(
                new ClusterConfigMaps(client), RELEASE, Duration.ofHours(1), System::nanoTime);
        FeedStore.Stored stored = blobs.put("bench", feed);
        append(
            log,
            List.of(new BanEvent.Feed(now, "bench", stored.digest(), stored.entries(), "bench")));
      }
      ActiveBans state = new ActiveBans();
      for (List<SequencedEvent> events = log.read(1, 10_000);
          !events.isEmpty();
          events = log.read(state.head() + 1, 10_000)) {
        events.forEach(state::apply);
      }
      if (!log.compact(SnapshotBytes.of(state))) {
        throw new IllegalStateException("no snapshot was stored");
      }
    }
  }

  private static BanEvent ban(Random random, Instant now) {
    return new BanEvent.Ban(
        now,
        IpPrefix.ofV4(random.nextInt() & 0x7fff_ffff | 0x4000_0000),
        now.plus(Duration.ofHours(24)),
        "probing",
        "^/wp-admin",
        3,
        SeenAs.PEER,
        "watcher",
        1,
        now,
        null);
  }

  private static void append(KubernetesBanLog log, List<BanEvent> events) {
    if (!(log.append(log.head(), events) instanceof AppendResult.Appended)) {
      throw new IllegalStateException("others write this log");
    }
  }

  private void measure(TestCluster cluster, String namespace, String shape) throws Exception {
    try (TcpProxy proxy = cluster.proxy()) {
      Path config =
          Files.writeString(
              directory.resolve(shape + ".yaml"),
              """
              store: { kubernetes: { release: %s, namespace: %s } }
              metrics: { listen: "%s" }
              authz: { listen: "127.0.0.1:%d", http: "127.0.0.1:%d" }
              enforcer: { backend: ipset, name: bootstrap }
              """
                  .formatted(RELEASE, namespace, METRICS, GRPC_PORT, HTTP_PORT));
      List<String> command = new ArrayList<>(program);
      command.addAll(List.of(shape, "--config", config.toString()));
      long begun = System.nanoTime();
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(directory.resolve(shape + ".log").toFile());
      builder.environment().putAll(asInAPod(Files.readString(cluster.kubeconfig(proxy))));
      Process process = builder.start();
      try {
        double known = await(process, begun, shape, "/metrics", this::knowsAll);
        long read = proxy.replied();
        long rss = memory(process, "VmRSS");
        double ready = await(process, begun, shape, "/readyz", body -> true);
        long readyRss = memory(process, "VmRSS");
        if (shape.equals(SERVER)) {
          CheckBenchmark.ask(GRPC_PORT, CHECKS);
          askOverHttp();
        }
        Thread.sleep(Duration.ofSeconds(idleSeconds));
        System.out.printf(
            Locale.ROOT,
            "%-14s %8.2f %8.2f %8d %8d %8d %8d %10d%n",
            shape,
            known,
            ready,
            rss,
            readyRss,
            memory(process, "VmHWM"),
            memory(process, "VmRSS"),
            read / 1024);
      } finally {
        process.destroy();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
          process.destroyForcibly().waitFor();
        }
      }
    }
  }

  private void askOverHttp() throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + HTTP_PORT + "/forward-auth"))
            .header("X-Forwarded-For", "203.0.113.7")
            .header("X-Forwarded-Method", "GET")
            .header("X-Forwarded-Host", "app.example")
            .header("X-Forwarded-Uri", "/products/42?page=3")
            .build();
    for (int i = 0; i < CHECKS; i++) {
      int status = http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
      if (status != 200) {
        throw new IllegalStateException("a check over HTTP is answered " + status);
      }
    }
  }

  /** Without a kubeconfig, whose reader loads the client's whole model. */
  static Map<String, String> asInAPod(String kubeconfig) {
    return Map.of(
        "KUBECONFIG",
        "/nonexistent",
        "KUBERNETES_MASTER",
        first(kubeconfig, "server: \"([^\"]+)\""),
        "KUBERNETES_CERTS_CA_DATA",
        first(kubeconfig, "certificate-authority-data: (\\S+)"),
        "KUBERNETES_AUTH_TOKEN",
        first(kubeconfig, "token: (\\S+)"));
  }

  static String first(String text, String regex) {
    Matcher matcher = Pattern.compile(regex).matcher(text);
    if (!matcher.find()) {
      throw new IllegalStateException("no " + regex);
    }
    return matcher.group(1);
  }

  private boolean knowsAll(String metrics) {
    int head = bans + (feed.size() > 0 ? 1 : 0);
    boolean all = feed.size() == 0;
    boolean behind = true;
    for (String line : metrics.split("\n")) {
      all |=
          line.startsWith("ip_sentry_feed_prefixes{feed=\"bench\"}") && value(line) == feed.size();
      behind &= !(line.startsWith("ip_sentry_log_head ") && value(line) == head);
    }
    return all && !behind;
  }

  private static double value(String line) {
    return Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
  }

  private interface Said {
    boolean enough(String body);
  }

  /** Seconds until an answer says enough. */
  private double await(Process process, long begun, String shape, String path, Said said)
      throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://" + METRICS + path))
            .timeout(Duration.ofSeconds(5))
            .build();
    while (System.nanoTime() - begun < PATIENCE.toNanos() && process.isAlive()) {
      try {
        HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() == 200 && said.enough(answer.body())) {
          return (System.nanoTime() - begun) / 1e9;
        }
      } catch (IOException e) {
        // It does not listen yet.
      }
      Thread.sleep(Duration.ofMillis(20));
    }
    throw new IllegalStateException(
        shape + ": " + Files.readString(directory.resolve(shape + ".log")));
  }

  static long memory(Process process, String field) throws IOException {
    return Files.readAllLines(Path.of("/proc", Long.toString(process.pid()), "status")).stream()
            .filter(line -> line.startsWith(field + ":"))
            .map(line -> line.replaceAll("[^0-9]", ""))
            .mapToLong(Long::parseLong)
            .findFirst()
            .orElseThrow()
        / 1024;
  }
}
