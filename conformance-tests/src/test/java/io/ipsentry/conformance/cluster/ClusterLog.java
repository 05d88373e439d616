package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.SnapshotBytes;
import io.ipsentry.feed.FeedStore;
import io.ipsentry.kubernetes.api.ClusterClients;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.feed.FeedBlobs;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import io.ipsentry.testing.cluster.TestCluster;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;

/** The log of a release in a cluster, as a test writes it. */
public final class ClusterLog implements AutoCloseable {
  /** More than any test makes. */
  private static final int MAX_EVENTS = 1_000;

  private final String namespace;
  private final String release;
  private final TestCluster cluster;
  private final KubernetesClient client;
  private final ConfigMaps api;
  private final KubernetesBanLog log;

  /** Of a release in a namespace of its own. */
  ClusterLog(TestCluster cluster) {
    this(cluster, cluster.newNamespace(), "guard");
  }

  /** Of a release in a namespace. */
  public ClusterLog(TestCluster cluster, String namespace, String release) {
    this.cluster = cluster;
    this.namespace = namespace;
    this.release = release;
    Config config = Config.fromKubeconfig(cluster.kubeconfig().toFile());
    config.setNamespace(namespace);
    client = ClusterClients.of(config);
    api = new ClusterConfigMaps(client);
    log =
        KubernetesBanLog.open(
            api, release, "test", KubernetesBanLog.Limits.DEFAULT, InstantSource.system());
  }

  /** The section of a configuration that names it. */
  String config() {
    return """
    store: { kubernetes: { release: %s, namespace: %s, kubeconfig: %s } }
    """
        .formatted(release, namespace, cluster.kubeconfig());
  }

  /** Appends a ban for an hour, as a rule makes one of a packet's source. */
  public void ban(String ip) {
    Instant now = Instant.now();
    append(
        new BanEvent.Ban(
            now,
            IpPrefix.parse(ip),
            now.plus(Duration.ofHours(1)),
            "probing",
            "test",
            3,
            SeenAs.PEER,
            "watcher",
            1,
            null,
            null));
  }

  void unban(String ip) {
    append(new BanEvent.Unban(Instant.now(), IpPrefix.parse(ip), "test", "test"));
  }

  /** Gives a feed these prefixes. */
  public void feed(String name, String... prefixes) {
    FeedStore.Stored stored =
        new FeedBlobs(api, release, Duration.ofHours(1), System::nanoTime)
            .put(name, PrefixSet.parse(prefixes));
    append(new BanEvent.Feed(Instant.now(), name, stored.digest(), stored.entries(), "test"));
  }

  /** Stores a snapshot. What is older stays, until somebody who leads deletes it. */
  void compact() {
    ActiveBans state =
        log.snapshot(Instant.MAX, ActiveBans.Limits.DEFAULT).orElseGet(ActiveBans::new);
    log.read(state.head() + 1, MAX_EVENTS).forEach(state::apply);
    assertThat(log.compact(SnapshotBytes.of(state))).isTrue();
  }

  private void append(BanEvent event) {
    long head = log.head();
    assertThat(log.append(head, List.of(event))).isEqualTo(new AppendResult.Appended(head + 1));
  }

  @Override
  public void close() {
    log.close();
    client.close();
  }
}
