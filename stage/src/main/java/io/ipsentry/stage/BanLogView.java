package io.ipsentry.stage;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.kubernetes.api.ClusterClients;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.testing.cluster.TestCluster;
import java.time.InstantSource;
import java.util.List;

/** The ban log as an onlooker reads it from the API server. Safe for any thread. */
final class BanLogView implements AutoCloseable {
  private final KubernetesClient client;
  private final KubernetesBanLog log;

  BanLogView(TestCluster cluster, InstantSource clock) {
    Config config = Config.fromKubeconfig(cluster.kubeconfig().toFile());
    config.setNamespace(Release.NAMESPACE);
    client = ClusterClients.of(config);
    log = KubernetesBanLog.openToRead(new ClusterConfigMaps(client), "ip-sentry", clock);
  }

  /** All events, oldest first. */
  List<SequencedEvent> events() {
    return log.history(log.head() + 1, Integer.MAX_VALUE).reversed();
  }

  /** Their fold. */
  ActiveBans decided() {
    ActiveBans state = new ActiveBans();
    events().forEach(state::apply);
    return state;
  }

  @Override
  public void close() {
    log.close();
    client.close();
  }
}
