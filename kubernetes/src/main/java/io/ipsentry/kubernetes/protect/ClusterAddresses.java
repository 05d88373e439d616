package io.ipsentry.kubernetes.protect;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.KubernetesResourceList;
import io.fabric8.kubernetes.api.model.LoadBalancerIngress;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeAddress;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.discovery.v1.Endpoint;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.FilterWatchListDeletable;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.kubernetes.api.ApiFailures;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ClusterConnection;
import io.ipsentry.kubernetes.api.ObjectWatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The addresses of a cluster that its own traffic comes from or goes to: nodes and their pod
 * networks, cluster addresses and load balancers of services, addresses of Gateways (where the
 * Gateway API is installed), API servers. What may not be listed is left out and said once. Safe
 * for any thread.
 */
public final class ClusterAddresses {
  private static final int NOT_FOUND = 404;
  private static final String API_SERVERS = "kubernetes.io/service-name=kubernetes";
  private static final ResourceDefinitionContext GATEWAYS =
      new ResourceDefinitionContext.Builder()
          .withGroup("gateway.networking.k8s.io")
          .withVersion("v1")
          .withKind("Gateway")
          .withPlural("gateways")
          .withNamespaced(true)
          .build();
  private static final Logger logger = LoggerFactory.getLogger(ClusterAddresses.class);

  private final List<ObjectWatch.Kind<?, FoundAddresses>> kinds;
  private final Set<String> forbidden = ConcurrentHashMap.newKeySet();

  /**
   * @param connection stays the caller's to close
   */
  public ClusterAddresses(ClusterConnection connection) {
    KubernetesClient client = connection.client();
    kinds =
        List.of(
            kind("nodes", true, client.nodes(), ClusterAddresses::node),
            kind("services", true, client.services().inAnyNamespace(), ClusterAddresses::service),
            kind(
                "endpointslices of the API servers",
                true,
                client
                    .discovery()
                    .v1()
                    .endpointSlices()
                    .inNamespace("default")
                    .withLabelSelector(API_SERVERS),
                ClusterAddresses::apiServers),
            kind(
                "gateways of the Gateway API",
                false,
                client.genericKubernetesResources(GATEWAYS).inAnyNamespace(),
                ClusterAddresses::gateway));
  }

  private static <T extends HasMetadata, L extends KubernetesResourceList<T>>
      ObjectWatch.Kind<T, FoundAddresses> kind(
          String what,
          boolean needed,
          FilterWatchListDeletable<T, L, ?> objects,
          BiConsumer<T, FoundAddresses> extract) {
    return new ObjectWatch.Kind<>(
        what,
        needed,
        "so their addresses are not protected; let the service account list and watch them, or"
            + " name them in neverBan",
        ObjectWatch.Source.of(objects),
        object -> {
          FoundAddresses found = new FoundAddresses();
          extract.accept(object, found);
          return found;
        });
  }

  /**
   * The addresses as they are now, a part for each reason.
   *
   * @throws ApiServerException if the API server fails, but for want of rights
   */
  public List<Part> read() {
    FoundAddresses found = new FoundAddresses();
    kinds.forEach(kind -> list(kind, found));
    return found.parts();
  }

  private <T extends HasMetadata> void list(
      ObjectWatch.Kind<T, FoundAddresses> kind, FoundAddresses found) {
    try {
      String ignored = ObjectWatch.list(kind, (_, addresses) -> found.addAll(addresses));
      forbidden.remove(kind.what());
    } catch (KubernetesClientException e) {
      ApiServerException failure = ApiFailures.of("list " + kind.what(), e);
      if (e.getCode() == NOT_FOUND && !kind.needed()) {
        return;
      }
      if (failure.reason() != Reason.FORBIDDEN) {
        throw failure;
      }
      if (forbidden.add(kind.what())) {
        logger
            .atWarn()
            .addKeyValue("cause", failure.getMessage())
            .log(
                "these addresses of the cluster are not known, and so not protected; let the"
                    + " service account list and watch them, or name them in neverBan");
      }
    }
  }

  /** Begins to follow them. */
  public Following follow() {
    return new Following(kinds);
  }

  /** The addresses, followed by watches. Safe for any thread. */
  public static final class Following implements AutoCloseable {
    private final List<ObjectWatch<?, FoundAddresses>> watches = new ArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition told = lock.newCondition();
    private boolean news;

    private Following(List<ObjectWatch.Kind<?, FoundAddresses>> kinds) {
      kinds.forEach(kind -> watches.add(new ObjectWatch<>(kind, this::changed)));
      watches.forEach(ObjectWatch::start);
    }

    /** Ends a wait of {@link #await}. */
    void wake() {
      changed();
    }

    private void changed() {
      lock.lock();
      try {
        news = true;
        told.signalAll();
      } finally {
        lock.unlock();
      }
    }

    /**
     * Waits for a change, or for the first listing.
     *
     * @return all addresses; empty: nothing came in time, or not all kinds were listed yet
     */
    public Optional<List<Part>> await(Duration patience) throws InterruptedException {
      lock.lock();
      try {
        long left = patience.toNanos();
        while (!news && left > 0) {
          left = told.awaitNanos(left);
        }
        if (!news || !watches.stream().allMatch(ObjectWatch::isSettled)) {
          return Optional.empty();
        }
        news = false;
      } finally {
        lock.unlock();
      }
      FoundAddresses all = new FoundAddresses();
      watches.forEach(watch -> watch.values().forEach(all::addAll));
      return Optional.of(all.parts());
    }

    @Override
    public void close() {
      watches.forEach(ObjectWatch::close);
    }
  }

  private static void node(Node node, FoundAddresses found) {
    if (node.getStatus() != null) {
      for (NodeAddress address : node.getStatus().getAddresses()) {
        // Names are not looked up.
        if (String.valueOf(address.getType()).endsWith("IP")) {
          found.add("node", address.getAddress());
        }
      }
    }
    if (node.getSpec() != null) {
      node.getSpec().getPodCIDRs().forEach(network -> found.add("pod network", network));
      found.add("pod network", node.getSpec().getPodCIDR());
    }
  }

  private static void service(Service service, FoundAddresses found) {
    if (service.getSpec() != null) {
      service.getSpec().getClusterIPs().forEach(address -> found.add("service", address));
      found.add("service", service.getSpec().getClusterIP());
    }
    // Not externalIPs: whoever may make a Service could keep any address from being banned.
    if (service.getStatus() != null && service.getStatus().getLoadBalancer() != null) {
      for (LoadBalancerIngress ingress : service.getStatus().getLoadBalancer().getIngress()) {
        found.add("load balancer", ingress.getIp());
      }
    }
  }

  private static void apiServers(EndpointSlice slice, FoundAddresses found) {
    for (Endpoint endpoint :
        Objects.requireNonNullElse(slice.getEndpoints(), List.<Endpoint>of())) {
      endpoint.getAddresses().forEach(address -> found.add("API server", address));
    }
  }

  /** Of its status, which its controller writes: not what somebody asks for in its spec. */
  private static void gateway(GenericKubernetesResource gateway, FoundAddresses found) {
    List<Map<String, Object>> addresses =
        Objects.requireNonNullElse(gateway.get("status", "addresses"), List.of());
    addresses.forEach(address -> found.add("gateway", String.valueOf(address.get("value"))));
  }
}
