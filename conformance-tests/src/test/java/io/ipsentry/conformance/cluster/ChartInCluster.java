package io.ipsentry.conformance.cluster;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBinding;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.ipsentry.conformance.chart.HelmChart;
import io.ipsentry.conformance.chart.RenderedChart;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;

/**
 * A namespace of a test cluster with the identities and rights that the chart gives to the
 * processes of a release, and with its roles for people.
 */
public final class ChartInCluster {
  private static final List<Class<? extends HasMetadata>> RIGHTS =
      List.of(
          ServiceAccount.class,
          Role.class,
          ClusterRole.class,
          RoleBinding.class,
          ClusterRoleBinding.class);

  private final String namespace;
  private final TestCluster cluster;
  private final Kubectl kubectl;
  private final RenderedChart chart;

  private ChartInCluster(TestCluster cluster, String gateways, String more) {
    this.cluster = cluster;
    namespace = cluster.newNamespace();
    kubectl = cluster.kubectl().with("--namespace=" + namespace);
    chart = HelmChart.render(namespace, values(gateways), more);
  }

  /** With the logs of a gateway's pods, and agents beside enforcers. */
  private static String values(String gateways) {
    return """
    preset: ngf
    ngf: { namespace: %s, labelSelector: app=gateway, container: nginx }
    sources: [{ name: sshd, file: /var/log/auth.log, format: sshd, client: peer, reader: agent }]
    """
        .formatted(gateways);
  }

  /**
   * Makes one.
   *
   * @param gateways namespace of the gateway whose logs are read
   */
  static ChartInCluster in(TestCluster cluster, String gateways) {
    return in(cluster, gateways, "{}");
  }

  /**
   * The same with other values.
   *
   * @param more YAML, over the others
   */
  public static ChartInCluster in(TestCluster cluster, String gateways, String more) {
    ChartInCluster release = new ChartInCluster(cluster, gateways, more);
    KubernetesSerialization yaml = new KubernetesSerialization();
    StringBuilder rights = new StringBuilder();
    for (HasMetadata object : release.chart.objects()) {
      if (RIGHTS.stream().anyMatch(type -> type.isInstance(object))) {
        rights.append("---\n").append(yaml.asYaml(object));
      }
    }
    // Each names its own namespace, so none is named on the command line.
    String ignored = cluster.kubectl().feed(rights.toString(), "apply", "-f", "-");
    return release;
  }

  /** What the chart rendered to. */
  RenderedChart chart() {
    return chart;
  }

  /** Acts as the administrator, in the namespace. */
  public Kubectl kubectl() {
    return kubectl;
  }

  /** Its name. */
  public String namespace() {
    return namespace;
  }

  /**
   * Name of a ClusterRole of the chart for people.
   *
   * @param role {@code operator} or {@code viewer}
   */
  String clusterRole(String role) {
    return chart.all(ClusterRole.class).stream()
        .map(each -> each.getMetadata().getName())
        .filter(name -> name.endsWith("-" + role))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no ClusterRole for people: " + role));
  }

  /** A file with a token of one of the identities, in a directory. */
  public Path token(Path directory, String serviceAccount) {
    try {
      return Files.writeString(
          directory.resolve(serviceAccount + ".token"),
          kubectl.run("create", "token", serviceAccount, "--duration=2h").strip());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write a token", e);
    }
  }

  /**
   * A kubeconfig of one of the identities.
   *
   * @param directory it is written to
   */
  public Path kubeconfig(Path directory, String serviceAccount) {
    String token = kubectl.run("create", "token", serviceAccount, "--duration=2h").strip();
    return kubeconfig(directory, serviceAccount, "token: " + token);
  }

  /**
   * A kubeconfig of somebody.
   *
   * @param directory it is written to
   * @param credentials YAML, in one line: what stands below {@code user}
   */
  Path kubeconfig(Path directory, String name, String credentials) {
    try {
      String admin = Files.readString(cluster.kubeconfig());
      return Files.writeString(
          directory.resolve(name + ".kubeconfig"),
          admin
              .replaceAll("token: \\S+", Matcher.quoteReplacement(credentials) + " ")
              .replace("namespace: default", "namespace: " + namespace));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write a kubeconfig", e);
    }
  }
}
