package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.FollowedLog;
import io.ipsentry.kubernetes.api.ClusterClients;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.follow.ClusterFollower;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;

/**
 * Processes on one log in a namespace of its own: some append bans that never end, each of another
 * address, and some follow, each with its own connections. While they run, each follower is looked
 * at: what it knew once it must go on knowing. At the end all must have the same, and everything
 * that was acknowledged, once.
 */
final class SharedLog implements AutoCloseable {
  private static final String RELEASE = "guard";
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Duration LOOK = Duration.ofMillis(50);
  private static final Duration BETWEEN_BANS = Duration.ofMillis(40);

  private final String namespace;
  private final List<Runnable> open = new ArrayList<>();
  private final List<Follower> followers = new ArrayList<>();
  private final List<ActiveBans> states = new ArrayList<>();
  private final List<Future<?>> running = new ArrayList<>();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Map<Long, IpPrefix> acknowledged = new ConcurrentHashMap<>();
  private final AtomicInteger addresses = new AtomicInteger();
  private final AtomicInteger failures = new AtomicInteger();
  private final AtomicBoolean over = new AtomicBoolean();

  /** A follower and what it was told since its state was replaced last. */
  private static final class Follower implements FollowedLog.Listener {
    private volatile long seq;
    private volatile String outOfOrder = "";

    @Override
    public void applied(SequencedEvent event) {
      if (event.seq() != seq + 1) {
        outOfOrder = event.seq() + " after " + seq;
      }
      seq = event.seq();
    }

    @Override
    public void replaced(ActiveBans state) {
      seq = state.head();
    }
  }

  SharedLog(String namespace) {
    this.namespace = namespace;
  }

  /** A client of its own connections. */
  KubernetesClient client(Path kubeconfig) {
    Config config = Config.fromKubeconfig(kubeconfig.toFile());
    config.setNamespace(namespace);
    KubernetesClient client = ClusterClients.of(config);
    open.add(client::close);
    return client;
  }

  /** The log as a process has it that writes. */
  KubernetesBanLog log(KubernetesClient client, String name, Duration grace, InstantSource clock) {
    KubernetesBanLog.Limits limits =
        new KubernetesBanLog.Limits(
            grace,
            KubernetesBanLog.Limits.DEFAULT.historyAge(),
            KubernetesBanLog.Limits.DEFAULT.historyBytes());
    KubernetesBanLog log =
        KubernetesBanLog.open(new ClusterConfigMaps(client), RELEASE, name, limits, clock);
    open.add(log::close);
    return log;
  }

  /** A process that appends until the end. */
  BanWriter startWriter(KubernetesBanLog log, InstantSource clock) {
    BanWriter writer = BanWriter.start(log, clock, event -> {});
    run(() -> {
      while (!over.get()) {
        ban(writer);
        LockSupport.parkNanos(BETWEEN_BANS.toNanos());
      }
    });
    return writer;
  }

  /** Does something again and again until the end; it may fail while the API server does. */
  void again(Duration pause, Runnable what) {
    run(() -> {
      while (!over.get()) {
        try {
          what.run();
        } catch (BanLogException e) {
          assertThat(e.isTransient()).as(e.getMessage()).isTrue();
        }
        LockSupport.parkNanos(pause.toNanos());
      }
    });
  }

  private void run(Runnable what) {
    running.add(threads.submit(what));
  }

  private void ban(BanWriter writer) {
    IpPrefix ip = IpPrefix.ofV4(0x0b00_0000 + addresses.incrementAndGet());
    try {
      BanWriter.Outcome outcome = writer.write(ip, (state, now) -> List.of(ban(ip, now)));
      if (outcome instanceof BanWriter.Outcome.Written written) {
        SequencedEvent event = written.events().getFirst();
        assertThat(acknowledged.put(event.seq(), ip)).isNull();
      }
    } catch (BanLogException e) {
      assertThat(e.isTransient()).as(e.getMessage()).isTrue();
      failures.incrementAndGet();
    }
  }

  private static BanEvent ban(IpPrefix ip, Instant now) {
    return new BanEvent.Ban(
        now, ip, null, "probing", "^/wp-admin", 3, SeenAs.PEER, "watcher", 1, null, null);
  }

  /** A process that follows, and is looked at. */
  void startFollower(KubernetesClient client) {
    ActiveBans state = new ActiveBans();
    Follower told = new Follower();
    ClusterFollower follower =
        new ClusterFollower(
                new ClusterFollower.Parts(
                    () ->
                        KubernetesBanLog.openToRead(
                            new ClusterConfigMaps(client), RELEASE, InstantSource.system()),
                    state,
                    told,
                    System::nanoTime,
                    RandomGenerator.getDefault()))
            .start();
    open.add(follower::close);
    followers.add(told);
    states.add(state);
    await().atMost(PATIENCE).until(follower::isSynced);
    run(() -> {
      int known = 0;
      while (!over.get()) {
        // The bans never end, and nobody is unbanned.
        int bans = state.counts(Instant.now()).bans();
        assertThat(bans).isGreaterThanOrEqualTo(known);
        known = bans;
        LockSupport.parkNanos(LOOK.toNanos());
      }
    });
  }

  /** Waits until appends are acknowledged again. */
  void awaitProgress() {
    int before = acknowledged.size();
    await().atMost(PATIENCE).until(() -> acknowledged.size() > before + 3);
  }

  /** Lets the processes end their work, and judges what is there. Returns the events. */
  List<SequencedEvent> judge(String name, KubernetesBanLog log) throws Exception {
    over.set(true);
    for (Future<?> task : running) {
      assertThat(task.get()).isNull();
    }
    long head = await().atMost(PATIENCE).ignoreExceptions().until(log::head, found -> found >= 0);
    List<SequencedEvent> events =
        await()
            .atMost(PATIENCE)
            .ignoreExceptions()
            .until(() -> log.history(head + 1, Integer.MAX_VALUE).reversed(), all -> true);
    System.out.printf(
        "%s: %d events, %d appends acknowledged, %d failed%n",
        name, head, acknowledged.size(), failures.get());
    assertThat(events)
        .extracting(SequencedEvent::seq)
        .isEqualTo(LongStream.rangeClosed(1, head).boxed().toList());
    List<IpPrefix> bans =
        events.stream()
            .map(SequencedEvent::event)
            .filter(event -> event instanceof BanEvent.Ban)
            .map(event -> ((BanEvent.Ban) event).ip())
            .toList();
    assertThat(bans).doesNotHaveDuplicates();
    acknowledged.forEach((seq, ip) -> {
      assertThat(events.get((int) (seq - 1)).event()).isInstanceOf(BanEvent.Ban.class);
      assertThat(((BanEvent.Ban) events.get((int) (seq - 1)).event()).ip()).isEqualTo(ip);
    });
    assertThat(acknowledged).isNotEmpty();
    ActiveBans whole = new ActiveBans();
    events.forEach(whole::apply);
    for (int i = 0; i < followers.size(); i++) {
      Follower told = followers.get(i);
      await().atMost(PATIENCE).until(() -> told.seq == head);
      assertThat(told.outOfOrder).isEmpty();
      assertThat(states.get(i).list(Instant.now())).isEqualTo(whole.list(Instant.now()));
    }
    return events;
  }

  @Override
  public void close() {
    over.set(true);
    open.reversed().forEach(Runnable::run);
    threads.close();
  }
}
