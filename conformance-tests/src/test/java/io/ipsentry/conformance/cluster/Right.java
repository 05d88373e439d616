package io.ipsentry.conformance.cluster;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBinding;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import io.fabric8.kubernetes.api.model.rbac.RoleRef;
import io.fabric8.kubernetes.api.model.rbac.Subject;
import io.ipsentry.conformance.chart.RenderedChart;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One verb on one resource that a rule of RBAC gives.
 *
 * @param namespace where; empty: everywhere
 * @param resource with its subresource, {@code pods/log}
 * @param name of the only object; empty: of any
 */
record Right(String namespace, String group, String resource, String name, String verb) {

  /** Whether it is what let somebody do that, or would. */
  boolean covers(Access access) {
    return verb.equals(access.verb())
        && group.equals(access.group())
        && resource.equals(access.resource())
        && (namespace.isEmpty() || namespace.equals(access.namespace()))
        && (name.isEmpty() || name.equals(access.name()));
  }

  /**
   * What the bindings among some objects give to a service account by roles that are among them.
   *
   * @param account of {@code namespace}
   */
  static List<Right> of(RenderedChart objects, String namespace, String account) {
    List<Right> rights = new ArrayList<>();
    for (RoleBinding binding : objects.all(RoleBinding.class)) {
      if (isOf(binding.getSubjects(), namespace, account)) {
        String where = binding.getMetadata().getNamespace();
        rules(objects, binding.getRoleRef(), where).forEach(rule -> add(rights, rule, where));
      }
    }
    for (ClusterRoleBinding binding : objects.all(ClusterRoleBinding.class)) {
      if (isOf(binding.getSubjects(), namespace, account)) {
        rules(objects, binding.getRoleRef(), "").forEach(rule -> add(rights, rule, ""));
      }
    }
    return rights;
  }

  private static boolean isOf(List<Subject> subjects, String namespace, String account) {
    return subjects.stream()
        .anyMatch(subject ->
            subject.getName().equals(account) && namespace.equals(subject.getNamespace()));
  }

  /** None of a role that is the cluster's own: that is not the chart's to cut. */
  private static List<PolicyRule> rules(RenderedChart objects, RoleRef role, String where) {
    if (role.getKind().equals("ClusterRole")) {
      return objects
          .find(ClusterRole.class, role.getName())
          .map(ClusterRole::getRules)
          .orElse(List.of());
    }
    Optional<Role> found =
        objects.all(Role.class).stream()
            .filter(each -> isNamed(each, role.getName(), where))
            .findFirst();
    return found.map(Role::getRules).orElse(List.of());
  }

  private static boolean isNamed(HasMetadata object, String name, String namespace) {
    return object.getMetadata().getName().equals(name)
        && namespace.equals(object.getMetadata().getNamespace());
  }

  private static void add(List<Right> rights, PolicyRule rule, String where) {
    List<String> names =
        rule.getResourceNames() == null || rule.getResourceNames().isEmpty()
            ? List.of("")
            : rule.getResourceNames();
    for (String group : rule.getApiGroups()) {
      for (String resource : rule.getResources()) {
        for (String name : names) {
          rule.getVerbs()
              .forEach(verb -> rights.add(new Right(where, group, resource, name, verb)));
        }
      }
    }
  }
}
