package io.ipsentry.kubernetes.policy;

import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * A BanPolicy.
 *
 * @param version its {@code resourceVersion}
 * @param created older ones win; of the same age the one whose namespace and name come first
 * @param targets in the order of the object
 * @param auto whether the gateway's object is made here
 * @param failOpen of that object
 * @param timeout of that object, such as {@code 200ms}
 * @param overrides what it says, by its path in {@code authz.policies.NAME} of the configuration,
 *     such as {@code thresholds.window}
 * @param ancestors of its status, everybody's
 */
record BanPolicyObject(
    String namespace,
    String name,
    String uid,
    String version,
    long generation,
    Instant created,
    List<Point> targets,
    boolean auto,
    boolean failOpen,
    String timeout,
    Map<String, Object> overrides,
    List<Map<String, Object>> ancestors) {
  /** By age, then by name. */
  static final Comparator<BanPolicyObject> BY_AGE =
      Comparator.comparing(BanPolicyObject::created).thenComparing(BanPolicyObject::fullName);

  BanPolicyObject {
    targets = List.copyOf(targets);
    overrides = Map.copyOf(overrides);
    ancestors = List.copyOf(ancestors);
  }

  /** {@code NAMESPACE/NAME}. */
  String fullName() {
    return namespace + '/' + name;
  }
}
