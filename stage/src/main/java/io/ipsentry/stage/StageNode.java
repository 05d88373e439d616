package io.ipsentry.stage;

import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.cluster.ServerProcess;
import io.ipsentry.testing.cluster.TcpProxy;
import io.ipsentry.testing.kubelet.RuntimeLog;
import io.ipsentry.testing.kubelet.TestKubelet;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * A node: its namespace, the gateway's pod on it, and the kubelet that shows the pod's logs. Safe
 * for any thread.
 */
public final class StageNode {
  private final int number;
  private final StageNetwork network;
  private final TestKubelet kubelet = TestKubelet.start();

  /** The way from the API server to the kubelet, which a partition stops too. */
  private final TcpProxy way =
      TcpProxy.to(new InetSocketAddress(InetAddress.getLoopbackAddress(), kubelet.port()));

  private final Path directory;
  private final RuntimeLog gatewayLog;
  private final RuntimeLog shopLog;
  private final List<ContainerOutput> outputs;
  private final ServerProcess gateway;

  /** Makes the pod; starts no program. */
  StageNode(
      int number,
      StageNetwork network,
      Path directory,
      Duration gatewayPatience,
      InstantSource clock,
      Consumer<LoggedLine> listener) {
    this.number = number;
    this.network = network;
    this.directory = Stage.made(directory);
    String pod = "gateway-" + number;
    gatewayLog = kubelet.log(Release.GATEWAYS, pod, "nginx").forgetful();
    shopLog = kubelet.log(Release.GATEWAYS, pod, "shop").forgetful();
    outputs =
        List.of(
            new ContainerOutput(
                number,
                "nginx",
                directory.resolve("gateway.fifo"),
                lines(),
                gatewayLog,
                clock,
                listener),
            new ContainerOutput(
                number,
                "shop",
                directory.resolve("shop.fifo"),
                directory.resolve("shop.log"),
                shopLog,
                clock,
                listener));
    NetworkNamespace namespace = network.pod("gw" + number, number, 10);
    gateway = Gateway.prepare(number, namespace, gatewayAddress(), directory, gatewayPatience);
  }

  /** 0 and on. */
  public int number() {
    return number;
  }

  /** Its name in the cluster. */
  public String name() {
    return "node-" + number;
  }

  /** Where the world reaches it. */
  public String address() {
    return Addresses.node(number);
  }

  /** The same of the other family. */
  public String address6() {
    return Addresses.node6(number);
  }

  /** Its network namespace. */
  public NetworkNamespace namespace() {
    return network.node(number);
  }

  String gatewayAddress() {
    return Addresses.pod(number, 10);
  }

  String gatewayAddress6() {
    return Addresses.pod6(number, 10);
  }

  /** Every line of the gateway's access log until now, in the format of CRI. */
  public Path lines() {
    return directory.resolve("gateway.log");
  }

  /** nginx. */
  public ServerProcess gateway() {
    return gateway;
  }

  /** The log of the gateway as the kubelet has it; {@link RuntimeLog#rotate} rotates it. */
  public RuntimeLog gatewayLog() {
    return gatewayLog;
  }

  /** The log of the application as the kubelet has it. */
  public RuntimeLog shopLog() {
    return shopLog;
  }

  /** Its objects in the API server. */
  String manifest() {
    return """
    ---
    apiVersion: v1
    kind: Node
    metadata: { name: %1$s }
    spec: { podCIDR: 10.244.%2$d.0/24, podCIDRs: [10.244.%2$d.0/24, "fd00:244:%2$d::/64"] }
    status:
      # The API server goes to the first one for the kubelet, which is not in the node.
      addresses:
        - { type: InternalIP, address: 127.0.0.1 }
        - { type: InternalIP, address: %3$s }
        - { type: ExternalIP, address: %4$s }
        - { type: ExternalIP, address: "%5$s" }
      daemonEndpoints: { kubeletEndpoint: { Port: %6$d } }
    """
            .formatted(
                name(), number, Addresses.nodeWithin(number), address(), address6(), way.port())
        + podManifest();
  }

  /** The pod as it is reported. */
  String podManifest() {
    return """
    ---
    apiVersion: v1
    kind: Pod
    metadata: { name: gateway-%1$d, namespace: %2$s, labels: { app: gateway } }
    spec:
      nodeName: %3$s
      containers: [{ name: nginx, image: nginx }, { name: shop, image: shop }]
    status:
      phase: Running
      podIP: %4$s
      containerStatuses: [%5$s, %6$s]
    """
        .formatted(
            number,
            Release.GATEWAYS,
            name(),
            gatewayAddress(),
            gatewayLog.status("nginx"),
            shopLog.status("shop"));
  }

  /**
   * What the kernel drops of IPv4, as {@code ipset} lists it: {@code 203.0.113.7}, {@code
   * 198.51.100.0/24}.
   */
  public Set<String> kernel() {
    return set("ip-blocker-4");
  }

  /** The same of IPv6: {@code 2001:db8:1:2::/64}. */
  public Set<String> kernel6() {
    return set("ip-blocker-6");
  }

  private Set<String> set(String name) {
    Set<String> members = new TreeSet<>();
    boolean listed = false;
    for (String line : namespace().run("sh", "-c", "ipset list " + name + " || true").split("\n")) {
      if (listed && !line.isBlank()) {
        members.add(line.split(" ")[0]);
      }
      listed |= line.startsWith("Members:");
    }
    return members;
  }

  /** Whether the kernel drops what this address sends. */
  public boolean drops(String address) {
    String set = address.contains(":") ? "ip-blocker-6" : "ip-blocker-4";
    try {
      return !namespace().run("ipset", "test", set, address).isEmpty();
    } catch (IllegalStateException e) {
      // Which is how it says no.
      return false;
    }
  }

  /** Cuts it off from the rest of the cluster. The world outside still reaches it. */
  public void partition() {
    network.cut(number);
    way.stall();
  }

  /** Ends {@link #partition}. */
  public void join() {
    network.join(number);
    way.restore();
  }

  void close() {
    Ending ending = new Ending();
    ending.end(gateway::close);
    outputs.forEach(output -> ending.end(output::close));
    ending.end(kubelet::close);
    ending.end(way::close);
    ending.rethrow();
  }
}
