package io.ipsentry.kubernetes.log;

import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceQuota;
import io.fabric8.kubernetes.api.model.ResourceQuotaBuilder;
import io.fabric8.kubernetes.api.model.ResourceQuotaStatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanHistoryContract;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.CompactedBanLogContract;
import io.ipsentry.banlog.SnapshotBytes;
import io.ipsentry.kubernetes.ClusterClient;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.log.KubernetesBanLog.Limits;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;

/** The contract of the ban log, on a real API server. */
@RequiresCluster
final class KubernetesBanLogIT extends CompactedBanLogContract {
  private static final Limits NO_GRACE =
      new Limits(Duration.ZERO, Limits.DEFAULT.historyAge(), Limits.DEFAULT.historyBytes());

  private final List<KubernetesClient> clients = new ArrayList<>();
  private String namespace = "";

  @AfterEach
  void closeClients() {
    clients.forEach(KubernetesClient::close);
  }

  private KubernetesBanLog open() {
    KubernetesClient client = ClusterClient.of(TestCluster.shared(), namespace);
    clients.add(client);
    return KubernetesBanLog.open(
        new ClusterConfigMaps(client), "guard", "test", NO_GRACE, InstantSource.system());
  }

  @Override
  protected BanLog create() {
    namespace = TestCluster.shared().newNamespace();
    return open();
  }

  @Override
  protected Optional<BanLog> openAgain() {
    return Optional.of(open());
  }

  /** By a quota, whose numbers a controller would keep. */
  @Override
  protected Optional<BanLog> createSmall() {
    BanLog log = create();
    Map<String, Quantity> hard = Map.of("count/configmaps", new Quantity("5"));
    ResourceQuota quota =
        new ResourceQuotaBuilder()
            .withNewMetadata()
            .withName("small")
            .endMetadata()
            .withNewSpec()
            .withHard(hard)
            .endSpec()
            .build();
    KubernetesClient client = clients.getLast();
    ResourceQuota made = client.resource(quota).create();
    made.setStatus(
        new ResourceQuotaStatusBuilder()
            .withHard(hard)
            .withUsed(Map.of("count/configmaps", new Quantity("1")))
            .build());
    ResourceQuota ignored = client.resource(made).updateStatus();
    return Optional.of(log);
  }

  @Override
  protected void compact(BanLog from, long upTo) {
    KubernetesBanLog log = (KubernetesBanLog) from;
    ActiveBans state = new ActiveBans();
    while (state.head() < upTo) {
      for (SequencedEvent event : log.read(state.head() + 1, (int) (upTo - state.head()))) {
        state.apply(event);
      }
    }
    if (!log.compact(SnapshotBytes.of(state)) || log.sweep() == 0) {
      throw new IllegalStateException("nothing was compacted");
    }
  }

  @Nested
  final class History extends BanHistoryContract {
    @Override
    protected BanLog create() {
      return KubernetesBanLogIT.this.create();
    }
  }
}
