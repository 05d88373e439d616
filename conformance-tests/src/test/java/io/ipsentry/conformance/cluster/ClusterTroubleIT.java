package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.kubernetes.blocklist.BlocklistProjection;
import io.ipsentry.kubernetes.blocklist.BlocklistStoreException;
import io.ipsentry.kubernetes.blocklist.ClusterBlocklist;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TcpProxy;
import io.ipsentry.testing.cluster.TestCluster;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The shared log in trouble, on a real API server: servers that end and stand still, networks that
 * break, clocks that jump, two leaders at once. Followers serve what they know, then converge;
 * nothing is lost, doubled or reordered.
 *
 * <p>What happens to the network or to one process goes on at once in namespaces of one cluster,
 * what happens to the servers beside it in another. {@code -Dtrouble.seconds=120} for longer.
 */
@RequiresCluster
final class ClusterTroubleIT {
  /** How long each trouble lasts. */
  private static final Duration TROUBLE =
      Duration.ofSeconds(Integer.getInteger("trouble.seconds", 20));

  private static final Duration NO_GRACE = Duration.ZERO;
  private static final Duration LONG_GRACE = Duration.ofHours(1);
  private static final int PATCHES = 12;

  @TempDir private Path directory;

  private interface Scenario {
    void run() throws Exception;
  }

  @Test
  void sharedLog_inAnyTrouble_servesThenConverges() throws Exception {
    TestCluster shared = TestCluster.shared();
    List<Scenario> scenarios =
        List.of(
            this::serversEndAndStandStill,
            () -> answersAreCut(shared),
            () -> watchesAreDropped(shared),
            () -> clocksJump(shared),
            () -> twoLeadersAtOnce(shared));
    try (ExecutorService threads = Executors.newFixedThreadPool(scenarios.size())) {
      List<Callable<Boolean>> calls = new ArrayList<>();
      for (Scenario scenario : scenarios) {
        calls.add(() -> {
          scenario.run();
          return true;
        });
      }
      for (Future<Boolean> call : threads.invokeAll(calls)) {
        assertThat(call.get()).isTrue();
      }
    }
  }

  /** etcd stands still, then the API server is killed, and both are killed. */
  private void serversEndAndStandStill() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory);
        SharedLog shared = new SharedLog(cluster.newNamespace())) {
      KubernetesClient client = shared.client(cluster.kubeconfig());
      KubernetesBanLog log = shared.log(client, "one", LONG_GRACE, InstantSource.system());
      BanWriter ignored = shared.startWriter(log, InstantSource.system());
      for (int i = 0; i < 3; i++) {
        shared.startFollower(shared.client(cluster.kubeconfig()));
      }
      shared.awaitProgress();
      cluster.etcd().freeze();
      LockSupport.parkNanos(TROUBLE.toNanos());
      cluster.etcd().thaw();
      shared.awaitProgress();
      cluster.apiServer().stop();
      cluster.apiServer().start();
      shared.awaitProgress();
      cluster.etcd().kill();
      cluster.apiServer().kill();
      cluster.etcd().start();
      cluster.apiServer().start();
      shared.awaitProgress();
      List<SequencedEvent> events = shared.judge("servers end and stand still", log);
      assertThat(events).isNotEmpty();
    }
  }

  /** Connections are cut in the midst of answers, those of writers and of followers. */
  private static void answersAreCut(TestCluster cluster) throws Exception {
    try (TcpProxy proxy = cluster.proxy();
        SharedLog shared = new SharedLog(cluster.newNamespace())) {
      Path broken = cluster.kubeconfig(proxy);
      KubernetesBanLog log =
          shared.log(shared.client(broken), "one", NO_GRACE, InstantSource.system());
      BanWriter writer = shared.startWriter(log, InstantSource.system());
      shared.again(Duration.ofMillis(500), () -> compact(log, writer));
      shared.startFollower(shared.client(broken));
      shared.startFollower(shared.client(broken));
      Random random = new Random(7);
      long end = System.nanoTime() + TROUBLE.toNanos();
      while (System.nanoTime() < end) {
        proxy.cutAfter(1 + random.nextInt(20_000));
        LockSupport.parkNanos(Duration.ofMillis(random.nextInt(500)).toNanos());
        if (random.nextInt(4) == 0) {
          proxy.restore();
          LockSupport.parkNanos(Duration.ofMillis(random.nextInt(1_000)).toNanos());
        }
      }
      proxy.restore();
      shared.awaitProgress();
      List<SequencedEvent> events = shared.judge("answers are cut", log);
      assertThat(events).isNotEmpty();
    }
  }

  /** Every second, all watches end. */
  private static void watchesAreDropped(TestCluster cluster) throws Exception {
    try (TcpProxy proxy = cluster.proxy();
        SharedLog shared = new SharedLog(cluster.newNamespace())) {
      KubernetesBanLog log =
          shared.log(
              shared.client(cluster.kubeconfig()), "one", LONG_GRACE, InstantSource.system());
      BanWriter ignored = shared.startWriter(log, InstantSource.system());
      for (int i = 0; i < 3; i++) {
        shared.startFollower(shared.client(cluster.kubeconfig(proxy)));
      }
      long end = System.nanoTime() + TROUBLE.toNanos();
      while (System.nanoTime() < end) {
        proxy.cut();
        LockSupport.parkNanos(Duration.ofSeconds(1).toNanos());
      }
      List<SequencedEvent> events = shared.judge("watches are dropped", log);
      assertThat(events).isNotEmpty();
    }
  }

  /** The clocks of processes that write and compact jump an hour, forth and back. */
  private static void clocksJump(TestCluster cluster) throws Exception {
    try (SharedLog shared = new SharedLog(cluster.newNamespace())) {
      AtomicLong offMillis = new AtomicLong();
      InstantSource jumping = () -> InstantSource.system().instant().plusMillis(offMillis.get());
      List<KubernetesBanLog> logs = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        InstantSource clock = i == 0 ? jumping : InstantSource.system();
        KubernetesBanLog log =
            shared.log(shared.client(cluster.kubeconfig()), "clock-" + i, NO_GRACE, clock);
        BanWriter writer = shared.startWriter(log, clock);
        shared.again(Duration.ofMillis(300), () -> compact(log, writer));
        logs.add(log);
      }
      shared.startFollower(shared.client(cluster.kubeconfig()));
      shared.startFollower(shared.client(cluster.kubeconfig()));
      long hour = Duration.ofHours(1).toMillis();
      for (long jump : List.of(hour, 0L, -hour, 0L, hour, -hour)) {
        offMillis.set(jump);
        shared.awaitProgress();
        LockSupport.parkNanos(TROUBLE.toNanos() / 6);
      }
      List<SequencedEvent> events = shared.judge("clocks jump", logs.getFirst());
      assertThat(events).isNotEmpty();
    }
  }

  private static void compact(KubernetesBanLog log, BanWriter writer) {
    boolean stored = log.compact(writer.snapshot());
    int swept = log.sweep();
    assertThat(stored || swept >= 0).isTrue();
  }

  /** Two leaders do all that a leader does, while people patch the blocklist. */
  private static void twoLeadersAtOnce(TestCluster cluster) throws Exception {
    String namespace = cluster.newNamespace();
    List<BlocklistProjection> projections = new ArrayList<>();
    try (SharedLog shared = new SharedLog(namespace)) {
      List<KubernetesBanLog> logs = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        KubernetesClient client = shared.client(cluster.kubeconfig());
        KubernetesBanLog log = shared.log(client, "leader-" + i, NO_GRACE, InstantSource.system());
        BanWriter writer = shared.startWriter(log, InstantSource.system());
        shared.again(Duration.ofMillis(700), () -> compact(log, writer));
        BlocklistProjection projection =
            new BlocklistProjection(
                new ClusterBlocklist(client, "guard", InstantSource.system()),
                log,
                writer,
                () -> ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)),
                InstantSource.system(),
                System::nanoTime);
        projections.add(projection);
        shared.again(Duration.ZERO, () -> step(projection));
        logs.add(log);
      }
      shared.startFollower(shared.client(cluster.kubeconfig()));
      Kubectl kubectl = cluster.kubectl().with("--namespace=" + namespace);
      await().atMost(Duration.ofMinutes(1)).until(() -> !get(kubectl, "{.data.version}").isEmpty());
      for (int i = 1; i <= PATCHES; i++) {
        String out =
            kubectl.run(
                "patch",
                "configmap",
                "guard-blocklist",
                "--type",
                "merge",
                "-p",
                "{\"data\":{\"blocklist.json\":\"{\\\"203.0.113."
                    + i
                    + "\\\":{\\\"expires_at\\\":\\\"2099-01-01\\\"}}\"}}");
        assertThat(out).contains("patched");
      }
      await()
          .atMost(Duration.ofMinutes(1))
          .untilAsserted(() -> {
            String document = get(kubectl, "{.data.blocklist\\.json}");
            for (int i = 1; i <= PATCHES; i++) {
              assertThat(document).contains("\"203.0.113." + i + "\"");
            }
          });
      List<SequencedEvent> events = shared.judge("two leaders at once", logs.getFirst());
      assertThat(events)
          .filteredOn(event ->
              event.event() instanceof BanEvent.Ban ban && ban.by().equals("kubectl-patch"))
          .hasSize(PATCHES);
    } finally {
      projections.forEach(BlocklistProjection::close);
    }
  }

  private static String get(Kubectl kubectl, String path) {
    return kubectl
        .attempt(
            "get", "configmap", "guard-blocklist", "--ignore-not-found", "-o", "jsonpath=" + path)
        .out();
  }

  private static void step(BlocklistProjection projection) {
    try {
      projection.step(Duration.ofMillis(100));
    } catch (BlocklistStoreException e) {
      assertThat(e.kind()).as(e.getMessage()).isNotEqualTo(BlocklistStoreException.Kind.REFUSED);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
