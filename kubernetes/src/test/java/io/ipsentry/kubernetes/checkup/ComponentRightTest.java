package io.ipsentry.kubernetes.checkup;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The list of rights against the example that people apply. */
final class ComponentRightTest {
  private static final Path EXAMPLE = Path.of("../docs/examples/cluster-rbac.yaml");

  /** Of roles that Kubernetes brings, which the example binds. */
  private static final Set<String> BUILT_IN =
      Set.of(
          "create tokenreviews.authentication.k8s.io",
          "create subjectaccessreviews.authorization.k8s.io",
          "get configmaps/extension-apiserver-authentication in kube-system");

  /** Of gateways, in whichever namespace they are. */
  private static final Set<String> OF_SOURCES = Set.of("pods", "pods/log");

  private static Set<String> listed(String component) {
    Set<String> listed = new TreeSet<>();
    for (ComponentRight right : ComponentRight.all("ip-sentry", "ip-sentry")) {
      String text = right.verb() + " " + right.object();
      if (right.component().equals(component) && !BUILT_IN.contains(text)) {
        listed.add(text);
      }
    }
    return listed;
  }

  private static Set<String> example(String role) throws IOException {
    Set<String> rights = new TreeSet<>();
    for (String document : Files.readString(EXAMPLE).split("\n---\n")) {
      HasMetadata object = Serialization.unmarshal(document, HasMetadata.class);
      List<PolicyRule> rules =
          switch (object) {
            case Role some -> some.getRules();
            case ClusterRole some -> some.getRules();
            default -> List.of();
          };
      if (object.getMetadata().getName().equals(role)) {
        rules.forEach(rule -> add(rule, object.getMetadata().getNamespace(), rights));
      }
    }
    return rights;
  }

  private static void add(PolicyRule rule, String namespace, Set<String> rights) {
    for (String resource : rule.getResources()) {
      if (!OF_SOURCES.contains(resource)) {
        String group = rule.getApiGroups().getFirst();
        String kind = resource + (group.isEmpty() ? "" : "." + group);
        List<String> names =
            rule.getResourceNames().isEmpty()
                ? List.of(kind)
                : rule.getResourceNames().stream().map(name -> kind + "/" + name).toList();
        String in = namespace == null ? "" : " in " + namespace;
        for (String verb : rule.getVerbs()) {
          names.forEach(name -> rights.add(verb + " " + name + in));
        }
      }
    }
  }

  @Test
  void all_componentsOfARelease_haveTheRightsOfTheExample() throws IOException {
    assertThat(listed("watcher")).isEqualTo(example("ip-sentry-watcher"));
    assertThat(listed("authz-server")).isEqualTo(example("ip-sentry-reader"));
    assertThat(example("ip-sentry-reader")).containsAll(listed("enforcer"));
    assertThat(listed("enforcer")).hasSize(3).allMatch(right -> right.contains("configmaps"));
    assertThat(ComponentRight.all("ip-sentry", "ip-sentry"))
        .allSatisfy(right -> assertThat(right.why()).isNotEmpty());
  }
}
