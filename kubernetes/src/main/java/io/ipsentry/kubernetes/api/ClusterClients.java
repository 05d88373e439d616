package io.ipsentry.kubernetes.api;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.time.Duration;

/** Makes clients of the API server that do as the ban log needs it. Stateless. */
public final class ClusterClients {
  /** Longer than the API server takes for anything that we ask for. */
  static final Duration TIMEOUT = Duration.ofSeconds(10);

  private ClusterClients() {}

  /**
   * A client; the caller closes it.
   *
   * @param config where the API server is and who we are; changed here
   */
  public static KubernetesClient of(Config config) {
    return of(config, TIMEOUT);
  }

  /**
   * A client that waits for an answer for so long; the caller closes it.
   *
   * @param config where the API server is and who we are; changed here
   */
  static KubernetesClient of(Config config, Duration timeout) {
    return new KubernetesClientBuilder()
        .withConfig(configured(config, timeout))
        .withHttpClientFactory(new ApiHttp())
        .build();
  }

  /** What we set of a configuration, which is changed here. */
  static Config configured(Config config, Duration timeout) {
    // Whoever writes must know which attempt failed, and tries again by himself.
    config.setRequestRetryBackoffLimit(0);
    config.setRequestTimeout((int) timeout.toMillis());
    config.setConnectionTimeout((int) timeout.toMillis());
    // A watch that was cut is taken up again by those who follow, who then know of it, and with
    // jitter.
    config.setWatchReconnectLimit(0);
    // By HTTP/2 all requests would go over one connection, and go on doing so after it timed out:
    // one
    // that a network forgot, or that waits longer and longer to send again what was lost on it,
    // would
    // be asked for minutes. One by HTTP/1.1 is closed with the request that times out on it.
    config.setHttp2Disable(true);
    config.setUserAgent("ip-sentry");
    return config;
  }
}
