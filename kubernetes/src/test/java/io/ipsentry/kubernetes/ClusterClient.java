package io.ipsentry.kubernetes;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.kubernetes.api.ClusterClients;
import io.ipsentry.testing.cluster.TestCluster;
import java.nio.file.Path;

/** Clients of a {@link TestCluster}, as its administrator. */
public final class ClusterClient {
  private ClusterClient() {}

  /**
   * A client of its own connections, whose default namespace is {@code namespace}; the caller
   * closes it.
   */
  public static KubernetesClient of(TestCluster cluster, String namespace) {
    return of(cluster.kubeconfig(), namespace);
  }

  /** The same through another way to the API server. */
  public static KubernetesClient of(Path kubeconfig, String namespace) {
    Config config = Config.fromKubeconfig(kubeconfig.toFile());
    config.setNamespace(namespace);
    return ClusterClients.of(config);
  }
}
