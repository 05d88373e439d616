package io.ipsentry.kubernetes.leader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.TestEvents;
import io.ipsentry.kubernetes.ClusterClient;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The leader is killed with SIGKILL at any moment, again and again, while the others append and
 * people patch the blocklist. {@code -Dleader.kills=1000} for more rounds.
 */
@RequiresCluster
final class LeaderKillIT {
  private static final int KILLS = Integer.getInteger("leader.kills", 50);
  private static final int PROCESSES = 3;
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int MAX_SHORT_LEAD_NANOS = 300_000_000;
  private static final int MAX_LONG_LEAD_NANOS = 2_000_000_000;

  /**
   * The API server remembers what was patched for at least 75 s. So long must nobody be killed
   * before he has looked, and on a busy machine that takes a while.
   */
  private static final int ABSORBED_EVERY = 8;

  private final TestCluster cluster = TestCluster.shared();
  private final String namespace = cluster.newNamespace();
  private final Map<Long, String> acknowledged = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<Child> newLeaders = new ConcurrentLinkedQueue<>();
  private final List<Child> children = new ArrayList<>();
  private final List<String> patched = new ArrayList<>();
  private int started;

  @TempDir private Path work;

  /** A process, and the thread that reads what it says. */
  private record Child(String name, Process process, Path errors, Thread reader) {}

  @Test
  void leader_killedAgainAndAgain_losesAndDoublesNothing() throws Exception {
    Random random = new Random(20_261_127L);
    long begun = System.nanoTime();
    try (KubernetesClient client = ClusterClient.of(cluster, namespace)) {
      for (int i = 0; i < PROCESSES; i++) {
        start();
      }
      Child leader = awaitLeader();
      await("document").atMost(SOON).until(() -> document(client).isPresent());
      patch(client);
      awaitAbsorbed(client);
      for (int kill = 0; kill < KILLS; kill++) {
        if (random.nextInt(2) == 0) {
          patch(client);
        }
        if (kill % ABSORBED_EVERY == ABSORBED_EVERY - 1) {
          awaitAbsorbed(client);
        }
        LockSupport.parkNanos(
            random.nextInt(random.nextBoolean() ? MAX_SHORT_LEAD_NANOS : MAX_LONG_LEAD_NANOS));
        killed(leader);
        start();
        if (random.nextInt(2) == 0) {
          // Nobody leads.
          patch(client);
        }
        leader = awaitLeader();
        if (random.nextInt(4) == 0) {
          patch(client);
          patch(client);
        }
      }
      awaitAbsorbed(client);
      System.out.printf(
          "%d leaders killed in %d ms, %d patches, %d events acknowledged%n",
          KILLS, (System.nanoTime() - begun) / 1_000_000, patched.size(), acknowledged.size());
      for (Child child : List.copyOf(children)) {
        killed(child);
      }
      judge(client);
    } finally {
      children.forEach(child -> child.process().destroyForcibly());
    }
  }

  // ---- processes

  private void start() throws IOException {
    String name = "p" + started++;
    Path errors = work.resolve(name + ".err");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                "-Xmx128m",
                "-cp",
                System.getProperty("java.class.path"),
                LeadingProcess.class.getName(),
                cluster.kubeconfig().toString(),
                namespace,
                name)
            .redirectError(errors.toFile())
            .start();
    Child[] child = new Child[1];
    Thread reader = Thread.ofVirtual().unstarted(() -> listen(child[0]));
    child[0] = new Child(name, process, errors, reader);
    children.add(child[0]);
    reader.start();
  }

  private void listen(Child child) {
    try (BufferedReader output = child.process().inputReader(StandardCharsets.US_ASCII)) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        String[] words = line.split(" ");
        if (line.equals(LeadingProcess.LEADS)) {
          newLeaders.add(child);
        } else if (line.startsWith(LeadingProcess.ACKNOWLEDGED) && words.length == 3) {
          String before = acknowledged.put(Long.valueOf(words[1]), words[2]);
          assertThat(before).isNull();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read what " + child.name() + " says", e);
    }
  }

  private Child awaitLeader() {
    await("a leader")
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(20))
        .until(() -> {
          newLeaders.removeIf(child -> !child.process().isAlive());
          return !newLeaders.isEmpty();
        });
    Child leader = newLeaders.remove();
    return leader;
  }

  private void killed(Child child) throws Exception {
    if (!child.process().isAlive()) {
      throw new AssertionError(
          child.name() + " ended by itself: " + Files.readString(child.errors()));
    }
    // Not by the process: that would close its output, and what it had to say would be lost.
    assertThat(child.process().toHandle().destroyForcibly()).isTrue();
    assertThat(child.process().waitFor()).isEqualTo(128 + 9);
    child.reader().join();
    children.remove(child);
  }

  // ---- people

  private Optional<String> document(KubernetesClient client) {
    return Optional.ofNullable(
            client.configMaps().withName(LeadingProcess.RELEASE + "-blocklist").get())
        .map(map -> map.getData().get("blocklist.json"));
  }

  /** As the original's README has it: the document is that one entry. */
  private void patch(KubernetesClient client) {
    int number = patched.size();
    String address = "198.51." + (100 + number / 250) + "." + (1 + number % 250);
    String entry =
        "{\\\"%s\\\":{\\\"banned_at\\\":\\\"2026-11-26T00:00:00Z\\\",\\\"expires_at\\\":\\\"2099-01-01T00:00:00Z\\\",\\\"reason\\\":\\\"manual\\\",\\\"hit_count\\\":1}}"
            .formatted(address);
    PatchContext how =
        new PatchContext.Builder()
            .withPatchType(PatchType.JSON_MERGE)
            .withFieldManager("kubectl-patch")
            .build();
    assertThat(
            client
                .configMaps()
                .withName(LeadingProcess.RELEASE + "-blocklist")
                .patch(how, "{\"data\":{\"blocklist.json\":\"" + entry + "\"}}"))
        .isNotNull();
    patched.add(address);
  }

  /** Until the document shows all that was patched. */
  private void awaitAbsorbed(KubernetesClient client) {
    await("patches")
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(100))
        .untilAsserted(
            () -> assertThat(document(client).orElse("")).contains("_version").contains(patched));
  }

  // ---- afterwards

  private void judge(KubernetesClient client) {
    try (KubernetesBanLog log =
        KubernetesBanLog.open(
            new ClusterConfigMaps(client),
            LeadingProcess.RELEASE,
            "judge",
            KubernetesBanLog.Limits.DEFAULT,
            InstantSource.system())) {
      List<SequencedEvent> events = log.history(Long.MAX_VALUE, Integer.MAX_VALUE).reversed();
      assertThat(events)
          .extracting(SequencedEvent::seq)
          .isEqualTo(LongStream.rangeClosed(1, log.head()).boxed().toList());
      acknowledged.forEach((seq, reason) ->
          assertThat(TestEvents.reason(events.get((int) (seq - 1)).event())).isEqualTo(reason));
      Map<String, Integer> byPatch = new HashMap<>();
      List<String> appended = new ArrayList<>();
      for (SequencedEvent event : events) {
        if (event.event() instanceof BanEvent.Ban ban && ban.by().equals("kubectl-patch")) {
          int times = byPatch.merge(ban.ip().toString(), 1, Integer::sum);
          assertThat(times).as("bans of %s", ban.ip()).isEqualTo(1);
        } else {
          appended.add(TestEvents.reason(event.event()));
        }
      }
      assertThat(byPatch.keySet()).containsExactlyInAnyOrderElementsOf(patched);
      assertThat(appended).doesNotHaveDuplicates();
    }
  }
}
