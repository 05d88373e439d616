package io.ipsentry.kubernetes.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.RecordingSink;
import io.ipsentry.banlog.SnapshotBytes;
import io.ipsentry.banlog.TestEvents;
import io.ipsentry.kubernetes.ClusterClient;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills processes with SIGKILL while they and others append to the same log and compact it. {@code
 * -Dkills=1000} for more rounds.
 */
@RequiresCluster
final class KubernetesBanLogKillIT {
  private static final int KILLS = Integer.getInteger("kills", 50);
  private static final int AT_ONCE = 2;
  private static final int MAX_ACKS_BEFORE_KILL = 60;
  private static final int MAX_APPEND_NANOS = 12_000_000;

  private final TestCluster cluster = TestCluster.shared();
  private final String namespace = cluster.newNamespace();
  private final Map<Long, String> acknowledged = new ConcurrentHashMap<>();
  private final AtomicInteger compactions = new AtomicInteger();

  @TempDir private Path work;

  @Test
  void append_killedAgainAndAgain_losesAndDoublesNothing() throws Exception {
    RecordingSink sink = new RecordingSink();
    try (KubernetesClient client = ClusterClient.of(cluster, namespace);
        KubernetesBanLog log =
            KubernetesBanLog.open(
                new ClusterConfigMaps(client),
                "guard",
                "test",
                KubernetesBanLog.Limits.DEFAULT,
                InstantSource.system());
        BanLog.Subscription subscription = log.follow(1, sink)) {
      assertThat(subscription).isNotNull();
      try (ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE)) {
        List<Future<Void>> killers =
            threads.invokeAll(
                IntStream.range(0, AT_ONCE)
                    .mapToObj(i -> (Callable<Void>) () -> killAgainAndAgain(i))
                    .toList());
        for (Future<Void> killer : killers) {
          assertThat(killer.get()).isNull();
        }
      }
      long head = log.head();
      await()
          .atMost(Duration.ofMinutes(1))
          .untilAsserted(() -> assertThat(sink.events()).hasSize((int) head));
      assertThat(sink.failure()).isNull();
      judge(sink.events(), log);
    }
  }

  private void judge(List<SequencedEvent> events, KubernetesBanLog log) {
    System.out.printf(
        "kills: %d, %d events, %d of them not acknowledged, %d compactions%n",
        KILLS, events.size(), events.size() - acknowledged.size(), compactions.get());
    assertThat(events)
        .extracting(SequencedEvent::seq)
        .isEqualTo(LongStream.rangeClosed(1, events.size()).boxed().toList());
    assertThat(events).extracting(e -> TestEvents.reason(e.event())).doesNotHaveDuplicates();
    acknowledged.forEach((seq, reason) ->
        assertThat(TestEvents.reason(events.get((int) (seq - 1)).event())).isEqualTo(reason));
    assertThat(compactions.get()).isPositive();

    ActiveBans whole = new ActiveBans();
    events.forEach(whole::apply);
    ActiveBans state = BanWriter.start(log, InstantSource.system(), event -> {}).state();
    assertThat(SnapshotBytes.of(state).parts())
        .usingRecursiveComparison()
        .isEqualTo(SnapshotBytes.of(whole).parts());
    assertThat(log.history(Long.MAX_VALUE, Integer.MAX_VALUE)).isEqualTo(events.reversed());
  }

  private Void killAgainAndAgain(int number) throws Exception {
    Random random = new Random(20_261_126L + number);
    for (int kill = 0; kill < KILLS / AT_ONCE; kill++) {
      runAndKill("p" + number + "k" + kill, random);
    }
    return null;
  }

  private void runAndKill(String name, Random random) throws IOException, InterruptedException {
    Path errors = work.resolve(name + ".err");
    Process process = start(name, errors);
    try (BufferedReader output = process.inputReader(StandardCharsets.US_ASCII)) {
      for (int i = random.nextInt(MAX_ACKS_BEFORE_KILL); i >= 0; i--) {
        String line = output.readLine();
        if (line == null) {
          throw new AssertionError(name + " ended by itself: " + Files.readString(errors));
        }
        take(line);
      }
      // Anywhere in the next append, or between it and what it says.
      LockSupport.parkNanos(random.nextInt(MAX_APPEND_NANOS));
      // Not by the process: that would close its output, and what it still had to say would be
      // lost.
      assertThat(process.toHandle().destroyForcibly()).isTrue();
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        take(line);
      }
      assertThat(process.waitFor()).isEqualTo(128 + 9);
    } finally {
      process.destroyForcibly();
    }
  }

  private void take(String line) {
    String[] words = line.split(" ");
    if (line.startsWith(AppendingClusterProcess.ACKNOWLEDGED) && words.length == 3) {
      assertThat(acknowledged.put(Long.valueOf(words[1]), words[2])).isNull();
    } else if (line.startsWith("compacted true")) {
      compactions.incrementAndGet();
    }
  }

  private Process start(String name, Path errors) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            "-Xmx128m",
            "-cp",
            System.getProperty("java.class.path"),
            AppendingClusterProcess.class.getName(),
            cluster.kubeconfig().toString(),
            namespace,
            name)
        .redirectError(errors.toFile())
        .start();
  }
}
