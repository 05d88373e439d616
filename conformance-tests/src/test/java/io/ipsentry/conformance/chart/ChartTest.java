package io.ipsentry.conformance.chart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.marcnuri.helm.LintResult;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.TopologySpreadConstraint;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the chart renders to, by Helm itself, without a cluster. */
final class ChartTest {
  private static final String NAMESPACE = "ip-sentry";
  private static final RenderedChart DEFAULTS = render();

  private static RenderedChart render(String... values) {
    return HelmChart.render(NAMESPACE, values);
  }

  @Test
  void lint_strict_findsNothing() {
    LintResult result = HelmChart.lint();
    assertThat(result.isFailed()).as("%s", result.getMessages()).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          wathcer: {}                                          | wathcer
          watcher: { treshold: 3 }                             | treshold
          watcher: { threshold: 0 }                            | threshold
          watcher: { resources: { limits: { memroy: 1Gi } } }  | memroy
          watcher: { securityContext: { privilleged: true } }  | privilleged
          enforcer: { intervalSeconds: 30s }                   | intervalSeconds
          authzServer: { autoscaling: { min: 2 } }             | min
          ngf: { labelselector: a=b }                          | labelselector
          preset: nginx                                        | ngf
          config: { neverban: [] }                             | neverban
          monitoring: { podMonitor: { enabled: yess } }        | podMonitor/enabled
          networkPolicy: { egress: { apiServerPorts: [0] } }   | apiServerPorts
          """)
  void values_withATypo_areRefusedByName(String values, String named) {
    assertThatThrownBy(() -> render(values))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("schema")
        .hasMessageContaining(named);
  }

  @Test
  void services_sayWhatIsSpokenThere() {
    assertThat(ports(DEFAULTS)).containsExactly("grpc 9001 kubernetes.io/h2c", "http 9002 http");
    assertThat(ports(render("authzServer: { tls: { existingSecret: gateways } }")))
        .containsExactly("grpc 9001 https", "http 9002 https");
    assertThat(ports(render("config: { authz: { listen: null } }")))
        .containsExactly("http 9002 http");
  }

  private static List<String> ports(RenderedChart chart) {
    return chart.one(Service.class, "ip-sentry-authz-server").getSpec().getPorts().stream()
        .map(port -> port.getName() + " " + port.getPort() + " " + port.getAppProtocol())
        .toList();
  }

  @Test
  void authzServer_isSpreadScaledAndKeptFromBeingDrained() {
    Deployment server = DEFAULTS.one(Deployment.class, "ip-sentry-authz-server");
    assertThat(server.getSpec().getReplicas()).isNull();
    assertThat(server.getSpec().getTemplate().getSpec().getTopologySpreadConstraints())
        .extracting(TopologySpreadConstraint::getTopologyKey)
        .containsExactly("kubernetes.io/hostname", "topology.kubernetes.io/zone");
    assertThat(DEFAULTS.find(HorizontalPodAutoscaler.class, "ip-sentry-authz-server")).isPresent();
    assertThat(DEFAULTS.find(PodDisruptionBudget.class, "ip-sentry-authz-server")).isPresent();
    RenderedChart fixed = render("authzServer: { autoscaling: { enabled: false }, replicas: 4 }");
    assertThat(fixed.one(Deployment.class, "ip-sentry-authz-server").getSpec().getReplicas())
        .isEqualTo(4);
    assertThat(fixed.all(HorizontalPodAutoscaler.class)).isEmpty();
  }

  @Test
  void watchers_areTwoByDefault() {
    assertThat(DEFAULTS.one(Deployment.class, "ip-sentry-watcher").getSpec().getReplicas())
        .isEqualTo(2);
  }

  @Test
  void enforcer_isOnTheHostsNetworkWithTwoCapabilities() {
    PodSpec pod = enforcer(DEFAULTS);
    assertThat(pod.getHostNetwork()).isTrue();
    assertThat(pod.getHostPID()).isNull();
    assertThat(pod.getPriorityClassName()).isEqualTo("system-node-critical");
    assertThat(pod.getTolerations()).isEmpty();
    SecurityContext context = pod.getContainers().getFirst().getSecurityContext();
    assertThat(context.getPrivileged()).isNull();
    assertThat(context.getReadOnlyRootFilesystem()).isTrue();
    assertThat(context.getCapabilities().getDrop()).containsExactly("ALL");
    assertThat(context.getCapabilities().getAdd()).containsExactly("NET_ADMIN", "NET_RAW");
    assertThat(hostPaths(pod))
        .containsExactlyInAnyOrder("/run/xtables.lock", "/run/lock/ip-sentry");
  }

  @Test
  void enforcer_withLogsToRead_seesThemAndCannotWriteThem() {
    PodSpec pod =
        enforcer(render("sources: [{ name: sshd, file: /var/log/auth.log, reader: agent }]"));
    assertThat(hostPaths(pod)).contains("/var/log", "/run/log/journal");
    assertThat(pod.getContainers().getFirst().getVolumeMounts())
        .filteredOn(mount -> mount.getMountPath().contains("log"))
        .hasSize(2)
        .allMatch(VolumeMount::getReadOnly);
  }

  @Test
  void enforcer_withTheNodesPrograms_isPrivileged() {
    PodSpec pod = enforcer(render("enforcer: { hostBinaries: true }"));
    assertThat(pod.getHostPID()).isTrue();
    SecurityContext context = pod.getContainers().getFirst().getSecurityContext();
    assertThat(context.getPrivileged()).isTrue();
    // The API server refuses a container that is privileged and says this as well.
    assertThat(context.getAllowPrivilegeEscalation()).isNull();
  }

  private static PodSpec enforcer(RenderedChart chart) {
    return chart.one(DaemonSet.class, "ip-sentry-enforcer").getSpec().getTemplate().getSpec();
  }

  private static List<String> hostPaths(PodSpec pod) {
    return pod.getVolumes().stream()
        .filter(volume -> volume.getHostPath() != null)
        .map(volume -> volume.getHostPath().getPath())
        .toList();
  }

  @Test
  void original_imagesAndMemory_arePassedOverAndTheRestHolds() {
    RenderedChart chart = render(ValuesMatrix.ORIGINAL);
    Container watcher =
        chart
            .one(Deployment.class, "ip-sentry-watcher")
            .getSpec()
            .getTemplate()
            .getSpec()
            .getContainers()
            .getFirst();
    assertThat(watcher.getImage()).isEqualTo("ip-sentry:0.1.0");
    assertThat(watcher.getResources().getLimits()).containsOnlyKeys("memory");
    PodSpec enforcer = enforcer(chart);
    assertThat(enforcer.getContainers().getFirst().getImage()).isEqualTo("ip-sentry:0.1.0");
    assertThat(enforcer.getContainers().getFirst().getSecurityContext().getPrivileged()).isTrue();
    assertThat(enforcer.getTolerations()).hasSize(2);
    assertThat(enforcer.getImagePullSecrets()).hasSize(1);
    RenderedChart own =
        render("watcher: { resources: { limits: { memory: 129Mi } }, image: { tag: x } }");
    Container ownWatcher =
        own.one(Deployment.class, "ip-sentry-watcher")
            .getSpec()
            .getTemplate()
            .getSpec()
            .getContainers()
            .getFirst();
    assertThat(ownWatcher.getImage()).isEqualTo("ip-sentry:x");
    assertThat(ownWatcher.getResources().getLimits())
        .containsEntry("memory", new Quantity("129Mi"));
  }

  @Test
  void names_fitWhateverTheRelease() {
    RenderedChart chart =
        render("fullnameOverride: a23456789b123456789c123456789d123456789e12345678yz");
    // Labels of pods are made of them, and names in DNS.
    for (HasMetadata object : chart.objects()) {
      if (!object.getApiVersion().startsWith("rbac")) {
        assertThat(object.getMetadata().getName()).hasSizeLessThanOrEqualTo(63);
      }
    }
    assertThat(chart.config("ip-sentry.yaml"))
        .contains("release: a23456789b123456789c123456789d123456789e12345678yz");
  }
}
