package io.ipsentry.enforcer.kernel;

import io.ipsentry.testing.NetworkNamespace;
import java.util.List;

/**
 * A client, a node and a pod on it, in namespaces of their own: the client has an address that is
 * going to be banned and one that is not; what it sends to a port of the node goes to the pod by a
 * DNAT rule such as kube-proxy's, and NAT for what the pod sends is not needed.
 */
final class TestNetwork implements AutoCloseable {
  /** Port of the node's own service. */
  static final int NODE_PORT = 8_080;

  /** Port of the node that is the pod's service. */
  static final int SERVICE_PORT = 30_080;

  /** Port of the service in the pod, which no client names. */
  static final int POD_PORT = 9_090;

  /** Port at the client, to which the node opens connections of its own. */
  static final int CLIENT_PORT = 443;

  /** So long is waited for what must come. */
  static final int PATIENCE_MILLIS = 10_000;

  /** So long is waited to see that nothing comes. */
  static final int SILENCE_MILLIS = 250;

  final NetworkNamespace clientSpace = NetworkNamespace.create("client");
  final NetworkNamespace node = NetworkNamespace.create("node");
  final NetworkNamespace podSpace = NetworkNamespace.create("pod");
  final RunningEndpoint client;
  final RunningEndpoint nodeEndpoint;
  final RunningEndpoint pod;

  /** Addresses of one family. */
  record Addresses(String banned, String other, String node, String pod) {
    static Addresses of(Family family) {
      return family == Family.V4
          ? new Addresses("198.51.100.66", "198.51.100.10", "198.51.100.1", "10.42.0.2")
          : new Addresses("2001:db8:a::66", "2001:db8:a::10", "2001:db8:a::1", "fd42::2");
    }
  }

  TestNetwork() {
    NetworkNamespace.connect(
        "wan",
        clientSpace,
        List.of("198.51.100.10/24", "198.51.100.66/24", "2001:db8:a::10/64", "2001:db8:a::66/64"),
        node,
        List.of("198.51.100.1/24", "2001:db8:a::1/64"));
    NetworkNamespace.connect(
        "cni",
        node,
        List.of("10.42.0.1/24", "fd42::1/64"),
        podSpace,
        List.of("10.42.0.2/24", "fd42::2/64"));
    node.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
    podSpace.run("ip", "route", "add", "default", "via", "10.42.0.1");
    podSpace.run("ip", "-6", "route", "add", "default", "via", "fd42::1");
    // So that the pod can open connections of its own without masquerading.
    clientSpace.run("ip", "route", "add", "10.42.0.0/24", "via", "198.51.100.1");
    clientSpace.run("ip", "-6", "route", "add", "fd42::/64", "via", "2001:db8:a::1");
    for (Family family : Family.values()) {
      Addresses addresses = Addresses.of(family);
      String pod = family == Family.V4 ? addresses.pod() : "[" + addresses.pod() + "]";
      for (String protocol : List.of("tcp", "udp")) {
        node.run(
            family.iptables(),
            "-t",
            "nat",
            "-A",
            "PREROUTING",
            "-d",
            addresses.node(),
            "-p",
            protocol,
            "--dport",
            "" + SERVICE_PORT,
            "-j",
            "DNAT",
            "--to-destination",
            pod + ":" + POD_PORT);
      }
    }
    client = RunningEndpoint.start(clientSpace);
    nodeEndpoint = RunningEndpoint.start(node);
    pod = RunningEndpoint.start(podSpace);
    for (Family family : Family.values()) {
      Addresses addresses = Addresses.of(family);
      client.tell("listen", addresses.banned(), CLIENT_PORT);
      nodeEndpoint.tell("listen", addresses.node(), NODE_PORT);
      pod.tell("listen", addresses.pod(), POD_PORT);
    }
  }

  /** Opens a connection from a client's address to a port of the node, and uses it once. */
  String connect(String name, String from, Addresses addresses, int port, int millis) {
    return client.tell("connect", name, from, addresses.node(), port, millis);
  }

  /** Sends a datagram from a client's address to a port of the node, and waits for the answer. */
  String udp(String from, Addresses addresses, int port, int millis) {
    return client.tell("udp", from, addresses.node(), port, millis);
  }

  /** Uses a connection that is open. */
  String echo(String name, int millis) {
    return client.tell("echo", name, millis);
  }

  @Override
  public void close() {
    client.close();
    nodeEndpoint.close();
    pod.close();
    clientSpace.close();
    node.close();
    podSpace.close();
  }
}
