package io.ipsentry.stage;

import io.ipsentry.testing.NetworkNamespace;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What kube-proxy does with iptables: in each node, connections to a Service's address go to one of
 * its endpoints, those of one gateway to the same ({@code sessionAffinity: ClientIP}), and those to
 * port 80 of the node to the gateway's pod on it, with the client's address kept ({@code
 * externalTrafficPolicy: Local}). Safe for any thread.
 */
final class Services {
  private final List<NetworkNamespace> nodes;
  private final Set<String> authzServers = new LinkedHashSet<>();

  /**
   * Writes the rules.
   *
   * @param gateways addresses of the gateways' pods, two a node
   */
  Services(List<NetworkNamespace> nodes, List<String> gateways) {
    this.nodes = List.copyOf(nodes);
    for (int i = 0; i < nodes.size(); i++) {
      String ignored =
          nodes
              .get(i)
              .run(
                  "sh",
                  "-ec",
                  """
                  iptables-legacy -w -t nat -N SERVICES
                  iptables-legacy -w -t nat -N AUTHZ
                  iptables-legacy -w -t nat -A SERVICES -p tcp -d %1$s --dport 443 -j DNAT --to-destination %2$s:%3$d
                  iptables-legacy -w -t nat -A SERVICES -p tcp -d %4$s --dport 9002 -j AUTHZ
                  iptables-legacy -w -t nat -A SERVICES -p tcp -d %5$s --dport 80 -j DNAT --to-destination %6$s:80
                  iptables-legacy -w -t nat -A PREROUTING -j SERVICES
                  iptables-legacy -w -t nat -A OUTPUT -j SERVICES
                  ip6tables-legacy -w -t nat -A PREROUTING -p tcp -d %7$s --dport 80 -j DNAT --to-destination [%8$s]:80
                  """
                      .formatted(
                          Addresses.API_SERVICE,
                          Addresses.FABRIC,
                          Addresses.API_PORT,
                          Addresses.AUTHZ_SERVICE,
                          Addresses.node(i),
                          gateways.get(2 * i),
                          Addresses.node6(i),
                          gateways.get(2 * i + 1)));
    }
  }

  /** An authz-server is ready: connections may go there. */
  synchronized void add(String authzServer) {
    if (authzServers.add(authzServer)) {
      write();
    }
  }

  /** It is not, or no more. Connections that it has stay. */
  synchronized void remove(String authzServer) {
    if (authzServers.remove(authzServer)) {
      write();
    }
  }

  /** A node has one gateway, so that whatever asks there is one client. */
  private void write() {
    List<String> endpoints = new ArrayList<>(authzServers);
    for (int i = 0; i < nodes.size(); i++) {
      String rule =
          endpoints.isEmpty()
              ? ""
              : "-A AUTHZ -p tcp -j DNAT --to-destination %s:9002\n"
                  .formatted(endpoints.get(i % endpoints.size()));
      String ignored =
          nodes
              .get(i)
              .run(
                  "sh",
                  "-ec",
                  "iptables-legacy-restore -w --noflush <<END\n*nat\n:AUTHZ - [0:0]\n"
                      + rule
                      + "COMMIT\nEND\n");
    }
  }
}
