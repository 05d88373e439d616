package io.ipsentry.kubernetes.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.FeedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.feed.FeedStore;
import io.ipsentry.feed.InvalidFeedException;
import io.ipsentry.kubernetes.ClusterClient;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Feeds in a real API server, and one who follows them. */
@RequiresCluster
final class FeedBlobsIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Instant NOW = Instant.parse("2026-11-26T07:00:00Z");

  private final String namespace = TestCluster.shared().newNamespace();
  private final KubernetesClient client = ClusterClient.of(TestCluster.shared(), namespace);
  private final AtomicLong nanos = new AtomicLong();
  private final FeedBlobs blobs =
      new FeedBlobs(new ClusterConfigMaps(client), "guard", Duration.ofHours(1), nanos::get);

  @AfterEach
  void close() {
    client.close();
  }

  private static PrefixSet scattered(int count, int seed) {
    return PrefixSet.of(
        Arrays.stream(new Random(seed).ints(count).toArray()).mapToObj(IpPrefix::ofV4).toList());
  }

  private List<ConfigMap> stored() {
    return client.configMaps().withLabel("ip-sentry.io/part", "feed").list().getItems();
  }

  private void damage(String name) {
    ConfigMap map = client.configMaps().withName(name).get();
    String other = Objects.requireNonNull(map.getBinaryData().get("prefixes.gz"));
    var ignored = client.configMaps().withName(name).delete();
    map.getMetadata().setResourceVersion(null);
    map.getMetadata().setUid(null);
    map.getBinaryData().put("prefixes.gz", other.substring(0, other.length() / 8 * 4));
    ConfigMap made = client.resource(map).create();
    assertThat(made.getMetadata().getName()).isEqualTo(name);
  }

  private static FeedState announced(long seq, String feed, FeedStore.Stored stored) {
    return new FeedState(
        seq, new BanEvent.Feed(NOW, feed, stored.digest(), stored.entries(), "watcher"));
  }

  @Test
  void put_severalShards_areReadBackAndWrittenOnce() {
    PrefixSet set = scattered(600_000, 1);
    FeedStore.Stored stored = blobs.put("drop-list", set);
    assertThat(stored.entries()).isEqualTo(set.size());
    List<ConfigMap> maps = stored();
    assertThat(maps).hasSizeGreaterThan(2);
    assertThat(maps).allMatch(ConfigMap::getImmutable);
    assertThat(blobs.put("drop-list", set)).isEqualTo(stored);
    assertThat(stored())
        .extracting(map -> map.getMetadata().getUid())
        .containsExactlyElementsOf(maps.stream().map(map -> map.getMetadata().getUid()).toList());
    assertThat(blobs.get("drop-list", stored.digest())).isEqualTo(set);
  }

  @Test
  void put_emptyAndUnfitNames() {
    FeedStore.Stored stored = blobs.put("none", PrefixSet.empty());
    assertThat(blobs.get("none", stored.digest())).isEqualTo(PrefixSet.empty());
    assertThatThrownBy(() -> blobs.put("Not a name", PrefixSet.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a-z 0-9");
  }

  @Test
  void get_missingOrDamagedShard_saysSoAndPutMends() {
    PrefixSet set = scattered(600_000, 2);
    FeedStore.Stored stored = blobs.put("drop-list", set);
    String second = "guard-feed-drop-list-" + stored.digest().substring("sha256:".length()) + "-1";
    damage(second);
    assertThatThrownBy(() -> blobs.get("drop-list", stored.digest()))
        .isInstanceOf(InvalidFeedException.class)
        .hasMessageContaining("drop-list")
        .hasMessageContaining("cannot be used");
    assertThat(blobs.put("drop-list", set)).isEqualTo(stored);
    assertThat(blobs.get("drop-list", stored.digest())).isEqualTo(set);
    var ignored = client.configMaps().withName(second).delete();
    assertThatThrownBy(() -> blobs.get("drop-list", stored.digest()))
        .isInstanceOf(InvalidFeedException.class)
        .hasMessageContaining("shard 1 is missing");
  }

  @Test
  void sweep_contentNoLongerAnnounced_goesAfterTheGrace() {
    FeedStore.Stored old = blobs.put("drop-list", scattered(10, 3));
    FeedStore.Stored now = blobs.put("drop-list", scattered(10, 4));
    List<FeedState> announced = List.of(announced(2, "drop-list", now));
    assertThat(blobs.sweep(announced)).isZero();
    nanos.addAndGet(Duration.ofMinutes(59).toNanos());
    assertThat(blobs.sweep(announced)).isZero();
    nanos.addAndGet(Duration.ofMinutes(2).toNanos());
    assertThat(blobs.sweep(announced)).isEqualTo(1);
    assertThat(blobs.get("drop-list", now.digest()).size()).isEqualTo(10);
    assertThatThrownBy(() -> blobs.get("drop-list", old.digest()))
        .isInstanceOf(InvalidFeedException.class);
  }

  @Test
  void follower_feedsComeChangeAndGo_hasThemAndKeepsTheOldWhileTheNewIsDamaged() {
    List<FeedPrefixes> shown = new CopyOnWriteArrayList<>();
    ActiveBans state = new ActiveBans();
    PrefixSet first = scattered(1_000, 5);
    PrefixSet second = scattered(600_000, 6);
    try (FeedFollower follower =
        new FeedFollower(
                new FeedFollower.Parts(
                    blobs::get, shown::add, Duration.ZERO, System::nanoTime, new Random(1)))
            .start()) {
      announce(state, follower, "drop-list", blobs.put("drop-list", first));
      await().atMost(PATIENCE).until(follower::isSettled);
      assertThat(follower.feeds().all()).isEqualTo(first);
      FeedStore.Stored stored = blobs.put("drop-list", second);
      damage("guard-feed-drop-list-" + stored.digest().substring("sha256:".length()) + "-2");
      announce(state, follower, "drop-list", stored);
      await().atMost(PATIENCE).until(() -> follower.problems().containsKey("drop-list"));
      assertThat(follower.feeds().all()).isEqualTo(first);
      assertThat(blobs.put("drop-list", second)).isEqualTo(stored);
      await().atMost(PATIENCE).until(() -> follower.feeds().all().equals(second));
      await().atMost(PATIENCE).until(() -> follower.problems().isEmpty());
      announce(state, follower, "drop-list", new FeedStore.Stored("gone", 0));
      await().atMost(PATIENCE).until(() -> follower.feeds().all().isEmpty());
    }
    assertThat(shown).hasSize(3);
  }

  private static void announce(
      ActiveBans state, FeedFollower follower, String feed, FeedStore.Stored stored) {
    BanEvent event = announced(state.head() + 1, feed, stored).feed();
    state.apply(new SequencedEvent(state.head() + 1, event));
    follower.applied(event, state);
  }
}
