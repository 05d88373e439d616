package io.ipsentry.bench.cluster;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.kubernetes.api.ClusterClients;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
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
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Two watchers and an enforcer that are up to date, into whose log many bans are written as fast as
 * the API server takes them: their memory before, at most, and afterwards, and how long until the
 * enforcer has all. See {@code bench/burst-memory.sh}.
 */
public final class BurstMemory {
  private static final String RELEASE = "guard";
  private static final int BATCH = 2_000;
  private static final int MAX_CONFLICTS = 100;
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Duration LOOK = Duration.ofMillis(100);

  private final int bans;
  private final List<Integer> lookSeconds;
  private final List<String> program;
  private final Path directory;
  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(1)).build();

  private BurstMemory(int bans, List<Integer> lookSeconds, List<String> program, Path directory) {
    this.bans = bans;
    this.lookSeconds = lookSeconds;
    this.program = program;
    this.directory = directory;
  }

  /**
   * Arguments: bans, seconds after the burst at which memory is read, with commas, then the
   * program.
   */
  public static void main(String[] args) throws Exception {
    Path directory = Files.createTempDirectory("ip-sentry-burst");
    List<Integer> looks = new ArrayList<>();
    for (String seconds : args[1].split(",", -1)) {
      looks.add(Integer.parseInt(seconds));
    }
    BurstMemory burst =
        new BurstMemory(
            Integer.parseInt(args[0]), looks, List.of(args).subList(2, args.length), directory);
    try (TestCluster cluster = TestCluster.start(directory)) {
      burst.measure(cluster, cluster.newNamespace());
    }
  }

  private void measure(TestCluster cluster, String namespace) throws Exception {
    List<Member> members = new ArrayList<>();
    try {
      for (String name : List.of("watcher-0", "watcher-1", "enforcer")) {
        Member member = new Member(name, 9410 + members.size());
        members.add(member);
        member.start(cluster, namespace);
      }
      System.out.printf("%-22s %10s %10s %10s   MiB%n", "", "leader", "standby", "enforcer");
      show("before", members, "VmRSS");
      Thread sampler = Thread.ofPlatform().daemon().start(() -> sample(members));
      long begun = System.nanoTime();
      write(cluster, namespace);
      double written = (System.nanoTime() - begun) / 1e9;
      members.getLast().await("/metrics", body -> sampleOf(body, "ip_sentry_log_head") >= bans);
      double known = (System.nanoTime() - begun) / 1e9;
      members
          .getLast()
          .await(
              "/metrics", body -> sampleOf(body, "ip_sentry_enforcer_enforced_elements") >= bans);
      double enforced = (System.nanoTime() - begun) / 1e9;
      System.out.printf(
          Locale.ROOT,
          "%d bans written in %.1f s, known to the enforcer after %.1f s, in the kernel after %.1f"
              + " s%n",
          bans,
          written,
          known,
          enforced);
      long end = System.nanoTime();
      for (int seconds : lookSeconds) {
        while (System.nanoTime() - end < Duration.ofSeconds(seconds).toNanos()) {
          Thread.sleep(LOOK);
        }
        show(seconds + " s after", members, "VmRSS");
      }
      sampler.interrupt();
      show("at most", members, "VmHWM");
      for (Member member : members) {
        System.out.printf(
            Locale.ROOT,
            "%s: highest %.1f s after the first write, states taken anew %.0f, cpu %.1f s%n",
            member.name,
            (member.highestAt - begun) / 1e9,
            sampleOf(member.get("/metrics"), "ip_sentry_owner_snapshots_total"),
            member.cpuSeconds());
      }
    } finally {
      for (Member member : members) {
        member.stop();
      }
    }
  }

  /** Beside the leader, as another writer of the same log. */
  private void write(TestCluster cluster, String namespace) {
    Config config = Config.fromKubeconfig(cluster.kubeconfig().toFile());
    config.setNamespace(namespace);
    try (KubernetesClient client = ClusterClients.of(config);
        KubernetesBanLog log =
            KubernetesBanLog.open(
                new ClusterConfigMaps(client),
                RELEASE,
                "burst",
                KubernetesBanLog.Limits.DEFAULT,
                InstantSource.system())) {
      Random random = new Random(5);
      List<BanEvent> batch = new ArrayList<>();
      // Of 64.0.0.0/3, most of which is no private network.
      int[] addresses =
          random.ints().map(a -> a & 0x1fff_ffff | 0x4000_0000).distinct().limit(bans).toArray();
      for (int i = 0; i < bans; i++) {
        batch.add(ban(addresses[i]));
        if (batch.size() == BATCH || i == bans - 1) {
          append(log, batch);
          batch.clear();
        }
      }
    }
  }

  private static BanEvent ban(int address) {
    Instant now = Instant.now();
    return new BanEvent.Ban(
        now,
        IpPrefix.ofV4(address),
        now.plus(Duration.ofHours(6)),
        "probing",
        "^/wp-admin",
        3,
        SeenAs.PEER,
        "burst",
        1,
        now,
        null);
  }

  private static void append(KubernetesBanLog log, List<BanEvent> events) {
    for (int i = 0; i < MAX_CONFLICTS; i++) {
      if (log.append(log.head(), events) instanceof AppendResult.Appended) {
        return;
      }
    }
    throw new IllegalStateException("no append of " + MAX_CONFLICTS + " was taken");
  }

  private static void sample(List<Member> members) {
    try {
      while (true) {
        for (Member member : members) {
          long rss = member.memory("VmRSS");
          if (rss > member.highest) {
            member.highest = rss;
            member.highestAt = System.nanoTime();
          }
        }
        Thread.sleep(LOOK);
      }
    } catch (InterruptedException | IOException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void show(String when, List<Member> members, String field) throws IOException {
    System.out.printf("%-22s", when);
    for (Member member : members) {
      System.out.printf(" %10d", member.memory(field));
    }
    System.out.println();
  }

  private static double sampleOf(String metrics, String name) {
    return metrics
        .lines()
        .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  private interface Said {
    boolean enough(String body);
  }

  /** A process of the release. */
  private final class Member {
    private final String name;
    private final String metrics;
    private final Path log;
    private @Nullable Process process;
    private volatile long highest;
    private volatile long highestAt;

    Member(String name, int port) {
      this.name = name;
      metrics = "127.0.0.1:" + port;
      log = directory.resolve(name + ".log");
    }

    void start(TestCluster cluster, String namespace) throws Exception {
      Path home = Files.createDirectories(directory.resolve(name));
      Path lines = Files.writeString(home.resolve("access.log"), "");
      String kubeconfig = Files.readString(cluster.kubeconfig());
      Path token =
          Files.writeString(
              home.resolve("token"), FollowerBootstrap.first(kubeconfig, "token: (\\S+)"));
      String shape = name.replaceAll("-.*", "");
      Path config =
          Files.writeString(
              home.resolve("config.yaml"),
              """
              sources: [{ file: %s, format: combined }]
              store: { kubernetes: { release: %s, namespace: %s }, leader: { insecure: true, tokenFile: %s } }
              metrics: { listen: "%s" }
              admin: { socket: %s/admin.sock }
              enforcer: { backend: ipset, name: burst }
              """
                  .formatted(lines, RELEASE, namespace, token, metrics, home));
      List<String> command = new ArrayList<>(program);
      command.addAll(List.of(shape, "--config", config.toString()));
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
      builder.environment().putAll(FollowerBootstrap.asInAPod(kubeconfig));
      process = builder.start();
      await("/readyz", body -> !body.isEmpty());
    }

    void await(String path, Said said) throws Exception {
      long begun = System.nanoTime();
      while (System.nanoTime() - begun < PATIENCE.toNanos() && running().isAlive()) {
        if (said.enough(get(path))) {
          return;
        }
        Thread.sleep(LOOK);
      }
      throw new IllegalStateException(name + ": " + Files.readString(log));
    }

    /** What it answers with 200; else it is not there, and nothing is said. */
    private String get(String path) throws InterruptedException {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://" + metrics + path))
              .timeout(Duration.ofSeconds(5))
              .build();
      try {
        HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
        return answer.statusCode() == 200 ? answer.body() : "";
      } catch (IOException e) {
        return "";
      }
    }

    private Process running() {
      return Objects.requireNonNull(process, "it was not started");
    }

    /** In MiB. */
    long memory(String field) throws IOException {
      return FollowerBootstrap.memory(running(), field);
    }

    double cpuSeconds() {
      return running().info().totalCpuDuration().orElse(Duration.ZERO).toMillis() / 1e3;
    }

    void stop() throws InterruptedException {
      Process started = process;
      if (started != null) {
        started.destroy();
        if (!started.waitFor(10, TimeUnit.SECONDS)) {
          started.destroyForcibly().waitFor();
        }
      }
    }
  }
}
