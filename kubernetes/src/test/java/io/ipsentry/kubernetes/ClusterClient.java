package io.ipsentry.kubernetes;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.ipsentry.testing.cluster.TestCluster;

/** Clients of a {@link TestCluster}, as its administrator. */
final class ClusterClient {
  private ClusterClient() {}

  /**
   * A client of its own connections, whose default namespace is {@code namespace}; the caller
   * closes it.
   */
  static KubernetesClient of(TestCluster cluster, String namespace) {
    Config config = Config.fromKubeconfig(cluster.kubeconfig().toFile());
    config.setNamespace(namespace);
    return new KubernetesClientBuilder().withConfig(config).build();
  }
}
