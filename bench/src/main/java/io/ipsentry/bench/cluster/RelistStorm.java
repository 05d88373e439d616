package io.ipsentry.bench.cluster;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.FollowedLog;
import io.ipsentry.kubernetes.api.ClusterClients;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.follow.ClusterFollower;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What the followers of a cluster ask for when the API server comes back after it was killed: as
 * many listings and watches in each second, from its audit log, until the last of them has seen a
 * ban that was written after.
 *
 * <p>Arguments: an empty directory, followers, bans in the log (an entry each).
 */
final class RelistStorm {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Pattern REQUEST =
      Pattern.compile(
          "\"verb\":\"(list|watch|get)\".*\"userAgent\":\"ip-sentry\".*\"resource\":\"configmaps\""
              + ".*\"requestReceivedTimestamp\":\"([^\"]*)\"");

  private RelistStorm() {}

  public static void main(String[] args) throws Exception {
    Path directory = Path.of(args[0]);
    int count = Integer.parseInt(args[1]);
    int bans = Integer.parseInt(args[2]);
    List<AutoCloseable> open = new ArrayList<>();
    try (TestCluster cluster = TestCluster.start(directory)) {
      String namespace = cluster.newNamespace();
      KubernetesClient client = client(cluster, namespace);
      KubernetesBanLog log =
          KubernetesBanLog.open(
              new ClusterConfigMaps(client),
              "bench",
              "writer",
              KubernetesBanLog.Limits.DEFAULT,
              InstantSource.system());
      BanWriter writer = BanWriter.start(log, InstantSource.system(), event -> {});
      for (int i = 0; i < bans; i++) {
        ban(writer, i);
      }
      CountDownLatch seen = new CountDownLatch(count);
      for (int i = 0; i < count; i++) {
        KubernetesClient own = client(cluster, namespace);
        open.add(own);
        open.add(follow(own, bans + 1, seen));
      }
      while (writer.state().head() < bans) {
        writer.catchUp();
      }
      cluster.apiServer().kill();
      long began = System.nanoTime();
      cluster.apiServer().start();
      Instant back = Instant.now();
      System.out.printf("API server back after %d ms%n", millisSince(began));
      ban(writer, bans);
      if (!seen.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new IllegalStateException(seen.getCount() + " followers have not seen it");
      }
      System.out.printf("all followers have what came after at %d ms%n", millisSince(began));
      print(cluster.auditLog(), back.minusSeconds(10));
      for (AutoCloseable closeable : open.reversed()) {
        closeable.close();
      }
      log.close();
      client.close();
    }
  }

  private static long millisSince(long nanos) {
    return (System.nanoTime() - nanos) / 1_000_000;
  }

  private static KubernetesClient client(TestCluster cluster, String namespace) {
    Config config = Config.fromKubeconfig(cluster.kubeconfig().toFile());
    config.setNamespace(namespace);
    return ClusterClients.of(config);
  }

  private static ClusterFollower follow(KubernetesClient client, long wanted, CountDownLatch seen)
      throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    FollowedLog.Listener listener =
        new FollowedLog.Listener() {
          private boolean told;

          @Override
          public void applied(SequencedEvent event) {
            look(event.seq());
          }

          @Override
          public void replaced(ActiveBans state) {
            look(state.head());
            begun.countDown();
          }

          private void look(long head) {
            if (!told && head >= wanted) {
              told = true;
              seen.countDown();
            }
          }
        };
    ClusterFollower follower =
        new ClusterFollower(
                new ClusterFollower.Parts(
                    () ->
                        KubernetesBanLog.openToRead(
                            new ClusterConfigMaps(client), "bench", InstantSource.system()),
                    new ActiveBans(),
                    listener,
                    System::nanoTime,
                    RandomGenerator.getDefault()))
            .start();
    begun.await();
    return follower;
  }

  private static void ban(BanWriter writer, int number) {
    IpPrefix ip = IpPrefix.ofV4(0x0b00_0000 + number);
    BanWriter.Outcome outcome =
        writer.write(
            ip,
            (state, now) ->
                List.of(
                    new BanEvent.Ban(
                        now,
                        ip,
                        null,
                        "probing",
                        "^/wp-admin",
                        3,
                        SeenAs.PEER,
                        "bench",
                        1,
                        null,
                        null)));
    if (!(outcome instanceof BanWriter.Outcome.Written)) {
      throw new IllegalStateException(outcome.toString());
    }
  }

  private static void print(Path auditLog, Instant from) throws IOException {
    TreeMap<Instant, TreeMap<String, Integer>> seconds = new TreeMap<>();
    try (Stream<String> lines = Files.lines(auditLog)) {
      lines.forEach(line -> {
        Matcher request = REQUEST.matcher(line);
        if (request.find()) {
          Instant at = Instant.parse(request.group(2));
          if (at.isAfter(from)) {
            int ignored =
                seconds
                    .computeIfAbsent(
                        Instant.ofEpochSecond(at.getEpochSecond()), s -> new TreeMap<>())
                    .merge(request.group(1), 1, Integer::sum);
          }
        }
      });
    }
    seconds.forEach((second, requests) -> System.out.println(second + " " + requests));
  }
}
