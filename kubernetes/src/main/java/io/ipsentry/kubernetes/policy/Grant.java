package io.ipsentry.kubernetes.policy;

import java.util.Set;

/**
 * What a ReferenceGrant lets BanPolicies of other namespaces refer to.
 *
 * @param namespace its own, where the targets are
 * @param from namespaces of policies
 * @param to {@code KIND} or {@code KIND/NAME} of targets
 */
record Grant(String namespace, String name, Set<String> from, Set<String> to) {
  Grant {
    from = Set.copyOf(from);
    to = Set.copyOf(to);
  }

  boolean permits(String policyNamespace, Point target) {
    String kind = target.kind().apiKind();
    return namespace.equals(target.namespace())
        && from.contains(policyNamespace)
        && (to.contains(kind) || to.contains(kind + '/' + target.name()));
  }
}
