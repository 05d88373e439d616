package io.ipsentry.conformance.chart;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.GatewayDefinitions;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the chart renders, before a real API server, whose admission and validation judge it. */
@RequiresCluster
final class ChartClusterIT {
  /**
   * Kinds of others' controllers, here without a schema: what is in them is only looked at by
   * {@code ChartTest}.
   */
  private static final Map<String, String> FOREIGN_KINDS =
      Map.of(
          "PodMonitor", "monitoring.coreos.com",
          "ServiceMonitor", "monitoring.coreos.com",
          "PrometheusRule", "monitoring.coreos.com",
          "Certificate", "cert-manager.io",
          "Issuer", "cert-manager.io");

  private static final TestCluster CLUSTER = TestCluster.shared();

  /** Takes everything. */
  private static String definition(String kind, String group) {
    return """
    ---
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata: { name: %1$ss.%2$s }
    spec:
      group: %2$s
      scope: Namespaced
      names: { kind: %3$s, plural: %1$ss, singular: %1$s }
      versions:
        - name: v1
          served: true
          storage: true
          schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
    """
        .formatted(kind.toLowerCase(Locale.ROOT), group, kind);
  }

  @BeforeAll
  static void makeWhatOthersBring() {
    GatewayDefinitions.install(CLUSTER);
    StringBuilder definitions = new StringBuilder();
    FOREIGN_KINDS.forEach((kind, group) -> definitions.append(definition(kind, group)));
    for (String namespace :
        List.of("nginx-gateway-fabric", "traefik", "envoy-gateway-system", "ingress-nginx")) {
      definitions.append(
          "---\n{ apiVersion: v1, kind: Namespace, metadata: { name: %s } }\n"
              .formatted(namespace));
    }
    String made =
        CLUSTER.kubectl().feed(definitions.toString(), "apply", "--server-side", "-f", "-");
    assertThat(made).contains("podmonitors");
    String established =
        CLUSTER
            .kubectl()
            .run("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s");
    assertThat(established).contains("condition met");
  }

  @Test
  void objects_ofTheMatrix_areTakenByTheApiServer() {
    String namespace = CLUSTER.newNamespace();
    Map<String, String> matrix = ValuesMatrix.all();
    // Of the presets one: their objects are alike but for a namespace.
    matrix.keySet().removeAll(List.of("traefik", "k3s", "ingress-nginx", "expressions"));
    matrix.forEach((name, values) -> {
      RenderedChart chart = HelmChart.render(namespace, values);
      String taken =
          CLUSTER
              .kubectl()
              .feed(
                  chart.yaml(),
                  "apply",
                  "--server-side",
                  "--dry-run=server",
                  "--validate=strict",
                  "-f",
                  "-");
      assertThat(taken.lines()).as(name).hasSameSizeAs(chart.objects());
      assertThat(chart.objects())
          .as(name)
          .noneMatch(object -> object.getMetadata().getName().endsWith("-blocklist"))
          .filteredOn(Secret.class::isInstance)
          .allMatch(object -> object.getMetadata().getName().endsWith("-admin-tls"));
    });
  }

  /** What people put into their routes by hand. */
  @Test
  void filtersForRoutes_areTakenByTheApiServer() {
    Map<String, String> files =
        HelmChart.render("ip-sentry", ValuesMatrix.ATTACHMENTS)
            .one(ConfigMap.class, "ip-sentry-attach")
            .getData();
    List<String> filters =
        files.entrySet().stream()
            .filter(file -> file.getKey().startsWith("httproute-filter."))
            .map(Map.Entry::getValue)
            .toList();

    assertThat(filters).hasSize(2);
    assertThat(filters)
        .allSatisfy(filter ->
            assertThat(
                    CLUSTER
                        .kubectl()
                        .feed(
                            """
                            apiVersion: gateway.networking.k8s.io/v1
                            kind: HTTPRoute
                            metadata: { name: app, namespace: traefik }
                            spec:
                              parentRefs: [{ name: public }]
                              rules:
                                - filters:
                            """
                                + filter.indent(8),
                            "create",
                            "--dry-run=server",
                            "--validate=strict",
                            "-f",
                            "-"))
                .contains("created"));
  }

  /** A pod as its controller would make it. */
  private static Pod pod(String name, PodTemplateSpec template) {
    return new PodBuilder()
        .withMetadata(new ObjectMetaBuilder(template.getMetadata()).withName(name).build())
        .withSpec(template.getSpec())
        .build();
  }

  private static Kubectl namespaceThatEnforces(String standard) {
    String namespace = CLUSTER.newNamespace();
    String labelled =
        CLUSTER
            .kubectl()
            .run(
                "label",
                "namespace",
                namespace,
                "pod-security.kubernetes.io/enforce=" + standard,
                "pod-security.kubernetes.io/warn=" + standard);
    assertThat(labelled).contains("labeled");
    return CLUSTER.kubectl().with("--namespace=" + namespace);
  }

  @Test
  void pods_ofAllButTheDaemonSet_keepToTheRestrictedStandard() {
    Kubectl restricted = namespaceThatEnforces("restricted");
    Kubectl privileged = namespaceThatEnforces("privileged");
    for (String values : List.of("", ValuesMatrix.ORIGINAL, ValuesMatrix.NODES)) {
      RenderedChart chart = HelmChart.render("ip-sentry", values);
      for (Deployment deployment : chart.all(Deployment.class)) {
        Pod pod = pod("deployed", deployment.getSpec().getTemplate());
        String made =
            restricted.feed(Serialization.asYaml(pod), "create", "--dry-run=server", "-f", "-");
        assertThat(made).contains("created");
      }
      for (DaemonSet daemons : chart.all(DaemonSet.class)) {
        String pod = Serialization.asYaml(pod("daemon", daemons.getSpec().getTemplate()));
        assertThat(privileged.feed(pod, "create", "--dry-run=server", "-f", "-"))
            .contains("created");
      }
    }
    PodTemplateSpec enforcer =
        HelmChart.render("ip-sentry")
            .one(DaemonSet.class, "ip-sentry-enforcer")
            .getSpec()
            .getTemplate();
    assertThat(refusal(restricted, pod("daemon", enforcer)))
        .contains("host namespaces")
        .contains("NET_ADMIN")
        .doesNotContain("allowPrivilegeEscalation")
        .doesNotContain("privileged (container");
  }

  private static String refusal(Kubectl kubectl, Pod pod) {
    try {
      return "taken: "
          + kubectl.feed(Serialization.asYaml(pod), "create", "--dry-run=server", "-f", "-");
    } catch (IllegalStateException e) {
      return String.valueOf(e.getMessage());
    }
  }

  @Test
  void release_installedUpgradedAndRemoved_leavesTheLogAndNothingElse() {
    InstalledRelease release = new InstalledRelease(CLUSTER);
    release.upgrade();
    Secret certificate = release.get(Secret.class, "ip-sentry-admin-tls");
    String log =
        release
            .kubectl()
            .run("create", "configmap", "ip-sentry-log-0000000001", "--from-literal=first=1");
    assertThat(log).contains("created");
    String blocklist = release.kubectl().run("create", "configmap", "ip-sentry-blocklist");
    assertThat(blocklist).contains("created");

    release.upgrade(
        "monitoring: { dashboard: { enabled: true } }\nauthzServer: { enabled: false }");

    assertThat(release.get(Secret.class, "ip-sentry-admin-tls").getData())
        .isEqualTo(certificate.getData());
    assertThat(release.has("configmap", "ip-sentry-dashboard")).isTrue();
    assertThat(release.has("deployment", "ip-sentry-authz-server")).isFalse();

    HelmChart.uninstall(CLUSTER, release.namespace());

    assertThat(release.has("configmap", "ip-sentry-log-0000000001")).isTrue();
    assertThat(release.get(ConfigMap.class, "ip-sentry-blocklist")).isNotNull();
    for (HasMetadata object : HelmChart.render(release.namespace()).objects()) {
      String of = object.getMetadata().getNamespace();
      Kubectl.Outcome outcome =
          CLUSTER
              .kubectl()
              .attempt(
                  "get",
                  object.getKind(),
                  object.getMetadata().getName(),
                  "--namespace=" + (of == null ? "default" : of));
      assertThat(outcome.err()).contains("NotFound");
    }
  }
}
