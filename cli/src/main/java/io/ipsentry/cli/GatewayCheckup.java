package io.ipsentry.cli;

import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.config.Config;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.kubernetes.checkup.ClusterFacts.GatewayService;
import io.ipsentry.kubernetes.checkup.ClusterFacts.Pod;
import io.ipsentry.kubernetes.checkup.ClusterLook;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Looks at the gateways of a cluster: those that sources of the configuration name, and those that
 * are known by their labels; how traffic comes to them, and what they log. For one thread.
 */
final class GatewayCheckup {
  private final ClusterLook look;
  private final List<Part> parts;
  private final int nodes;
  private final Shell shell;
  private final Consumer<Finding> report;
  private final Asked asked;

  /**
   * @param parts what must never be banned in the cluster
   * @param nodes how many there are
   */
  GatewayCheckup(
      ClusterLook look, List<Part> parts, int nodes, Shell shell, Consumer<Finding> report) {
    this.look = look;
    this.parts = parts;
    this.nodes = nodes;
    this.shell = shell;
    this.report = report;
    asked = new Asked(report);
  }

  /** Looks; returns the last requests that were logged. */
  List<LoggedRequest> look(Optional<Config> config) {
    Map<Pod, Optional<SourceConfig>> pods = new LinkedHashMap<>();
    config.ifPresent(known -> PodSources.of(known.sources()).forEach(of -> source(of, pods)));
    Optional<List<Pod>> known =
        asked.of("gateways", look.gateways(), "list pods in all namespaces");
    addKnown(known.orElse(List.of()), pods);
    if (pods.isEmpty() && known.isPresent()) {
      report.accept(
          Finding.warn(
              "gateways",
              "no pod of NGINX Gateway Fabric, Envoy Gateway, Traefik or ingress-nginx was found,"
                  + " and no source names another",
              "nothing to do, if your gateway is another: name its pods as a source"));
    }
    if (pods.isEmpty()) {
      return List.of();
    }
    Optional<List<GatewayService>> services =
        asked.of("gateway services", look.services(List.copyOf(pods.keySet())), "list services");
    services.orElse(List.of()).forEach(this::service);
    GatewayLogCheckup logs = new GatewayLogCheckup(look, parts, shell);
    List<LoggedRequest> logged = new ArrayList<>();
    pods.forEach((pod, source) -> {
      if (pod.ready()) {
        logs.look(pod, config, source, logged).forEach(report);
      }
    });
    return logged;
  }

  /** Pods that a source names. */
  private void source(PodSources.Of of, Map<Pod, Optional<SourceConfig>> pods) {
    String check = "source " + of.source().name();
    Optional<List<Pod>> selected =
        asked.of(
            check,
            look.selected(of.pods().namespace(), of.pods().selector(), of.pods().container()),
            "list pods in " + of.pods().namespace());
    if (selected.isEmpty()) {
      return;
    }
    if (selected.get().isEmpty()) {
      report.accept(
          Finding.warn(
                  check,
                  "it selects no pod: " + of.pods().selector() + " in " + of.pods().namespace(),
                  "see kubectl -n " + of.pods().namespace() + " get pods --show-labels")
              .because("nobody is banned by what they log"));
      return;
    }
    report.accept(
        Finding.ok(check, selected.get().size() + " containers of " + of.pods().namespace()));
    selected.get().forEach(pod -> pods.putIfAbsent(pod, Optional.of(of.source())));
  }

  /** Adds what no source names. */
  private static void addKnown(List<Pod> known, Map<Pod, Optional<SourceConfig>> pods) {
    List<Pod> others =
        known.stream()
            .filter(pod ->
                pods.keySet().stream()
                    .noneMatch(named ->
                        named.name().equals(pod.name())
                            && named.namespace().equals(pod.namespace())))
            .toList();
    others.forEach(pod -> pods.put(pod, Optional.empty()));
  }

  private void service(GatewayService service) {
    String check = "service " + service.namespace() + "/" + service.name();
    long ownNodes = service.pods().stream().map(Pod::node).distinct().count();
    String where = ownNodes + " of " + nodes + " nodes run its gateway";
    if (service.local()) {
      boolean some = nodes > ownNodes;
      report.accept(
          some
              ? Finding.ok(
                  check,
                  "externalTrafficPolicy: Local, so clients' addresses arrive; "
                      + where
                      + ", and only those take traffic: the load balancer must ask"
                      + " healthCheckNodePort, or the gateway run on each node")
              : Finding.ok(check, "externalTrafficPolicy: Local, so clients' addresses arrive"));
      return;
    }
    report.accept(
        Finding.fail(
                check,
                "externalTrafficPolicy: Cluster on a " + service.type(),
                "kubectl -n "
                    + service.namespace()
                    + " patch service "
                    + service.name()
                    + " -p '{\"spec\":{\"externalTrafficPolicy\":\"Local\"}}' ("
                    + where
                    + ": with Local only those take traffic, so run the gateway on each node, or"
                    + " have the load balancer ask healthCheckNodePort); or send the PROXY protocol"
                    + " from the load balancer, and have the gateway read it")
            .because(
                "the kernel writes a node's address in place of the client's: nobody can be"
                    + " banned by it, and packets of banned clients are not known by theirs"));
  }
}
