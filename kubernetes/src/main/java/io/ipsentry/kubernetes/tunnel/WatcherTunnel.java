package io.ipsentry.kubernetes.tunnel;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.LocalPortForward;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.kubernetes.api.ClusterClients;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.http.WebSocketHandshakeException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A port of the loopback of this host that leads, through the API server and the kubelet, to the
 * admin API of a ready watcher. Each connection to it is one through the API server, as {@code
 * kubectl port-forward} makes it; that it ends in this pod is proved by the API server's
 * certificate, and by what the API server knows of the pod. Safe for any thread.
 */
public final class WatcherTunnel implements AutoCloseable {
  /** What the chart puts on the pods. */
  private static final String NAME = "app.kubernetes.io/name";

  private static final String COMPONENT = "app.kubernetes.io/component";
  private static final String INSTANCE = "app.kubernetes.io/instance";

  /** Name of the container's port; without one of this name it is {@link #DEFAULT_PORT}. */
  private static final String PORT_NAME = "admin";

  private static final int DEFAULT_PORT = 9004;
  private static final int FORBIDDEN = 403;
  private static final int UNAUTHORIZED = 401;

  private static final Logger logger = LoggerFactory.getLogger(WatcherTunnel.class);

  private final KubernetesClient client;
  private final LocalPortForward forward;
  private final String pod;

  private WatcherTunnel(KubernetesClient client, LocalPortForward forward, String pod) {
    this.client = client;
    this.forward = forward;
    this.pod = pod;
  }

  /**
   * Looks for a watcher and opens a port to it; no connection is made yet.
   *
   * @param leader {@code HOST:PORT} of the one that is taken if it is there; empty: any
   * @throws BanLogException if there is no watcher, or the person may not; the message says what to
   *     do
   */
  public static WatcherTunnel open(
      Kubeconfig kubeconfig, String namespace, String release, Optional<String> leader) {
    KubernetesClient client = ClusterClients.of(kubeconfig.config());
    boolean done = false;
    try {
      Pod pod = ready(pods(client, kubeconfig, namespace, release), namespace, release, leader);
      String name = pod.getMetadata().getName();
      LocalPortForward forward =
          client
              .pods()
              .inNamespace(namespace)
              .withName(name)
              .portForward(port(pod), InetAddress.getLoopbackAddress(), 0);
      done = true;
      return new WatcherTunnel(client, forward, namespace + "/" + name);
    } finally {
      if (!done) {
        client.close();
      }
    }
  }

  private static List<Pod> pods(
      KubernetesClient client, Kubeconfig kubeconfig, String namespace, String release) {
    try {
      return client
          .pods()
          .inNamespace(namespace)
          .withLabels(Map.of(NAME, "ip-sentry", COMPONENT, "watcher", INSTANCE, release))
          .list()
          .getItems();
    } catch (KubernetesClientException e) {
      String server = client.getConfiguration().getMasterUrl();
      throw switch (e.getCode()) {
        case FORBIDDEN ->
            BanLogException.permanent(
                "you may not look for the watcher in the namespace "
                    + namespace
                    + "; you need get and list on pods, and get and create on pods/portforward: "
                    + e.getMessage(),
                e);
        case UNAUTHORIZED ->
            BanLogException.permanent(
                "the cluster of the context "
                    + kubeconfig.context()
                    + " does not know you; log in to it, or name another context with --context",
                e);
        default ->
            BanLogException.transientFailure(
                "the API server " + server + " does not answer: " + why(e), e);
      };
    }
  }

  /** What the network said, which the client wraps in what it was doing. */
  private static String why(KubernetesClientException e) {
    Throwable last = e;
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      switch (cause) {
        case UnresolvedAddressException _, UnknownHostException _ -> {
          return "there is no such host";
        }
        case ConnectException _ -> {
          return "nobody listens there";
        }
        default -> last = cause;
      }
    }
    String told = last.getMessage();
    return told == null || told.isEmpty() ? last.getClass().getSimpleName() : told;
  }

  private static Pod ready(
      List<Pod> pods, String namespace, String release, Optional<String> leader) {
    return pods.stream()
        .filter(WatcherTunnel::isReady)
        .min(
            Comparator.<Pod, Boolean>comparing(
                    pod -> leader.filter(address -> isAt(pod, address)).isEmpty())
                .thenComparing(pod -> pod.getMetadata().getName()))
        .orElseThrow(() ->
            BanLogException.transientFailure(
                "no watcher of the release "
                    + release
                    + " is ready in the namespace "
                    + namespace
                    + " ("
                    + (pods.isEmpty() ? "there is none" : pods.size() + " not ready")
                    + "); name others with --namespace and --release, or see kubectl get pods"));
  }

  private static boolean isAt(Pod pod, String address) {
    String ip = pod.getStatus().getPodIP();
    return ip != null && (address.startsWith(ip + ":") || address.startsWith("[" + ip + "]:"));
  }

  private static boolean isReady(Pod pod) {
    return pod.getMetadata().getDeletionTimestamp() == null
        && pod.getStatus() != null
        && pod.getStatus().getConditions() != null
        && pod.getStatus().getConditions().stream()
            .anyMatch(condition ->
                condition.getType().equals("Ready") && condition.getStatus().equals("True"));
  }

  private static int port(Pod pod) {
    for (Container container : pod.getSpec().getContainers()) {
      for (ContainerPort port : container.getPorts()) {
        if (PORT_NAME.equals(port.getName())) {
          return port.getContainerPort();
        }
      }
    }
    return DEFAULT_PORT;
  }

  /** Namespace and name of the pod, with a slash between. */
  public String pod() {
    return pod;
  }

  /** On the loopback of this host. */
  public int port() {
    return forward.getLocalPort();
  }

  /** The loopback of this host. */
  public InetAddress address() {
    return forward.getLocalAddress();
  }

  /** Why a connection through it failed, for people; empty: none has. */
  public Optional<String> problem() {
    return forward.getServerThrowables().stream()
        .findFirst()
        .map(failure ->
            isForbidden(failure)
                ? "you may not reach the pod "
                    + pod
                    + "; you need get and create on pods/portforward"
                : "the way to the pod " + pod + " is broken: " + failure.getMessage());
  }

  /** What the API server answered in place of opening it. */
  private static boolean isForbidden(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof WebSocketHandshakeException refused
          && refused.getResponse() != null
          && refused.getResponse().statusCode() == FORBIDDEN) {
        return true;
      }
      if (cause instanceof KubernetesClientException client && client.getCode() == FORBIDDEN) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {
    try {
      forward.close();
    } catch (IOException e) {
      // Nothing is left to be said on it.
      logger.atDebug().setCause(e).log("a tunnel did not close well");
    }
    client.close();
  }
}
