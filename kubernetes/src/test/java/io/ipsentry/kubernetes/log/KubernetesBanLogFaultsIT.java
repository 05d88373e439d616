package io.ipsentry.kubernetes.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.RecordingSink;
import io.ipsentry.banlog.TestEvents;
import io.ipsentry.kubernetes.ClusterClient;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TcpProxy;
import io.ipsentry.testing.cluster.TestCluster;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes that append at once while connections are cut, answers are lost and the servers are
 * killed and frozen: what the simulation says of the model, said of the real API server.
 *
 * <p>{@code -Dfaults.seconds=600} for longer.
 */
@RequiresCluster
final class KubernetesBanLogFaultsIT {
  private static final int PROCESSES = 3;
  private static final Duration TROUBLE =
      Duration.ofSeconds(Integer.getInteger("faults.seconds", 20));
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final Map<String, Long> acknowledged = new ConcurrentHashMap<>();
  private final AtomicInteger unknown = new AtomicInteger();
  private final AtomicInteger conflicts = new AtomicInteger();
  private final AtomicBoolean over = new AtomicBoolean();

  /** A process: its own connections, its own log, and one that follows it. */
  private record Part(
      TcpProxy proxy, KubernetesClient client, KubernetesBanLog log, RecordingSink sink) {
    static Part start(TestCluster cluster, String namespace, int number) {
      TcpProxy proxy = cluster.proxy();
      KubernetesClient client = ClusterClient.of(cluster.kubeconfig(proxy), namespace);
      KubernetesBanLog log =
          KubernetesBanLog.open(
              new ClusterConfigMaps(client),
              "guard",
              "process-" + number,
              KubernetesBanLog.Limits.DEFAULT,
              InstantSource.system());
      return new Part(proxy, client, log, new RecordingSink());
    }

    void close() {
      log.close();
      client.close();
      proxy.close();
    }
  }

  @Test
  void processesThatAppend_inTrouble_loseAndDoubleNothing(@TempDir Path directory)
      throws Exception {
    try (TestCluster cluster = TestCluster.start(directory)) {
      String namespace = cluster.newNamespace();
      List<Part> parts = new ArrayList<>();
      try {
        for (int i = 0; i < PROCESSES; i++) {
          parts.add(Part.start(cluster, namespace, i));
        }
        run(cluster, parts);
        judge(parts);
      } finally {
        over.set(true);
        parts.forEach(Part::close);
      }
    }
  }

  private void run(TestCluster cluster, List<Part> parts) throws Exception {
    List<BanLog.Subscription> subscriptions =
        parts.stream().map(part -> part.log().follow(1, part.sink())).toList();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> writers = new ArrayList<>();
      for (int i = 0; i < parts.size(); i++) {
        int number = i;
        writers.add(threads.submit(() -> append(parts.get(number).log(), "p" + number)));
      }
      trouble(cluster, parts);
      over.set(true);
      for (Future<?> writer : writers) {
        assertThat(writer.get()).isNull();
      }
    }
    assertThat(subscriptions).hasSize(PROCESSES);
  }

  private void append(KubernetesBanLog log, String name) {
    for (int batch = 0; !over.get(); batch++) {
      String reason = name + '-' + batch;
      try {
        long head = log.head();
        switch (log.append(head, TestEvents.bans(reason, 2))) {
          case AppendResult.Appended appended -> acknowledged.put(reason, head + 1);
          case AppendResult.Conflict conflict -> conflicts.incrementAndGet();
          case AppendResult.Full full -> throw new AssertionError(full.reason());
        }
      } catch (BanLogException e) {
        assertThat(e.isTransient()).as(e.getMessage()).isTrue();
        unknown.incrementAndGet();
      }
    }
  }

  private static void trouble(TestCluster cluster, List<Part> parts) {
    Random random = new Random(5);
    long end = System.nanoTime() + TROUBLE.toNanos();
    while (System.nanoTime() < end) {
      TcpProxy proxy = parts.get(random.nextInt(PROCESSES)).proxy();
      switch (random.nextInt(12)) {
        case 0 -> {
          cluster.apiServer().kill();
          cluster.apiServer().start();
        }
        case 1 -> {
          cluster.etcd().freeze();
          pause(random, 1_500);
          cluster.etcd().thaw();
        }
        case 2, 3 -> proxy.cut();
        case 4, 5, 6 -> {
          proxy.loseReplies();
          pause(random, 800);
          proxy.restore();
        }
        case 7, 8 -> {
          proxy.cutAfter(1 + random.nextInt(4_000));
          pause(random, 800);
          proxy.restore();
        }
        case 9 -> {
          proxy.stall();
          pause(random, 1_000);
          proxy.restore();
        }
        default -> pause(random, 800);
      }
    }
    cluster.apiServer().awaitReady();
  }

  private static void pause(Random random, int millis) {
    LockSupport.parkNanos(random.nextInt(millis) * 1_000_000L);
  }

  private void judge(List<Part> parts) {
    KubernetesBanLog first = parts.getFirst().log();
    long head = await().atMost(PATIENCE).ignoreExceptions().until(first::head, found -> found >= 0);
    List<SequencedEvent> events = first.read(1, Integer.MAX_VALUE);
    System.out.printf(
        "faults: %d events, %d batches acknowledged, %d conflicts, %d of unknown outcome%n",
        head, acknowledged.size(), conflicts.get(), unknown.get());

    assertThat(events)
        .extracting(SequencedEvent::seq)
        .isEqualTo(LongStream.rangeClosed(1, head).boxed().toList());
    assertThat(events).extracting(e -> TestEvents.reason(e.event())).doesNotHaveDuplicates();
    acknowledged.forEach((reason, seq) -> {
      assertThat(TestEvents.reason(events.get((int) (seq - 1)).event())).isEqualTo(reason + "-0");
      assertThat(TestEvents.reason(events.get((int) (long) seq).event())).isEqualTo(reason + "-1");
    });
    assertThat(acknowledged).isNotEmpty();
    for (Part part : parts) {
      await()
          .atMost(PATIENCE)
          .untilAsserted(() -> {
            assertThat(part.sink().failure()).isNull();
            assertThat(part.sink().events()).isEqualTo(events);
          });
    }
  }
}
