package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.conformance.program.RunningAuthzServer;
import io.ipsentry.conformance.program.RunningWatcher;
import io.ipsentry.kubernetes.api.ClusterClients;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The {@code ip-sentry watcher} that leads is killed with SIGKILL at any moment, again and again,
 * while operators ban through those that stand by, two {@code ip-sentry authz-server} report hits,
 * and people patch the blocklist with {@code kubectl}. {@code -Dleader.kills=1000} for more rounds.
 */
@RequiresCluster
final class WatcherKillIT {
  private static final int KILLS = Integer.getInteger("leader.kills", 3);
  private static final int WATCHERS = 3;
  private static final int THRESHOLD = 4;
  private static final Duration SOON = Duration.ofSeconds(90);
  private static final int MAX_SHORT_LEAD_NANOS = 300_000_000;
  private static final int MAX_LONG_LEAD_NANOS = 2_000_000_000;
  private static final Duration BETWEEN_BANS = Duration.ofMillis(200);
  private static final Duration BETWEEN_PROBES = Duration.ofMillis(150);

  /** So long the API server surely remembers what was patched: see {@code LeaderKillIT}. */
  private static final int ABSORBED_EVERY = 8;

  private static final String RULES =
      """
      rules:
        - name: inline
          on: request
          match: { paths: ['^/\\.env'] }
          threshold: %d
          window: 60m
          ban: 24h
      """
          .formatted(THRESHOLD);

  /** Who brings an address up; each has 40,000 addresses of the benchmark ranges. */
  private enum Kind {
    OPERATORS(0xc612_0000),
    CLIENTS(0xc612_0000 + 40_000),
    PATCHES(0xc612_0000 + 80_000);

    private final int first;

    Kind(int first) {
      this.first = first;
    }

    String address(int number) {
      return IpPrefix.ofV4(first + number).toString();
    }
  }

  private final TestCluster cluster = TestCluster.shared();
  private final ReleaseInCluster release = ReleaseInCluster.in(cluster);
  private final Random random = new Random(20_261_126L);
  private final List<RunningWatcher> watchers = new ArrayList<>();
  private final List<RunningAuthzServer> servers = new ArrayList<>();
  private final AtomicBoolean over = new AtomicBoolean();

  /** Numbers of events by the addresses that operators banned; 0: they were told "already". */
  private final Map<String, Long> banned = new ConcurrentHashMap<>();

  /** Times that each client has probed. */
  private final Map<String, Integer> probes = new ConcurrentHashMap<>();

  private final List<String> patched = new ArrayList<>();

  /** So many of them were seen in the document. */
  private int absorbed;

  @TempDir private Path directory;

  @Test
  void leader_killedAgainAndAgain_losesDoublesAndCountsTwiceNothing() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      try {
        start();
        Future<?> operators = threads.submit(this::operate);
        Future<?> clients = threads.submit(this::probe);
        long begun = System.nanoTime();
        killAgainAndAgain();
        over.set(true);
        assertThat(operators.get()).isNull();
        assertThat(clients.get()).isNull();
        awaitSettled();
        System.out.printf(
            "%d leading watchers killed in %d s: %d patches, %d bans of operators, %d clients%n",
            KILLS,
            (System.nanoTime() - begun) / 1_000_000_000,
            patched.size(),
            banned.size(),
            probes.size());
        judge();
      } finally {
        over.set(true);
        watchers.forEach(RunningWatcher::close);
        servers.forEach(RunningAuthzServer::close);
      }
    }
  }

  private void start() {
    for (int i = 0; i < WATCHERS; i++) {
      watchers.add(release.watcher(directory.resolve("w" + i), "3s", RULES));
    }
    for (int i = 0; i < 2; i++) {
      Path own = directory.resolve("a" + i);
      servers.add(RunningAuthzServer.start(own, List.of(), RULES + release.followedStore(own)));
    }
    until("the document", () -> release.blocklist().contains("_version"));
  }

  private void until(String what, Callable<Boolean> condition) {
    await(what).atMost(SOON).pollInterval(Duration.ofMillis(50)).until(condition);
  }

  // ---- what goes on all the while

  /** Bans one address after another, each until somebody says that it is banned. */
  private void operate() {
    Random choice = new Random(1);
    int number = 0;
    while (!over.get()) {
      String address = Kind.OPERATORS.address(number++);
      OptionalLong seq = OptionalLong.empty();
      while (seq.isEmpty()) {
        RunningWatcher asked = watchers.get(choice.nextInt(WATCHERS));
        seq = asked.isAlive() ? asked.ban(address) : OptionalLong.empty();
        LockSupport.parkNanos(BETWEEN_BANS.toNanos());
      }
      banned.put(address, seq.getAsLong());
    }
  }

  /** One client after another: some probe often enough, in parts at both servers, some do not. */
  private void probe() {
    Random choice = new Random(2);
    IntFunction<RunningAuthzServer> server = i -> servers.get(i % servers.size());
    int number = 0;
    while (!over.get()) {
      String client = Kind.CLIENTS.address(number++);
      int times = choice.nextBoolean() ? THRESHOLD : THRESHOLD - 1;
      for (int i = 0; i < times; i++) {
        assertThat(server.apply(i).ask(client, "/.env")).isEqualTo(200);
        probes.merge(client, 1, Integer::sum);
        LockSupport.parkNanos(BETWEEN_PROBES.toNanos());
      }
    }
  }

  // ---- the kills

  private void killAgainAndAgain() throws InterruptedException {
    RunningWatcher leader = awaitLeader();
    for (int kill = 0; kill < KILLS; kill++) {
      if (random.nextInt(2) == 0) {
        patch();
      }
      if (kill % ABSORBED_EVERY == ABSORBED_EVERY - 1) {
        awaitAbsorbed();
      }
      LockSupport.parkNanos(
          random.nextInt(random.nextBoolean() ? MAX_SHORT_LEAD_NANOS : MAX_LONG_LEAD_NANOS));
      assertThat(leader.isAlive()).as("it ended by itself: %s", leader.log()).isTrue();
      assertThat(leader.kill()).isEqualTo(128 + 9);
      leader.launch();
      if (random.nextInt(2) == 0) {
        // Nobody leads.
        patch();
      }
      leader = awaitLeader();
      if (random.nextInt(4) == 0) {
        patch();
        patch();
      }
    }
  }

  private RunningWatcher awaitLeader() {
    await("a leader")
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(20))
        .until(() -> watchers.stream().anyMatch(RunningWatcher::leads));
    return watchers.stream().filter(RunningWatcher::leads).findFirst().orElseGet(this::awaitLeader);
  }

  private void patch() {
    String address = Kind.PATCHES.address(patched.size());
    assertThat(release.patchBlocklist(address).out()).contains("patched");
    patched.add(address);
  }

  private void awaitAbsorbed() {
    await("patches")
        .atMost(SOON)
        .untilAsserted(() ->
            assertThat(release.blocklist())
                .contains("_version")
                .contains(patched.subList(absorbed, patched.size())));
    absorbed = patched.size();
  }

  // ---- afterwards

  private List<String> offenders() {
    return probes.entrySet().stream()
        .filter(client -> client.getValue() >= THRESHOLD)
        .map(Map.Entry::getKey)
        .toList();
  }

  private void awaitSettled() {
    until("all are ready", () -> watchers.stream().allMatch(w -> w.status("/readyz") == 200));
    awaitAbsorbed();
    for (RunningAuthzServer server : servers) {
      until(
          "all hits are decided",
          () ->
              server
                  .metric("ip_sentry_report_decided_total")
                  .equals(server.metric("ip_sentry_report_hits_total")));
      until(
          "all offenders are refused",
          () -> offenders().stream().allMatch(client -> server.ask(client, "/") == 403));
      assertThat(server.metric("ip_sentry_report_lost_total")).hasValue(0);
    }
  }

  private void judge() {
    Config config = Config.fromKubeconfig(cluster.kubeconfig().toFile());
    config.setNamespace(release.namespace());
    try (KubernetesClient client = ClusterClients.of(config);
        KubernetesBanLog log =
            KubernetesBanLog.open(
                new ClusterConfigMaps(client),
                "ip-sentry",
                "judge",
                KubernetesBanLog.Limits.DEFAULT,
                InstantSource.system())) {
      List<SequencedEvent> events = log.history(Long.MAX_VALUE, Integer.MAX_VALUE).reversed();
      assertThat(events)
          .extracting(SequencedEvent::seq)
          .isEqualTo(LongStream.rangeClosed(1, log.head()).boxed().toList());
      List<BanEvent.Ban> bans = events.stream().map(WatcherKillIT::ban).toList();
      List<String> expected = new ArrayList<>(banned.keySet());
      expected.addAll(offenders());
      expected.addAll(patched);
      assertThat(bans)
          .extracting(ban -> ban.ip().toString())
          .containsExactlyInAnyOrderElementsOf(expected);
      banned.forEach((address, seq) -> {
        if (seq != 0) {
          assertThat(bans.get((int) (seq - 1)).ip()).hasToString(address);
        }
      });
      // A hit that was counted twice would be a ban of somebody with fewer, or after fewer.
      assertThat(bans)
          .filteredOn(ban -> ban.rule().equals("inline"))
          .extracting(BanEvent.Ban::hits)
          .hasSize(offenders().size())
          .containsOnly(THRESHOLD);
      assertThat(bans)
          .filteredOn(ban -> patched.contains(ban.ip().toString()))
          .extracting(BanEvent.Ban::by)
          .allMatch("kubectl-patch"::equals);
    }
  }

  private static BanEvent.Ban ban(SequencedEvent event) {
    return (BanEvent.Ban) event.event();
  }
}
