package io.ipsentry.kubernetes.policy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which policy holds where, and what it says there (GEP-713, inherited): a Gateway's holds for its
 * listeners, routes and their rules, a route's for its rules. What is more specific wins, key by
 * key. Of several policies at the same point the oldest is taken and the others are not; of several
 * above a route, which may hang below several Gateways, the oldest wins, key by key. Pure.
 *
 * @param winners the policy of each point
 * @param effective what holds at each point that has a policy, its own and what it inherits; keys
 *     are those of {@link BanPolicyObject#overrides}
 */
record PolicyMerge(
    SortedMap<Point, BanPolicyObject> winners,
    SortedMap<Point, SortedMap<String, Object>> effective) {

  /** Whether a target can be had. */
  enum Resolution {
    FOUND,
    NOT_FOUND,
    NO_SUCH_SECTION,
    NOT_PERMITTED
  }

  static PolicyMerge of(ClusterView cluster) {
    SortedMap<Point, BanPolicyObject> winners = new TreeMap<>();
    // By age: whoever comes first has the point.
    for (BanPolicyObject policy : cluster.policies()) {
      for (Point target : policy.targets()) {
        if (resolve(cluster, policy, target) == Resolution.FOUND) {
          winners.putIfAbsent(target, policy);
        }
      }
    }
    SortedMap<Point, SortedMap<String, Object>> effective = new TreeMap<>();
    winners.keySet().forEach(point -> effective.put(point, merged(cluster, winners, point)));
    return new PolicyMerge(winners, effective);
  }

  static Resolution resolve(ClusterView cluster, BanPolicyObject policy, Point target) {
    // First: whether something is there is nobody's business who may not refer to it.
    if (!target.namespace().equals(policy.namespace())
        && cluster.grants().stream()
            .noneMatch(grant -> grant.permits(policy.namespace(), target))) {
      return Resolution.NOT_PERMITTED;
    }
    Optional<Boolean> section =
        switch (target.kind()) {
          case GATEWAY ->
              cluster.gateway(target).map(it -> it.listeners().contains(target.section()));
          case HTTP_ROUTE -> cluster.route(target).map(it -> it.hasRule(target.section()));
        };
    if (section.isEmpty()) {
      return Resolution.NOT_FOUND;
    }
    return target.section().isEmpty() || section.get()
        ? Resolution.FOUND
        : Resolution.NO_SUCH_SECTION;
  }

  private static SortedMap<String, Object> merged(
      ClusterView cluster, Map<Point, BanPolicyObject> winners, Point point) {
    SortedMap<String, Object> merged = new TreeMap<>();
    for (List<Point> level : levels(cluster, point)) {
      List<BanPolicyObject> here = new ArrayList<>();
      for (Point each : level) {
        BanPolicyObject policy = winners.get(each);
        if (policy != null) {
          here.add(policy);
        }
      }
      // The oldest is put last, over the others.
      here.sort(BanPolicyObject.BY_AGE.reversed());
      here.forEach(policy -> merged.putAll(policy.overrides()));
    }
    return merged;
  }

  /** What holds at a point, from the most general to itself. */
  private static List<List<Point>> levels(ClusterView cluster, Point point) {
    List<List<Point>> levels = new ArrayList<>();
    if (point.kind() == Point.Kind.GATEWAY) {
      levels.add(List.of(point.whole()));
    } else {
      List<Point> parents = cluster.route(point).map(RouteObject::parents).orElse(List.of());
      levels.add(parents.stream().map(Point::whole).distinct().sorted().toList());
      levels.add(
          parents.stream()
              .filter(parent -> !parent.section().isEmpty())
              .distinct()
              .sorted(Comparator.naturalOrder())
              .toList());
      levels.add(List.of(point.whole()));
    }
    if (!point.section().isEmpty()) {
      levels.add(List.of(point));
    }
    return levels;
  }
}
