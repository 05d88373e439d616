package io.ipsentry.kubernetes.api;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.config.ClusterStoreConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * The API server of a configuration, in the namespace of its log. What a process opens on it shares
 * its connections. Safe for any thread.
 */
public final class ClusterConnection implements AutoCloseable {
  private static final String DEFAULT_NAMESPACE = "default";

  private final KubernetesClient client;

  private ClusterConnection(KubernetesClient client) {
    this.client = client;
  }

  /**
   * Finds out where the API server is and who we are; nothing is asked of it yet.
   *
   * <p>By the kubeconfig of the configuration, else {@code $KUBECONFIG}, else {@code
   * ~/.kube/config}, else the service account of the pod.
   *
   * @throws BanLogException permanent, if the kubeconfig cannot be read
   */
  public static ClusterConnection open(ClusterStoreConfig config) {
    Config found = found(config.kubeconfig());
    String namespace =
        config
            .namespace()
            .or(() -> Optional.ofNullable(found.getNamespace()).filter(name -> !name.isEmpty()))
            .orElse(DEFAULT_NAMESPACE);
    found.setNamespace(namespace);
    return new ClusterConnection(ClusterClients.of(found));
  }

  private static Config found(Optional<Path> kubeconfig) {
    if (kubeconfig.isEmpty()) {
      return Config.autoConfigure(null);
    }
    Path file = kubeconfig.get();
    if (!Files.isReadable(file)) {
      throw BanLogException.permanent(
          "the kubeconfig " + file + " cannot be read; check store.kubernetes.kubeconfig");
    }
    try {
      return Config.fromKubeconfig(file.toFile());
    } catch (KubernetesClientException | IllegalArgumentException e) {
      throw BanLogException.permanent(
          "the kubeconfig " + file + " is of no use: " + e.getMessage(), e);
    }
  }

  /**
   * The same API server by connections of its own, for requests that must not wait behind others;
   * the caller closes it.
   *
   * @param timeout how long an answer is waited for
   */
  public ClusterConnection apart(Duration timeout) {
    Config config = new ConfigBuilder(client.getConfiguration()).build();
    return new ClusterConnection(ClusterClients.of(config, timeout));
  }

  /** Where the log is. */
  public String namespace() {
    return client.getNamespace();
  }

  /** Address of the API server, for people. */
  public String server() {
    return client.getConfiguration().getMasterUrl();
  }

  /** The ConfigMaps of the namespace. */
  public ConfigMaps configMaps() {
    return new ClusterConfigMaps(client);
  }

  /** For this module; stays this connection's to close. */
  public KubernetesClient client() {
    return client;
  }

  @Override
  public void close() {
    client.close();
  }
}
