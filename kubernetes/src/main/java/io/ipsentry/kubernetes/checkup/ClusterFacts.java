package io.ipsentry.kubernetes.checkup;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Facts of a cluster, without the client's types. */
public final class ClusterFacts {
  private ClusterFacts() {}

  /**
   * The API server.
   *
   * @param ahead how far its clock is before ours, whole seconds; negative: behind
   */
  public record Server(String version, Duration ahead) {}

  /**
   * A pod.
   *
   * @param component label {@code app.kubernetes.io/component}; empty: it has none
   * @param container the one that logs
   * @param restarts of all containers
   * @param metricsPort where it tells its metrics
   */
  public record Pod(
      String namespace,
      String name,
      String component,
      String node,
      String serviceAccount,
      String container,
      boolean ready,
      int restarts,
      int metricsPort,
      Map<String, String> labels) {
    /** Copies the labels. */
    public Pod {
      labels = Map.copyOf(labels);
    }
  }

  /**
   * The Lease of the watchers.
   *
   * @param holder empty: nobody leads
   * @param age since it was renewed, by our clock put right by the API server's
   * @param length for which it holds
   * @param address where the leader is reached; empty: it does not say
   */
  public record Lease(String holder, Duration age, Duration length, Optional<String> address) {}

  /**
   * A Service that brings traffic from outside to a gateway.
   *
   * @param type {@code LoadBalancer} or {@code NodePort}
   * @param local whether {@code externalTrafficPolicy} is {@code Local}
   * @param pods of the gateway that it leads to
   */
  public record GatewayService(
      String namespace, String name, String type, boolean local, List<Pod> pods) {
    /** Copies the pods. */
    public GatewayService {
      pods = List.copyOf(pods);
    }
  }
}
