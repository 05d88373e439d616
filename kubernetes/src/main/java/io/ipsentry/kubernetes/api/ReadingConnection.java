package io.ipsentry.kubernetes.api;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.config.ClusterStoreConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The API server of a configuration, in the namespace of its log, for a process that only reads.
 * The client's connections and credentials serve it; the client itself, with its model, is not
 * loaded: on every node that is memory. Safe for any thread.
 */
public final class ReadingConnection implements AutoCloseable {
  private static final String DEFAULT_NAMESPACE = "default";

  private final HttpClient http;
  private final ApiRequests requests;

  private ReadingConnection(Config config, String namespace) {
    http = new ApiHttp().newBuilder(config).build();
    requests = new ApiRequests(http, config.getMasterUrl(), namespace);
  }

  /**
   * Finds out where the API server is and who we are; nothing is asked of it yet.
   *
   * <p>By the kubeconfig of the configuration, else {@code $KUBECONFIG}, else {@code
   * ~/.kube/config}, else the service account of the pod.
   *
   * @throws BanLogException permanent, if the kubeconfig cannot be read
   */
  public static ReadingConnection open(ClusterStoreConfig config) {
    Config found = ClusterClients.configured(found(config.kubeconfig()), ClusterClients.TIMEOUT);
    String namespace =
        config
            .namespace()
            .or(() -> Optional.ofNullable(found.getNamespace()).filter(name -> !name.isEmpty()))
            .orElse(DEFAULT_NAMESPACE);
    return new ReadingConnection(found, namespace);
  }

  /**
   * The API server and the credentials of another connection, for another namespace and for answers
   * that go on for long. As for all clients each answer that is read has a TCP connection of its
   * own: a reader that waits holds up its own answer and nothing else. The caller closes it.
   *
   * @param namespace that is asked about
   */
  public static ReadingConnection streams(ClusterConnection connection, String namespace) {
    Config own = new ConfigBuilder(connection.client().getConfiguration()).build();
    return new ReadingConnection(ClusterClients.configured(own, ClusterClients.TIMEOUT), namespace);
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

  /** Questions about the namespace. */
  public ApiRequests requests() {
    return requests;
  }

  /** The ConfigMaps of the namespace; whoever writes is told that he may not. */
  public ConfigMaps configMaps() {
    return new ClusterConfigMaps(
        requests,
        () -> {
          throw new ApiServerException(
              ApiServerException.Reason.FORBIDDEN, "this process only reads", null);
        });
  }

  @Override
  public void close() {
    http.close();
  }
}
