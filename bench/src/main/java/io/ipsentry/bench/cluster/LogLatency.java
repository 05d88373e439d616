package io.ipsentry.bench.cluster;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.kubernetes.api.ClusterClients;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;

/**
 * How long a ban takes into the log of a cluster, and from there to the followers: a real API
 * server on a real etcd, a writer, and followers with a client and a watch each, all in this
 * process.
 *
 * <p>Bans come at fixed times, whether those before are in or not (an open loop); what comes while
 * an append is under way goes together in the next. Times are from when a ban was to be written:
 * until the write returned, and until each follower's sink had it. Beside them, what a write of a
 * kilobyte takes that is forced to the disk on which etcd has its own.
 *
 * <p>Arguments: an empty directory on that disk, seconds for each rate, followers, rates in bans a
 * second.
 */
final class LogLatency {
  private static final Duration WARM_UP = Duration.ofSeconds(5);
  private static final int WARM_UP_RATE = 50;
  private static final int FORCED_WRITES = 500;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final List<AutoCloseable> open = new ArrayList<>();
  private final TestCluster cluster;
  private final String namespace;
  private final BanWriter writer;
  private final int followers;
  private volatile Round round = new Round(0, 0, 0);
  private int bans;

  /** What is measured at one rate. */
  private static final class Round {
    private final int first;
    private final AtomicLongArray due;
    private final ConcurrentLinkedQueue<Long> written = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Long> seen = new ConcurrentLinkedQueue<>();
    private final CountDownLatch left;

    Round(int first, int count, int followers) {
      this.first = first;
      due = new AtomicLongArray(count);
      left = new CountDownLatch(count * (followers + 1));
    }
  }

  private LogLatency(TestCluster cluster, int followers) {
    this.cluster = cluster;
    this.followers = followers;
    namespace = cluster.newNamespace();
    writer = BanWriter.start(openLog("writer"), InstantSource.system(), event -> {});
    for (int i = 0; i < followers; i++) {
      open.add(openLog("follower-" + i).follow(1, new Sink()));
    }
  }

  private KubernetesBanLog openLog(String name) {
    Config config = Config.fromKubeconfig(cluster.kubeconfig().toFile());
    config.setNamespace(namespace);
    KubernetesClient client = ClusterClients.of(config);
    KubernetesBanLog log =
        KubernetesBanLog.open(
            new ClusterConfigMaps(client),
            "bench",
            name,
            KubernetesBanLog.Limits.DEFAULT,
            InstantSource.system());
    open.add(client);
    open.add(log);
    return log;
  }

  private final class Sink implements BanLog.Sink {
    @Override
    public void events(List<SequencedEvent> events) {
      long now = System.nanoTime();
      Round current = round;
      for (SequencedEvent event : events) {
        int number = ((BanEvent.Ban) event.event()).hits() - current.first;
        if (number >= 0 && number < current.due.length()) {
          current.seen.add(now - current.due.get(number));
          current.left.countDown();
        }
      }
    }

    @Override
    public void failed(RuntimeException cause) {
      throw cause;
    }
  }

  public static void main(String[] args) throws Exception {
    Path directory = Path.of(args[0]);
    int seconds = Integer.parseInt(args[1]);
    int followers = Integer.parseInt(args[2]);
    int[] rates = Arrays.stream(args).skip(3).mapToInt(Integer::parseInt).toArray();
    forcedWrites(directory);
    try (TestCluster cluster = TestCluster.start(directory)) {
      LogLatency bench = new LogLatency(cluster, followers);
      try {
        bench.run(WARM_UP_RATE, (int) WARM_UP.toSeconds());
        for (int rate : rates) {
          Round measured = bench.run(rate, seconds);
          print(rate + "/s written", measured.written);
          print(rate + "/s seen", measured.seen);
        }
      } finally {
        bench.close();
      }
    }
    forcedWrites(directory);
  }

  private void close() throws Exception {
    for (AutoCloseable closeable : open.reversed()) {
      closeable.close();
    }
  }

  private Round run(int rate, int seconds) throws InterruptedException {
    int count = rate * seconds;
    Round current = new Round(bans, count, followers);
    bans += count;
    round = current;
    long period = TimeUnit.SECONDS.toNanos(1) / rate;
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      long start = System.nanoTime();
      for (int i = 0; i < count; i++) {
        int number = i;
        long due = start + i * period;
        current.due.set(i, due);
        while (System.nanoTime() < due) {
          LockSupport.parkNanos(due - System.nanoTime());
        }
        callers.execute(() -> write(current, number));
      }
    }
    if (!current.left.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new IllegalStateException(current.left.getCount() + " bans were not seen");
    }
    return current;
  }

  private void write(Round current, int number) {
    int id = current.first + number;
    IpPrefix ip = IpPrefix.ofV4(0x0b00_0000 + id);
    BanWriter.Outcome outcome =
        writer.write(
            ip,
            (state, now) ->
                List.of(
                    new BanEvent.Ban(
                        now,
                        ip,
                        now.plus(Duration.ofHours(1)),
                        "probing",
                        "^/wp-admin",
                        id,
                        SeenAs.PEER,
                        "bench",
                        1,
                        Instant.EPOCH,
                        null)));
    if (!(outcome instanceof BanWriter.Outcome.Written)) {
      throw new IllegalStateException(outcome.toString());
    }
    current.written.add(System.nanoTime() - current.due.get(number));
    current.left.countDown();
  }

  private static void forcedWrites(Path directory) throws IOException {
    ConcurrentLinkedQueue<Long> nanos = new ConcurrentLinkedQueue<>();
    Path file = directory.resolve("forced");
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      for (int i = 0; i < FORCED_WRITES; i++) {
        long began = System.nanoTime();
        int ignored = channel.write(ByteBuffer.allocate(1_024));
        channel.force(false);
        nanos.add(System.nanoTime() - began);
      }
    }
    print("forced write", nanos);
  }

  private static void print(String what, ConcurrentLinkedQueue<Long> nanos) {
    long[] sorted = nanos.stream().mapToLong(Long::longValue).sorted().toArray();
    System.out.printf(
        Locale.ROOT,
        "%-14s n=%-6d p50=%6.1f ms  p99=%6.1f ms  p999=%6.1f ms  max=%6.1f ms  mean=%6.1f ms%n",
        what,
        sorted.length,
        at(sorted, 0.5),
        at(sorted, 0.99),
        at(sorted, 0.999),
        at(sorted, 1),
        LongStream.of(sorted).average().orElse(0) / 1e6);
  }

  private static double at(long[] sorted, double share) {
    int index = (int) Math.ceil(share * sorted.length) - 1;
    return sorted.length == 0 ? Double.NaN : sorted[Math.max(0, index)] / 1e6;
  }
}
