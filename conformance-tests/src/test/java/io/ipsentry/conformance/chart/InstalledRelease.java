package io.ipsentry.conformance.chart;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Matcher;

/** A release of the chart in a namespace of its own of a test cluster. */
final class InstalledRelease {
  private final KubernetesSerialization serialization = new KubernetesSerialization();
  private final TestCluster cluster;
  private final String namespace;
  private final Kubectl kubectl;

  InstalledRelease(TestCluster cluster) {
    this.cluster = cluster;
    namespace = cluster.newNamespace();
    kubectl = cluster.kubectl().with("--namespace=" + namespace);
  }

  String namespace() {
    return namespace;
  }

  /** Acts as the administrator, in the namespace. */
  Kubectl kubectl() {
    return kubectl;
  }

  /** {@code helm upgrade --install} with these values. */
  void upgrade(String... values) {
    HelmChart.upgrade(cluster, namespace, values);
  }

  /** The same with another chart. */
  void upgradeTo(Path chart, String... values) {
    HelmChart.upgrade(chart, cluster, namespace, values);
  }

  <T extends HasMetadata> T get(Class<T> type, String name) {
    String yaml = kubectl.run("get", type.getSimpleName(), name, "-o", "yaml");
    return serialization.unmarshal(yaml, type);
  }

  boolean has(String kind, String name) {
    return kubectl.attempt("get", kind, name).exitCode() == 0;
  }

  /** A document of the configuration. */
  String config(String key) {
    String document = get(ConfigMap.class, "ip-sentry-config").getData().get(key);
    if (document == null) {
      throw new AssertionError("no document " + key);
    }
    return document;
  }

  /**
   * What a pod of a component is given.
   *
   * @param directory for its kubeconfig
   * @param key of its document
   */
  RunningPod.Spec pod(Path directory, String component, String key) {
    String account = "ip-sentry-" + component;
    String token = kubectl.run("create", "token", account, "--duration=2h").strip();
    try {
      Path kubeconfig =
          Files.writeString(
              directory.resolve(account + ".kubeconfig"),
              Files.readString(cluster.kubeconfig())
                  .replaceAll("token: \\S+", "token: " + Matcher.quoteReplacement(token) + " "));
      Secret certificates = get(Secret.class, "ip-sentry-admin-tls");
      if (!component.equals("watcher")) {
        certificates.getData().keySet().retainAll(Set.of("ca.crt"));
      }
      return new RunningPod.Spec(component, config(key), certificates, kubeconfig, token);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write a kubeconfig", e);
    }
  }
}
