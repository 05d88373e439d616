package io.ipsentry.stage;

import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.Uninterrupted;
import java.util.ArrayList;
import java.util.List;

/**
 * The namespaces and cables: the world outside, the network of the cluster ({@code fabric}), the
 * nodes between them, and pods at nodes.
 *
 * <p>A node has a cable to each network, {@code outN} and {@code netN}, and forwards between them
 * and its pods. Addresses are routed one by one, as many network plugins do, so there is no bridge.
 * Confined to one thread, but for {@link #cut} and {@link #join}.
 */
final class StageNetwork implements AutoCloseable {
  private static final String FORWARDING =
      """
      echo 1 >/proc/sys/net/ipv4/ip_forward
      echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
      """;

  private final List<NetworkNamespace> all = new ArrayList<>();
  private final List<NetworkNamespace> nodes = new ArrayList<>();
  private final NetworkNamespace outside;
  private final NetworkNamespace fabric;

  /** Makes everything but pods. */
  StageNetwork(int numberOfNodes) {
    try {
      outside = create("outside");
      fabric = create("fabric");
      for (int i = 0; i < numberOfNodes; i++) {
        nodes.add(create("node" + i));
      }
      shell(fabric, FORWARDING);
      // Whatever address somebody outside takes is his.
      StringBuilder world = new StringBuilder("echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind\n");
      for (String network : Addresses.WORLD) {
        world.append("ip route add local ").append(network).append(" dev lo\n");
      }
      world.append("ip -6 route add local ").append(Addresses.WORLD6).append(" dev lo\n");
      shell(outside, world.toString());
      for (int i = 0; i < numberOfNodes; i++) {
        connect(i);
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private NetworkNamespace create(String purpose) {
    NetworkNamespace made = NetworkNamespace.create(purpose);
    all.add(made);
    return made;
  }

  private static void shell(NetworkNamespace namespace, String script) {
    String ignored = namespace.run("sh", "-ec", script);
  }

  private void connect(int i) {
    NetworkNamespace node = nodes.get(i);
    String out = "out" + i;
    String net = "net" + i;
    NetworkNamespace.connect(
        out,
        node,
        List.of(Addresses.node(i) + "/32", Addresses.node6(i) + "/128"),
        outside,
        List.of(Addresses.OUTSIDE + "/32", Addresses.OUTSIDE6 + "/128"));
    NetworkNamespace.connect(
        net,
        node,
        List.of(Addresses.nodeWithin(i) + "/32"),
        fabric,
        List.of(Addresses.FABRIC + "/32"));
    shell(
        outside,
        """
        ip route add %1$s/32 dev %3$s
        ip -6 route add %2$s/128 dev %3$s
        """
            .formatted(Addresses.node(i), Addresses.node6(i), out));
    shell(
        fabric,
        """
        ip route add %1$s/32 dev %2$s
        ip route add 10.244.%3$d.0/24 via %1$s dev %2$s onlink
        """
            .formatted(Addresses.nodeWithin(i), net, i));
    shell(
        node,
        FORWARDING
            + """
            ip route add %1$s/32 dev %2$s
            ip route add default via %1$s dev %2$s
            ip -6 route add %3$s/128 dev %2$s
            ip -6 route add default via %3$s dev %2$s
            ip route add %4$s/32 dev %5$s
            ip route add %6$s via %4$s dev %5$s
            ip route add %7$s via %4$s dev %5$s
            ip route add %8$s/32 via %4$s dev %5$s
            ip route add unreachable %9$s
            """
                .formatted(
                    Addresses.OUTSIDE,
                    out,
                    Addresses.OUTSIDE6,
                    Addresses.FABRIC,
                    net,
                    Addresses.FABRIC_NETWORK,
                    Addresses.PODS,
                    Addresses.API_SERVICE,
                    Addresses.SERVICES));
  }

  /**
   * Makes a pod's namespace and its cable to a node.
   *
   * @param device of both ends
   * @param number 2 to 254: its address within those of the node
   */
  NetworkNamespace pod(String device, int node, int number) {
    NetworkNamespace pod = create(device);
    NetworkNamespace.connect(
        device,
        nodes.get(node),
        List.of(Addresses.pod(node, 1) + "/32", Addresses.pod6(node, 1) + "/128"),
        pod,
        List.of(Addresses.pod(node, number) + "/32", Addresses.pod6(node, number) + "/128"));
    shell(
        nodes.get(node),
        """
        ip route add %1$s/32 dev %3$s
        ip -6 route add %2$s/128 dev %3$s
        """
            .formatted(Addresses.pod(node, number), Addresses.pod6(node, number), device));
    shell(
        pod,
        """
        ip route add %1$s/32 dev %3$s
        ip route add default via %1$s dev %3$s
        ip -6 route add %2$s/128 dev %3$s
        ip -6 route add default via %2$s dev %3$s
        """
            .formatted(Addresses.pod(node, 1), Addresses.pod6(node, 1), device));
    return pod;
  }

  NetworkNamespace outside() {
    return outside;
  }

  NetworkNamespace fabric() {
    return fabric;
  }

  NetworkNamespace node(int number) {
    return nodes.get(number);
  }

  /** From now on nothing passes between a node, its pods, and the rest of the cluster. */
  synchronized void cut(int node) {
    partition("-I", node);
  }

  /** The cable is whole again. */
  synchronized void join(int node) {
    partition("-D", node);
  }

  private void partition(String change, int node) {
    String net = "net" + node;
    shell(
        fabric,
        """
        iptables-legacy -w -t raw %1$s PREROUTING -i %2$s -j DROP
        iptables-legacy -w %1$s FORWARD -o %2$s -j DROP
        iptables-legacy -w %1$s OUTPUT -o %2$s -j DROP
        """
            .formatted(change, net));
  }

  @Override
  public void close() {
    Ending ending = new Ending();
    all.reversed().forEach(namespace -> ending.end(() -> Uninterrupted.run(namespace::close)));
    all.clear();
    ending.rethrow();
  }
}
