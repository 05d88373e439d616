package io.ipsentry.testing.kubelet;

/** Leads an API server to a kubelet of this host. */
public final class KubeletNode {
  private KubeletNode() {}

  /** A Node for {@code kubectl create} whose kubelet listens on a port of the loopback. */
  public static String manifest(String name, int port) {
    return """
    apiVersion: v1
    kind: Node
    metadata: { name: %s }
    status:
      addresses: [{ type: InternalIP, address: 127.0.0.1 }]
      daemonEndpoints: { kubeletEndpoint: { Port: %d } }
    """
        .formatted(name, port);
  }
}
