package io.ipsentry.kubernetes.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.config.ClusterStoreConfig.LeaderConfig;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TcpProxy;
import io.ipsentry.testing.cluster.TestCluster;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A connection that the network has forgotten, between our client and the real API server. */
@RequiresCluster
final class ForgottenConnectionIT {
  private static final Duration TIMEOUT = Duration.ofSeconds(2);

  private final TestCluster cluster = TestCluster.shared();

  private ClusterConnection connect(TcpProxy proxy) {
    return ClusterConnection.open(
        new ClusterStoreConfig(
            "edge",
            Optional.of(cluster.newNamespace()),
            Optional.of(cluster.kubeconfig(proxy)),
            Optional.empty(),
            LeaderConfig.DEFAULT));
  }

  private static StoredConfigMap map(String name) {
    return StoredConfigMap.of(name, Map.of(), Map.of("value", "x"), Map.of(), false);
  }

  @Test
  void create_onAForgottenConnection_failsAndTheNextCallTakesAnother() {
    try (TcpProxy proxy = cluster.proxy();
        ClusterConnection first = connect(proxy);
        ClusterConnection connection = first.apart(TIMEOUT)) {
      ConfigMaps maps = connection.configMaps();
      StoredConfigMap before = maps.create(map("before"));
      int connections = proxy.accepted();

      proxy.forget();
      assertThatThrownBy(() -> maps.create(map("lost")))
          .isInstanceOfSatisfying(
              ApiServerException.class,
              e -> assertThat(e.reason()).isEqualTo(ApiServerException.Reason.UNAVAILABLE));

      StoredConfigMap after = maps.create(map("after"));
      assertThat(maps.get("before").map(StoredConfigMap::uid)).contains(before.uid());
      assertThat(maps.get("after").map(StoredConfigMap::uid)).contains(after.uid());
      assertThat(maps.get("lost")).isEmpty();
      assertThat(proxy.accepted()).isGreaterThan(connections);
    }
  }
}
