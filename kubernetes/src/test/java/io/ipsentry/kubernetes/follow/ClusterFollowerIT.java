package io.ipsentry.kubernetes.follow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.CompactedException;
import io.ipsentry.banlog.FollowedLog;
import io.ipsentry.banlog.SnapshotBytes;
import io.ipsentry.banlog.TestEvents;
import io.ipsentry.kubernetes.ClusterClient;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TcpProxy;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Followers of a log in a real API server, which goes away, and whose log is damaged. */
@RequiresCluster
final class ClusterFollowerIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final KubernetesBanLog.Limits NO_GRACE =
      new KubernetesBanLog.Limits(Duration.ZERO, Duration.ofDays(30), 1 << 20);

  /** Banned for ever in every log here. */
  private static final IpPrefix STANDING = IpPrefix.parse("198.51.100.1");

  private final TestCluster cluster = TestCluster.shared();
  private final String namespace = cluster.newNamespace();
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();

  @AfterEach
  void close() throws Exception {
    while (!opened.isEmpty()) {
      opened.pop().close();
    }
  }

  private <T extends AutoCloseable> T opened(T part) {
    opened.push(part);
    return part;
  }

  private ClusterConfigMaps api(Path kubeconfig) {
    KubernetesClient client = opened(ClusterClient.of(kubeconfig, namespace));
    return new ClusterConfigMaps(client);
  }

  private KubernetesBanLog owner() {
    return opened(
        KubernetesBanLog.open(
            api(cluster.kubeconfig()), "guard", "owner", NO_GRACE, InstantSource.system()));
  }

  /** A follower and what its listener heard. */
  private final class Following implements FollowedLog.Listener, AutoCloseable {
    final List<SequencedEvent> applied = new CopyOnWriteArrayList<>();
    final List<Long> replacedAt = new CopyOnWriteArrayList<>();
    final AtomicLong missed = new AtomicLong();
    private final AtomicBoolean over = new AtomicBoolean();
    final ClusterFollower follower;

    Following(Path kubeconfig) {
      ClusterConfigMaps api = api(kubeconfig);
      follower =
          opened(
              new ClusterFollower(
                      new ClusterFollower.Parts(
                          () -> KubernetesBanLog.openToRead(api, "guard", InstantSource.system()),
                          new ActiveBans(),
                          this,
                          System::nanoTime,
                          new Random(1)))
                  .start());
    }

    @Override
    public void applied(SequencedEvent event) {
      assertThat(follower.bans().head()).isEqualTo(event.seq());
      applied.add(event);
    }

    @Override
    public void replaced(ActiveBans state) {
      applied.clear();
      replacedAt.add(state.head());
    }

    Following awaitHead(long head) {
      await().atMost(PATIENCE).until(() -> follower.isSynced() && follower.bans().head() == head);
      return this;
    }

    /** Looks all the time whether the standing ban is there. */
    Following watchStanding() {
      opened(this);
      Thread watching =
          Thread.ofPlatform()
              .daemon()
              .start(() -> {
                while (!over.get()) {
                  if (!isStanding()) {
                    missed.incrementAndGet();
                  }
                  Thread.onSpinWait();
                }
              });
      assertThat(watching.isAlive()).isTrue();
      return this;
    }

    private boolean isStanding() {
      return follower.bans().isBanned(STANDING.hi(), STANDING.lo(), Long.MAX_VALUE - 1, null);
    }

    @Override
    public void close() {
      over.set(true);
    }
  }

  private static BanEvent standing(String reason) {
    return new BanEvent.Ban(
        TestEvents.T0, STANDING, null, "probing", reason, 3, SeenAs.PEER, "watcher", 1, null, null);
  }

  private static void append(KubernetesBanLog log, List<BanEvent> events) {
    long head = log.head();
    assertThat(log.append(head, events)).isEqualTo(new AppendResult.Appended(head + events.size()));
  }

  private static ActiveBans replay(KubernetesBanLog log) {
    ActiveBans state =
        log.snapshot(Instant.MAX, ActiveBans.Limits.DEFAULT).orElseGet(ActiveBans::new);
    List<SequencedEvent> events = log.read(state.head() + 1, 1_000);
    while (!events.isEmpty()) {
      events.forEach(state::apply);
      events = log.read(state.head() + 1, 1_000);
    }
    return state;
  }

  private static void compact(KubernetesBanLog log) {
    assertThat(log.compact(SnapshotBytes.of(replay(log)))).isTrue();
    assertThat(log.sweep()).isPositive();
  }

  private static byte[] bytes(ActiveBans state) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    SnapshotBytes.of(state).parts().forEach(out::writeBytes);
    return out.toByteArray();
  }

  @Test
  void start_snapshotAndEvents_isTheWholeLogAndGoesOn() {
    KubernetesBanLog owner = owner();
    append(owner, TestEvents.bans("old", 20));
    compact(owner);
    append(owner, TestEvents.bans("new", 5));
    Following following = new Following(cluster.kubeconfig()).awaitHead(25);
    assertThat(following.replacedAt).containsExactly(25L);
    append(owner, List.of(standing("later")));
    following.awaitHead(26);
    assertThat(following.applied).extracting(SequencedEvent::seq).containsExactly(26L);
    assertThat(bytes(following.follower.bans())).isEqualTo(bytes(replay(owner)));
    assertThat(following.follower.isConnected()).isTrue();
    assertThat(following.follower.age()).isLessThan(PATIENCE);
  }

  @Test
  void start_noLogYet_isSyncedWhenThereIsOne() {
    Following following = new Following(cluster.kubeconfig());
    await().atMost(PATIENCE).until(() -> following.follower.age().toMillis() > 500);
    assertThat(following.follower.isSynced()).isFalse();
    KubernetesBanLog owner = owner();
    append(owner, List.of(standing("first")));
    following.awaitHead(1);
  }

  @Test
  void apiServer_awayWhileTheLogIsCompacted_holdsWhatIsKnownAndConverges() {
    KubernetesBanLog owner = owner();
    append(owner, List.of(standing("first")));
    TcpProxy proxy = opened(cluster.proxy());
    Following following = new Following(cluster.kubeconfig(proxy)).awaitHead(1).watchStanding();
    proxy.loseReplies();
    proxy.cut();
    await().atMost(PATIENCE).until(() -> !following.follower.isConnected());
    append(owner, TestEvents.bans("meanwhile", 30));
    compact(owner);
    append(owner, TestEvents.bans("behind", 3));
    Duration age = following.follower.age();
    await().atMost(PATIENCE).until(() -> following.follower.age().compareTo(age) > 0);
    assertThat(following.follower.isSynced()).isTrue();
    assertThat(following.follower.bans().head()).isEqualTo(1);
    proxy.restore();
    following.awaitHead(34);
    assertThat(bytes(following.follower.bans())).isEqualTo(bytes(replay(owner)));
    await()
        .atMost(PATIENCE)
        .until(() -> following.follower.age().compareTo(Duration.ofSeconds(2)) < 0);
    assertThat(following.missed).hasValue(0);
  }

  @Test
  void log_replacedByAnother_isTakenAsAWholeAtOnce() {
    KubernetesBanLog owner = owner();
    append(owner, List.of(standing("first")));
    append(owner, TestEvents.bans("old", 9));
    Following following = new Following(cluster.kubeconfig()).awaitHead(10).watchStanding();
    owner.close();
    String ignored =
        cluster
            .kubectl()
            .run("delete", "configmaps", "-n", namespace, "-l", "ip-sentry.io/log=guard");
    KubernetesBanLog other = owner();
    append(other, List.of(TestEvents.ban("203.0.113.99", "other"), standing("other")));
    following.awaitHead(2);
    assertThat(following.replacedAt).containsExactly(10L, 2L);
    assertThat(bytes(following.follower.bans())).isEqualTo(bytes(replay(other)));
    assertThat(following.missed).hasValue(0);
  }

  @Test
  void shard_missing_keepsWhoStartsWaitingAndDisturbsNobodyElse() {
    KubernetesBanLog owner = owner();
    append(owner, List.of(standing("first")));
    SnapshotBytes snapshot = SnapshotBytes.of(replay(owner));
    compact(owner);
    Following known = new Following(cluster.kubeconfig()).awaitHead(1).watchStanding();
    String ignored =
        cluster.kubectl().run("delete", "configmap", "-n", namespace, "guard-snapshot-1-0");
    Following started = new Following(cluster.kubeconfig());
    append(owner, TestEvents.bans("later", 2));
    known.awaitHead(3);
    assertThat(started.follower.isSynced()).isFalse();
    assertThat(started.follower.bans().head()).isZero();
    assertThat(owner.compact(snapshot)).isFalse();
    started.awaitHead(3);
    assertThat(started.replacedAt).containsExactly(3L);
    assertThat(known.missed).hasValue(0);
    assertThat(known.replacedAt).containsExactly(1L);
  }

  @Test
  void forgetUpTo_eventsThatWereRead_areNotKept() {
    KubernetesBanLog owner = owner();
    append(owner, TestEvents.bans("some", 3));
    append(owner, TestEvents.bans("more", 3));
    KubernetesBanLog reading =
        opened(
            KubernetesBanLog.openToRead(
                api(cluster.kubeconfig()), "guard", InstantSource.system()));
    assertThat(reading.read(1, 10)).hasSize(6);
    reading.forgetUpTo(4);
    assertThat(reading.read(4, 10)).hasSize(3);
    assertThatThrownBy(() -> reading.read(3, 10)).isInstanceOf(CompactedException.class);
    append(owner, TestEvents.bans("last", 1));
    assertThat(new ArrayList<>(reading.read(7, 10))).hasSize(1);
  }
}
