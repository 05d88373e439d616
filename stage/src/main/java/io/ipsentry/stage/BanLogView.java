package io.ipsentry.stage;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.kubernetes.api.ClusterClients;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.testing.cluster.TestCluster;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The ban log as an onlooker reads it from the API server: opened as by one who may write, for whom
 * what a snapshot covers is there for as long as it is kept; nothing is written. It is opened when
 * it is asked first, and followed from then on: whoever measures is not to share the processor with
 * one more reader. Safe for any thread.
 */
final class BanLogView implements AutoCloseable {
  private final KubernetesClient client;
  private final InstantSource clock;
  private @Nullable KubernetesBanLog opened;

  BanLogView(TestCluster cluster, InstantSource clock) {
    Config config = Config.fromKubeconfig(cluster.kubeconfig().toFile());
    config.setNamespace(Release.NAMESPACE);
    client = ClusterClients.of(config);
    this.clock = clock;
  }

  private synchronized KubernetesBanLog log() {
    KubernetesBanLog log = opened;
    if (log == null) {
      log =
          KubernetesBanLog.open(
              new ClusterConfigMaps(client),
              "ip-sentry",
              "onlooker",
              KubernetesBanLog.Limits.DEFAULT,
              clock);
      opened = log;
    }
    return log;
  }

  /** All events, oldest first. */
  List<SequencedEvent> events() {
    KubernetesBanLog log = log();
    return log.history(log.head() + 1, Integer.MAX_VALUE).reversed();
  }

  /** The events from a number on, as far as they are known here or the API server tells. */
  List<SequencedEvent> events(long from) {
    return log().read(from, Integer.MAX_VALUE);
  }

  /** The newest state that is stored beside the events; empty: none was stored yet. */
  Optional<ActiveBans> stored() {
    return log().snapshot(Instant.MAX, ActiveBans.Limits.DEFAULT);
  }

  /** Their fold. */
  ActiveBans decided() {
    ActiveBans state = new ActiveBans();
    events().forEach(state::apply);
    return state;
  }

  @Override
  public synchronized void close() {
    if (opened != null) {
      opened.close();
    }
    client.close();
  }
}
