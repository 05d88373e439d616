package io.ipsentry.kubernetes.protect;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.KubernetesResourceList;
import io.fabric8.kubernetes.api.model.ListOptions;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.LoadBalancerIngress;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeAddress;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.discovery.v1.Endpoint;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection;
import io.ipsentry.kubernetes.api.ApiFailures;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ClusterConnection;
import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The addresses of a cluster that its own traffic comes from or goes to: nodes and their pod
 * networks, cluster addresses and load balancers of services, API servers. Listed in pages, a page
 * in memory at a time. What may not be listed is left out and said once. For one thread at a time.
 */
public final class ClusterAddresses {
  /** Objects of a page; a node is some 15 KiB. */
  private static final long PAGE = 100;

  private static final String API_SERVERS = "kubernetes.io/service-name=kubernetes";
  private static final Logger logger = LoggerFactory.getLogger(ClusterAddresses.class);

  private final KubernetesClient client;
  private final Set<String> forbidden = new HashSet<>();

  /**
   * @param connection stays the caller's to close
   */
  public ClusterAddresses(ClusterConnection connection) {
    this.client = connection.client();
  }

  /**
   * The addresses as they are now, a part for each reason.
   *
   * @throws ApiServerException if the API server fails, but for want of rights
   */
  public List<Part> read() {
    Found found = new Found();
    list("nodes", next -> client.nodes().list(new Page(next).options()), node -> node(node, found));
    list(
        "services",
        next -> client.services().inAnyNamespace().list(new Page(next).options()),
        service -> service(service, found));
    list(
        "endpointslices of the API servers",
        next ->
            client
                .discovery()
                .v1()
                .endpointSlices()
                .inNamespace("default")
                .withLabelSelector(API_SERVERS)
                .list(new Page(next).options()),
        slice -> apiServers(slice, found));
    return found.parts();
  }

  /** What to ask for. */
  private record Page(@Nullable String next) {
    ListOptions options() {
      return new ListOptionsBuilder().withLimit(PAGE).withContinue(next).build();
    }
  }

  @FunctionalInterface
  private interface Lister<T extends HasMetadata> {
    KubernetesResourceList<T> page(@Nullable String next);
  }

  private <T extends HasMetadata> void list(String what, Lister<T> lister, Consumer<T> each) {
    try {
      String next = null;
      do {
        KubernetesResourceList<T> page = lister.page(next);
        page.getItems().forEach(each);
        next = page.getMetadata().getContinue();
      } while (next != null && !next.isEmpty());
      forbidden.remove(what);
    } catch (KubernetesClientException e) {
      ApiServerException failure = ApiFailures.of("list " + what, e);
      if (failure.reason() != Reason.FORBIDDEN) {
        throw failure;
      }
      if (forbidden.add(what)) {
        logger
            .atWarn()
            .addKeyValue("cause", failure.getMessage())
            .log(
                "these addresses of the cluster are not known, and so not protected; let the"
                    + " service account list them, or name them in neverBan");
      }
    }
  }

  private static void node(Node node, Found found) {
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

  private static void service(Service service, Found found) {
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

  private static void apiServers(EndpointSlice slice, Found found) {
    for (Endpoint endpoint :
        Objects.requireNonNullElse(slice.getEndpoints(), List.<Endpoint>of())) {
      endpoint.getAddresses().forEach(address -> found.add("API server", address));
    }
  }

  /** Prefixes by what they are. */
  private static final class Found {
    private final TreeMap<String, List<IpPrefix>> byReason = new TreeMap<>();

    /**
     * Takes an address or a network; {@code None} of a headless service, and names, are neither.
     */
    void add(String what, @Nullable String address) {
      if (address == null || address.isEmpty() || address.equals("None")) {
        return;
      }
      try {
        byReason.computeIfAbsent(what, _ -> new ArrayList<>()).add(IpPrefix.parse(address));
      } catch (InvalidAddressException e) {
        logger.atDebug().addKeyValue("address", address).log("not an address");
      }
    }

    List<Part> parts() {
      List<Part> parts = new ArrayList<>();
      byReason.forEach((what, prefixes) ->
          parts.add(new Part(Protection.Kind.CLUSTER, what, PrefixSet.of(prefixes))));
      return parts;
    }
  }
}
