package io.ipsentry.kubernetes.auth;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A user of the cluster, as its API server knows him. Immutable.
 *
 * @param name such as {@code system:serviceaccount:default:reporter}; never empty
 * @param uid empty: not told
 * @param groups in the order in which they were told
 * @param extra what else the authenticator told, which authorizers may look at
 */
public record ClusterUser(
    String name, String uid, List<String> groups, Map<String, List<String>> extra) {
  public ClusterUser {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("a user has a name");
    }
    groups = List.copyOf(groups);
    extra =
        extra.entrySet().stream()
            .collect(
                Collectors.toUnmodifiableMap(Map.Entry::getKey, e -> List.copyOf(e.getValue())));
  }
}
