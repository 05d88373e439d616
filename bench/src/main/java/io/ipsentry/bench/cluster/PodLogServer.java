package io.ipsentry.bench.cluster;

import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import io.ipsentry.testing.kubelet.KubeletNode;
import io.ipsentry.testing.kubelet.RuntimeLog;
import io.ipsentry.testing.kubelet.TestKubelet;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.stream.IntStream;

/**
 * Pods of a gateway whose logs are full: a real API server, and a kubelet of the tests, which gives
 * the lines from memory. Prints the kubeconfig, the namespace and the process of the API server,
 * and stays until its standard input ends. For {@code bench/pod-logs.sh}.
 *
 * <p>Arguments: an empty directory, pods, lines of all together, lines a hit.
 */
final class PodLogServer {
  private PodLogServer() {}

  public static void main(String[] args) throws IOException {
    int pods = Integer.parseInt(args[1]);
    int lines = Integer.parseInt(args[2]);
    int each = Integer.parseInt(args[3]);
    try (TestCluster cluster = TestCluster.start(Path.of(args[0]));
        TestKubelet kubelet = TestKubelet.start()) {
      String namespace = cluster.newNamespace();
      RuntimeLog[] logs =
          IntStream.range(0, pods)
              .mapToObj(i -> kubelet.log(namespace, "gateway-" + i, "nginx"))
              .toArray(RuntimeLog[]::new);
      for (int i = 0; i < lines; i++) {
        logs[i % pods].write(Instant.now(), line(i, i % each == 0));
      }
      Kubectl kubectl = cluster.kubectl().with("--namespace=" + namespace);
      StringBuilder manifests = new StringBuilder(KubeletNode.manifest("node", kubelet.port()));
      for (int i = 0; i < pods; i++) {
        manifests.append(pod(i, logs[i]));
      }
      String created = kubectl.feed(manifests.toString(), "create", "-f", "-");
      String reported =
          kubectl.feed(
              manifests.substring(manifests.indexOf("---")),
              "replace",
              "--subresource=status",
              "-f",
              "-");
      System.err.print(created + reported);
      System.out.println(cluster.kubeconfig() + " " + namespace + " " + cluster.apiServer().pid());
      while (System.in.read() >= 0) {
        // Nothing is said to it; it waits for the end.
      }
    }
  }

  private static String line(int number, boolean hit) {
    return ("203.0.%d.%d - - [26/Nov/2026:10:00:00 +0000] \"GET %s HTTP/1.1\" %d %d \"-\""
            + " \"Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0\"")
        .formatted(
            112 + number % 4,
            number % 256,
            hit ? "/.env" : "/assets/app-" + number % 997 + ".js?v=" + number,
            hit ? 404 : 200,
            number % 9_999);
  }

  private static String pod(int number, RuntimeLog log) {
    return """
    ---
    apiVersion: v1
    kind: Pod
    metadata: { name: gateway-%d, labels: { app: gateway } }
    spec: { nodeName: node, containers: [{ name: nginx, image: test }] }
    status: { phase: Running, containerStatuses: [%s] }
    """
        .formatted(number, log.status("nginx"));
  }
}
