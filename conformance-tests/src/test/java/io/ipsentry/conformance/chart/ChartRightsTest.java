package io.ipsentry.conformance.chart;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBinding;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import io.fabric8.kubernetes.api.model.rbac.RoleRef;
import io.fabric8.kubernetes.api.model.rbac.Subject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The rights that the chart gives are those of {@code docs/examples/cluster-rbac.yaml}. */
final class ChartRightsTest {
  private static final String NAMESPACE = "ip-sentry";

  private static final RenderedChart CHART = HelmChart.render(NAMESPACE);

  private static RenderedChart example() throws IOException {
    return new RenderedChart(Files.readString(Path.of("../docs/examples/cluster-rbac.yaml")));
  }

  /** Each right in a line: where, what, which ones, how. */
  private static Set<String> rights(RenderedChart objects, String account) {
    Set<String> rights = new TreeSet<>();
    for (RoleBinding binding : objects.all(RoleBinding.class)) {
      if (isOf(account, binding.getSubjects())) {
        add(rights, objects, binding.getRoleRef(), binding.getMetadata().getNamespace());
      }
    }
    for (ClusterRoleBinding binding : objects.all(ClusterRoleBinding.class)) {
      if (isOf(account, binding.getSubjects())) {
        add(rights, objects, binding.getRoleRef(), "everywhere");
      }
    }
    return rights;
  }

  private static boolean isOf(String account, List<Subject> subjects) {
    return subjects.stream()
        .anyMatch(subject ->
            subject.getName().equals(account) && NAMESPACE.equals(subject.getNamespace()));
  }

  private static void add(Set<String> rights, RenderedChart objects, RoleRef role, String where) {
    List<PolicyRule> rules =
        objects.objects().stream()
            .filter(object -> isRole(object, role, where))
            .flatMap(object ->
                (object instanceof Role of ? of.getRules() : ((ClusterRole) object).getRules())
                    .stream())
            .toList();
    if (rules.isEmpty()) {
      // One of the cluster's own.
      rights.add(where + ": all of " + role.getName());
    }
    rights.addAll(lines(rules, where));
  }

  private static boolean isRole(HasMetadata object, RoleRef role, String where) {
    boolean named = object.getMetadata().getName().equals(role.getName());
    return named
        && (role.getKind().equals("ClusterRole")
            ? object instanceof ClusterRole
            : object instanceof Role && object.getMetadata().getNamespace().equals(where));
  }

  private static Set<String> lines(List<PolicyRule> rules, String where) {
    Set<String> lines = new TreeSet<>();
    for (PolicyRule rule : rules) {
      for (String resource : rule.getResources()) {
        for (String verb : rule.getVerbs()) {
          lines.add(
              "%s: %s %s%s %s"
                  .formatted(where, rule.getApiGroups(), resource, rule.getResourceNames(), verb));
        }
      }
    }
    return lines;
  }

  private static Set<String> ofClusterRole(RenderedChart objects, String name) {
    return lines(objects.one(ClusterRole.class, name).getRules(), "bound");
  }

  @Test
  void watcher_hasTheRightsOfTheExample() throws Exception {
    assertThat(rights(CHART, "ip-sentry-watcher"))
        .isEqualTo(rights(example(), "ip-sentry-watcher"));
    assertThat(rights(HelmChart.render(NAMESPACE, "preset: none"), "ip-sentry-watcher"))
        .noneMatch(right -> right.contains("] pods"));
  }

  @Test
  void authzServer_hasTheRightsOfTheExample() throws Exception {
    assertThat(rights(CHART, "ip-sentry-authz-server"))
        .isEqualTo(rights(example(), "ip-sentry-reader"));
  }

  @Test
  void enforcer_hasThemOnlyAsFarAsItNeedsThem() throws Exception {
    Set<String> reader = rights(example(), "ip-sentry-reader");
    assertThat(rights(CHART, "ip-sentry-enforcer"))
        .isSubsetOf(reader)
        .allMatch(right -> right.contains("configmaps"))
        .hasSize(3);
    RenderedChart withAgent =
        HelmChart.render(
            NAMESPACE, "sources: [{ name: sshd, file: /var/log/auth.log, reader: agent }]");
    assertThat(rights(withAgent, "ip-sentry-enforcer")).isEqualTo(reader);
  }

  @Test
  void people_haveTheRolesOfTheExample() throws Exception {
    for (String role :
        List.of(
            "ip-sentry-operator",
            "ip-sentry-viewer",
            "ip-sentry-doctor",
            "ip-sentry-doctor-cluster")) {
      assertThat(ofClusterRole(CHART, role)).as(role).isEqualTo(ofClusterRole(example(), role));
    }
  }

  @Test
  void logsOfPods_areReadableWhereTheSourcesAre() {
    RenderedChart chart =
        HelmChart.render(
            NAMESPACE,
            """
            preset: traefik
            sources:
              - { name: a, pods: ingress-nginx }
              - { name: b, pods: { preset: traefik, namespace: edge } }
              - { name: c, pods: { namespace: shop, selector: app=shop } }
            """);
    assertThat(chart.all(Role.class))
        .filteredOn(role -> role.getMetadata().getName().endsWith("-watcher-pods"))
        .extracting(role -> role.getMetadata().getNamespace())
        .containsExactlyInAnyOrder("traefik", "ingress-nginx", "edge", "shop");
  }

  @Test
  void releasesOfTheSameName_inTwoNamespaces_shareNothing() {
    Set<String> first = outside("one");
    assertThat(first).isNotEmpty();
    assertThat(outside("two")).doesNotContainAnyElementsOf(first);
  }

  private static Set<String> outside(String namespace) {
    Set<String> names = new TreeSet<>();
    for (HasMetadata object : HelmChart.render(namespace).objects()) {
      if (!namespace.equals(object.getMetadata().getNamespace())) {
        names.add(
            object.getKind()
                + " "
                + object.getMetadata().getNamespace()
                + " "
                + object.getMetadata().getName());
      }
    }
    return names;
  }
}
