package io.ipsentry.conformance.pods;

import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import io.ipsentry.testing.kubelet.KubeletNode;
import io.ipsentry.testing.kubelet.RuntimeLog;
import io.ipsentry.testing.kubelet.TestKubelet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Pods of a gateway in a namespace of its own, on nodes whose kubelets are the test's: what a
 * Deployment and its kubelets would do, done by the test. Safe for any thread.
 */
public final class GatewayPods implements AutoCloseable {
  public static final String SELECTOR = "app=gateway";
  public static final String CONTAINER = "nginx";

  private final String namespace;
  private final Kubectl kubectl;
  private final List<TestKubelet> kubelets = new ArrayList<>();
  private final Map<String, Pod> pods = new ConcurrentHashMap<>();

  private record Pod(TestKubelet kubelet, String node, RuntimeLog log) {}

  /** On so many nodes, in a new namespace. */
  public GatewayPods(TestCluster cluster, int nodes) {
    this(cluster, cluster.newNamespace(), nodes);
  }

  GatewayPods(TestCluster cluster, String namespace, int nodes) {
    this.namespace = namespace;
    kubectl = cluster.kubectl().with("--namespace=" + namespace);
    StringBuilder manifests = new StringBuilder();
    for (int i = 0; i < nodes; i++) {
      TestKubelet kubelet = TestKubelet.start();
      kubelets.add(kubelet);
      manifests.append("---\n").append(KubeletNode.manifest(node(i), kubelet.port()));
    }
    String ignored = kubectl.feed(manifests.toString(), "create", "-f", "-");
  }

  private String node(int number) {
    return namespace + "-node-" + number;
  }

  public String namespace() {
    return namespace;
  }

  List<TestKubelet> kubelets() {
    return kubelets;
  }

  /** Logs of the pods that are there. */
  Map<String, RuntimeLog> logs() {
    Map<String, RuntimeLog> logs = new ConcurrentHashMap<>();
    pods.forEach((name, pod) -> logs.put(name, pod.log()));
    return logs;
  }

  /** What its container writes. */
  public RuntimeLog log(String pod) {
    Pod found = pods.get(pod);
    if (found == null) {
      throw new IllegalArgumentException("no such pod: " + pod);
    }
    return found.log();
  }

  /** Makes pods, one after the other on the nodes, and reports that they run. */
  public void create(List<String> names) {
    StringBuilder manifests = new StringBuilder();
    for (String name : names) {
      int node = pods.size() % kubelets.size();
      TestKubelet kubelet = kubelets.get(node);
      pods.put(name, new Pod(kubelet, node(node), kubelet.log(namespace, name, CONTAINER)));
      manifests.append(manifest(name));
    }
    String ignored = kubectl.feed(manifests.toString(), "create", "-f", "-");
    report(names);
  }

  /** Tells the API server what became of the containers. */
  void report(List<String> names) {
    StringBuilder manifests = new StringBuilder();
    names.forEach(name -> manifests.append(manifest(name)));
    String ignored =
        kubectl.feed(manifests.toString(), "replace", "--subresource=status", "-f", "-");
  }

  /** Ends pods as a kubelet does: the containers, then the report, then the objects. */
  void delete(List<String> names) {
    names.forEach(name -> log(name).stop());
    report(names);
    List<String> command = new ArrayList<>(List.of("delete", "pod"));
    command.addAll(names);
    command.addAll(List.of("--grace-period=0", "--force", "--wait=false"));
    String ignored = kubectl.run(command.toArray(String[]::new));
    for (String name : names) {
      Pod pod = pods.remove(name);
      if (pod != null) {
        pod.kubelet().remove(namespace, name);
      }
    }
  }

  private String manifest(String name) {
    Pod pod = pods.get(name);
    if (pod == null) {
      throw new IllegalArgumentException("no such pod: " + name);
    }
    return """
    ---
    apiVersion: v1
    kind: Pod
    metadata: { name: %1$s, namespace: %2$s, labels: { app: gateway } }
    spec: { nodeName: %3$s, containers: [{ name: %4$s, image: test }] }
    status: { phase: Running, containerStatuses: [%5$s] }
    """
        .formatted(name, namespace, pod.node(), CONTAINER, pod.log().status(CONTAINER));
  }

  @Override
  public void close() {
    kubelets.forEach(TestKubelet::close);
  }
}
