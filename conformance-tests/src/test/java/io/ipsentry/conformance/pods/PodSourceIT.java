package io.ipsentry.conformance.pods;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.kubernetes.api.ClusterConnection;
import io.ipsentry.kubernetes.pods.ClusterPodLogs;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TcpProxy;
import io.ipsentry.testing.cluster.TestCluster;
import io.ipsentry.testing.kubelet.RuntimeLog;
import io.ipsentry.testing.kubelet.TestKubelet;
import io.ipsentry.watcher.source.LineHandler;
import io.ipsentry.watcher.source.PodNumbers;
import io.ipsentry.watcher.source.PodSource;
import io.ipsentry.watcher.source.SourceLoop;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@link PodSource} on a real API server, whose kubelets cut, rotate and restart. */
@RequiresCluster
final class PodSourceIT {
  /** Longer rounds: {@code -Dipsentry.pods.seconds=120}. */
  private static final int SECONDS = Integer.getInteger("ipsentry.pods.seconds", 8);

  private static final int PODS = 20;
  private static final int LINES_PER_SECOND = 50;
  private static final Duration SOON = Duration.ofSeconds(60);

  private final TestCluster cluster = TestCluster.shared();

  /** Reads on a thread of its own, and counts each line. */
  private final class Reading implements AutoCloseable {
    private final Map<String, Integer> judged = new ConcurrentHashMap<>();
    private final ClusterConnection connection;
    private final PodSource source;
    private final Thread thread;
    private volatile boolean stopped;

    Reading(GatewayPods pods, Instant begin, byte... checkpoint) throws Exception {
      this(pods, cluster.kubeconfig(), begin, checkpoint);
    }

    Reading(GatewayPods pods, Path kubeconfig, Instant begin, byte... checkpoint) throws Exception {
      connection =
          ClusterConnection.open(
              new ClusterStoreConfig(
                  "test",
                  Optional.of(pods.namespace()),
                  Optional.of(kubeconfig),
                  Optional.empty(),
                  ClusterStoreConfig.LeaderConfig.DEFAULT));
      source =
          new PodSource(
              "gateway",
              ClusterPodLogs.start(
                  connection,
                  pods.namespace(),
                  GatewayPods.SELECTOR,
                  Optional.of(GatewayPods.CONTAINER),
                  new SplittableRandom(1)),
              begin,
              stream -> handler(stream.label()),
              InstantSource.system());
      if (checkpoint.length > 0) {
        source.restore(checkpoint);
      }
      SourceLoop loop = new SourceLoop(List.of(source));
      thread = Thread.ofPlatform().name("reading").unstarted(() -> read(loop));
      thread.start();
    }

    private LineHandler handler(String label) {
      return (b, from, to, at) -> {
        String line = new String(b, from, to - from, StandardCharsets.UTF_8);
        int content = line.indexOf(" stdout F ");
        assertThat(content).as(line).isPositive();
        Integer ignored =
            judged.merge(
                label + " " + line.substring(content + " stdout F ".length()), 1, Integer::sum);
        return true;
      };
    }

    private void read(SourceLoop loop) {
      try (loop) {
        while (!stopped) {
          if (!loop.poll()) {
            loop.awaitWork(Duration.ofMillis(250));
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    Map<String, Integer> judged() {
      return new HashMap<>(judged);
    }

    PodNumbers numbers() {
      return source.status().pods().orElseThrow();
    }

    /** Ends the reading; where it stood. */
    byte[] stop() {
      stopped = true;
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return source.checkpoint();
    }

    @Override
    public void close() {
      stop();
      source.close();
      connection.close();
    }
  }

  /** Lines that were given to anybody, of these logs by pod. */
  private static Map<String, Integer> served(Map<String, RuntimeLog> logs) {
    Map<String, Integer> served = new HashMap<>();
    logs.forEach((pod, log) ->
        log.served()
            .forEach((line, times) ->
                served.put(pod + "/" + GatewayPods.CONTAINER + " " + line, times)));
    return served;
  }

  private static void until(String what, Callable<Boolean> condition) {
    await(what).atMost(SOON).pollInterval(Duration.ofMillis(20)).until(condition);
  }

  private static List<String> names(String prefix, int from, int to) {
    return IntStream.range(from, to).mapToObj(i -> prefix + "-" + i).toList();
  }

  @Test
  void rollout_withRotationsAndCuts_everyServedLineIsJudgedOnce() throws Exception {
    try (GatewayPods pods = new GatewayPods(cluster, 3)) {
      pods.create(names("old", 0, PODS));
      Map<String, RuntimeLog> all = new ConcurrentHashMap<>(pods.logs());
      try (Reading reading = new Reading(pods, Instant.now().minusSeconds(120))) {
        Traffic traffic = new Traffic(pods);
        Thread writer = Thread.ofPlatform().name("traffic").start(traffic::run);
        int step = PODS / 4;
        for (int done = 0; done < PODS; done += step) {
          pods.create(names("new", done, done + step));
          all.putAll(pods.logs());
          TimeUnit.MILLISECONDS.sleep(SECONDS * 1_000L / 4 / 2);
          pods.delete(names("old", done, done + step));
          TimeUnit.MILLISECONDS.sleep(SECONDS * 1_000L / 4 / 2);
        }
        traffic.stop();
        writer.join();
        // At the worst moment; whoever is cut off now is given what stands behind the rotation.
        pods.logs().values().forEach(RuntimeLog::rotate);
        pods.kubelets().forEach(TestKubelet::cut);
        pods.logs().values().forEach(log -> log.write("the last"));
        List<String> last =
            names("new", 0, PODS).stream()
                .map(pod -> pod + "/" + GatewayPods.CONTAINER + " the last")
                .toList();
        until("the last lines are judged", () -> reading.judged().keySet().containsAll(last));
        await("all is judged")
            .atMost(SOON)
            .untilAsserted(() -> assertThat(reading.judged()).isEqualTo(served(all)));

        // What was rotated away before the first line that was read is in no gap.
        long gaps =
            all.values().stream().filter(log -> log.hasGap() && !log.wasOvertaken()).count();
        // Numbers are those of a moment ago.
        until("gaps are said", () -> reading.numbers().gaps() >= gaps);
        PodNumbers numbers = reading.numbers();
        long written = all.values().stream().mapToLong(RuntimeLog::written).sum();
        long given = served(all).values().stream().mapToLong(Integer::longValue).sum();
        System.out.printf(
            "pods: %d lines written, %d given by the kubelets (the rest was rotated away between"
                + " two connections), judged once each; %d repeated, %d reconnects, %d gaps said%n",
            written, given, numbers.repeatedLines(), numbers.reconnects(), numbers.gaps());
        assertThat(numbers.repeatedLines()).isPositive();
        assertThat(numbers.reconnects()).isGreaterThanOrEqualTo(PODS);
      }
    }
  }

  /** Writes to all logs; rotates every 2 s, cuts every 5 s. */
  private static final class Traffic {
    private final GatewayPods pods;
    private volatile boolean stopped;

    Traffic(GatewayPods pods) {
      this.pods = pods;
    }

    void run() {
      long number = 0;
      long tick = 1_000_000_000L / LINES_PER_SECOND;
      long next = System.nanoTime();
      long rotateAt = next + TimeUnit.SECONDS.toNanos(2);
      long cutAt = next + TimeUnit.SECONDS.toNanos(5);
      while (!stopped) {
        for (RuntimeLog log : pods.logs().values()) {
          Instant now = Instant.now();
          log.write(now, "line " + number);
          if (number % 7 == 0) {
            // Twice the same within the same nanosecond.
            log.write(now, "twin " + number);
            log.write(now, "twin " + number);
          }
        }
        number++;
        long now = System.nanoTime();
        if (now - rotateAt >= 0) {
          rotateAt += TimeUnit.SECONDS.toNanos(2);
          pods.logs().values().forEach(RuntimeLog::rotate);
        }
        if (now - cutAt >= 0) {
          cutAt += TimeUnit.SECONDS.toNanos(5);
          pods.kubelets().forEach(TestKubelet::cut);
        }
        next += tick;
        LockSupport.parkNanos(next - System.nanoTime());
      }
    }

    void stop() {
      stopped = true;
    }
  }

  /** Of the list of the pods, as of now. */
  private String version(TestCluster of, GatewayPods pods) {
    String list =
        of.kubectl()
            .run("get", "--raw", "/api/v1/namespaces/" + pods.namespace() + "/pods?limit=1");
    Matcher version = Pattern.compile("\"resourceVersion\":\"(\\d+)\"").matcher(list);
    assertThat(version.find()).as(list).isTrue();
    return version.group(1);
  }

  /** What the API server says to a watch of the pods from a version on. */
  private String watchFrom(TestCluster of, GatewayPods pods, String version) {
    return of.kubectl()
        .attempt(
            "get",
            "--raw",
            "/api/v1/namespaces/%s/pods?watch=1&timeoutSeconds=1&resourceVersion=%s"
                .formatted(pods.namespace(), version))
        .toString();
  }

  /**
   * The network is away, pods go and come, and the API server is started anew: of what changed
   * before that it knows nothing to tell, so the watch must begin with another list.
   */
  @Test
  void watch_ofAVersionThatIsGone_beginsWithAListAndLosesNothing(@TempDir Path directory)
      throws Exception {
    // Others use the one that is shared.
    try (TestCluster own = TestCluster.start(directory);
        GatewayPods pods = new GatewayPods(own, 1);
        TcpProxy proxy = own.proxy()) {
      pods.create(List.of("stays", "goes"));
      Map<String, RuntimeLog> all = pods.logs();
      try (Reading reading =
          new Reading(pods, own.kubeconfig(proxy), Instant.now().minusSeconds(60))) {
        all.values().forEach(log -> log.write("before"));
        until("those of before", () -> reading.judged().size() == 2);

        proxy.stall();
        String version = version(own, pods);
        all.values().forEach(log -> log.write("while away"));
        pods.delete(List.of("goes"));
        pods.create(List.of("comes"));
        pods.log("comes").write("of a pod that no watch told of");
        own.apiServer().kill();
        own.apiServer().start();
        assertThat(watchFrom(own, pods, version)).contains("too old resource version");
        proxy.restore();

        until(
            "the watch goes on",
            () ->
                reading
                    .judged()
                    .containsKey(
                        "comes/" + GatewayPods.CONTAINER + " of a pod that no watch told of"));
        pods.log("comes").write("afterwards");
        pods.log("stays").write("afterwards");
        until(
            "the last lines",
            () ->
                reading.judged().containsKey("comes/" + GatewayPods.CONTAINER + " afterwards")
                    && reading
                        .judged()
                        .containsKey("stays/" + GatewayPods.CONTAINER + " afterwards"));
        until("what is gone is known to be", () -> reading.numbers().containers() == 2);
        assertThat(reading.judged())
            .containsEntry("stays/" + GatewayPods.CONTAINER + " while away", 1)
            .containsEntry("comes/" + GatewayPods.CONTAINER + " of a pod that no watch told of", 1)
            .containsEntry("comes/" + GatewayPods.CONTAINER + " afterwards", 1)
            .doesNotContainValue(2);
      }
    }
  }

  @Test
  void restarts_andAReaderThatIsStopped_goOnWhereTheyWere() throws Exception {
    try (GatewayPods pods = new GatewayPods(cluster, 1)) {
      pods.create(List.of("only"));
      RuntimeLog log = pods.log("only");
      Map<String, RuntimeLog> logs = pods.logs();
      byte[] checkpoint;
      Map<String, Integer> first;
      List<String> expected = new ArrayList<>();
      try (Reading reading = new Reading(pods, Instant.now().minusSeconds(60))) {
        write(log, expected, "a", 10);
        until("the first", () -> reading.judged().size() == expected.size());
        // What it says last, it says while nobody reads: then it is started again.
        pods.kubelets().getFirst().delay(500);
        pods.kubelets().getFirst().cut();
        write(log, expected, "b", 10);
        log.restart();
        write(log, expected, "c", 10);
        pods.report(List.of("only"));
        pods.kubelets().getFirst().delay(0);
        until("those of both", () -> reading.judged().size() == expected.size());
        log.writePart("in pieces: one, ");
        log.writePart("two, ");
        log.write("three");
        expected.add("in pieces: one, two, three");
        until("joined", () -> reading.judged().size() == expected.size());
        checkpoint = reading.stop();
        first = reading.judged();
      }
      write(log, expected, "d", 10);
      log.restart();
      pods.report(List.of("only"));
      write(log, expected, "e", 10);
      try (Reading second = new Reading(pods, Instant.now().minusSeconds(60), checkpoint)) {
        until("the rest", () -> first.size() + second.judged().size() >= expected.size());
        log.stop();
        pods.report(List.of("only"));
        until("read to the end", () -> second.numbers().streams() == 0);
        Map<String, Integer> both = second.judged();
        first.forEach((line, times) -> both.merge(line, times, Integer::sum));
        Map<String, Integer> wanted = new HashMap<>();
        expected.forEach(line -> wanted.put("only/" + GatewayPods.CONTAINER + " " + line, 1));
        assertThat(both).isEqualTo(wanted);
        assertThat(logs).hasSize(1);
        assertThat(second.numbers().gaps()).isZero();
      }
    }
  }

  private static void write(RuntimeLog log, List<String> expected, String prefix, int times) {
    for (int i = 0; i < times; i++) {
      log.write(prefix + i);
      expected.add(prefix + i);
    }
  }
}
