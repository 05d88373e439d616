package io.ipsentry.kubernetes.policy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which routes a policy of {@code attach: auto} really reaches through one Gateway, and why not. A
 * route that has a policy of its own is that one's. Pure.
 *
 * @param routes how many it should reach
 * @param uncovered why, by the route; part of it may be reached
 */
record Coverage(int routes, Map<Point, String> uncovered) {
  Coverage {
    uncovered = Collections.unmodifiableMap(new LinkedHashMap<>(uncovered));
  }

  /**
   * Looks at what there is.
   *
   * @param objects those of the point that are wanted
   * @param controller whose objects are ours
   */
  static Coverage of(
      ClusterView cluster,
      PolicyMerge merge,
      Point point,
      GatewayObject gateway,
      List<AttachedObject> objects,
      String controller) {
    Optional<Implementation> implementation = cluster.implementation(gateway);
    List<RouteObject> routes = new ArrayList<>();
    if (point.kind() == Point.Kind.HTTP_ROUTE) {
      cluster.route(point).ifPresent(routes::add);
    } else {
      for (RouteObject route : cluster.below(point)) {
        if (!isAnothers(merge, point, route)) {
          routes.add(route);
        }
      }
    }
    Map<Point, String> uncovered = new LinkedHashMap<>();
    for (RouteObject route : routes) {
      Optional<String> why =
          implementation.isEmpty()
              ? Optional.of("nobody whom we know serves it")
              : switch (implementation.get()) {
                case ENVOY_GATEWAY -> envoy(cluster, point, route, controller);
                case NGF -> nginx(cluster, point, route, objects, controller);
                case TRAEFIK -> traefik(point, route, objects);
              };
      why.ifPresent(reason -> uncovered.put(route.point(), reason));
    }
    return new Coverage(routes.size(), uncovered);
  }

  /**
   * Whether another policy, of the route itself or of the listeners it hangs below, speaks there.
   */
  private static boolean isAnothers(PolicyMerge merge, Point point, RouteObject route) {
    if (merge.winners().containsKey(route.point())) {
      return true;
    }
    return point.section().isEmpty()
        && route.parents().stream()
            .filter(parent -> parent.whole().equals(point))
            .allMatch(parent -> !parent.section().isEmpty() && merge.winners().containsKey(parent));
  }

  private static boolean isOurs(AttachedObject object, String controller) {
    return controller.equals(object.annotations().get(Attachments.CONTROLLER));
  }

  /** The more specific SecurityPolicy takes the place of the other, unless it merges. */
  private static Optional<String> envoy(
      ClusterView cluster, Point point, RouteObject route, String controller) {
    for (AttachedObject other : cluster.attachments()) {
      if (other.kind() != AttachedKind.SECURITY_POLICY || isOurs(other, controller)) {
        continue;
      }
      for (Point target : other.targets()) {
        if (target.equals(point)) {
          return Optional.of(
              other.title() + " has the same target, and Envoy Gateway takes the older one");
        }
        boolean moreSpecific =
            target.whole().equals(route.point())
                || target.whole().equals(point) && point.section().isEmpty();
        if (!moreSpecific || target.equals(point.whole())) {
          continue;
        }
        if (other.spec().get("mergeType") == null) {
          return Optional.of(
              other.title() + " takes the place of ours; let it say mergeType: StrategicMerge");
        }
        if (other.spec().get("extAuth") != null) {
          return Optional.of(
              other.title() + " asks somebody else (extAuth), and only one can be asked");
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<String> nginx(
      ClusterView cluster,
      Point point,
      RouteObject route,
      List<AttachedObject> objects,
      String controller) {
    List<String> reasons = new ArrayList<>();
    for (int i = 0; i < route.rules().size(); i++) {
      RouteObject.Rule rule = route.rules().get(i);
      if (!point.section().isEmpty()
          && point.kind() == Point.Kind.HTTP_ROUTE
          && !point.section().equals(rule.name())) {
        continue;
      }
      String title = "rule " + (rule.name().isEmpty() ? String.valueOf(i) : rule.name());
      if (rule.redirects()) {
        reasons.add(title + " redirects, which nginx does before it asks");
      } else if (!rule.backends()) {
        reasons.add(title + " has no backend, so nginx answers by itself before it asks");
      } else if (point.kind() == Point.Kind.HTTP_ROUTE) {
        objects.stream()
            .filter(object -> object.kind() == AttachedKind.SNIPPETS_FILTER)
            .filter(object -> !rule.filters().contains(object.filterName()))
            .findFirst()
            .ifPresent(object -> reasons.add(title + unnamed(object)));
      } else {
        cluster.attachments().stream()
            .filter(other -> other.kind() == AttachedKind.SNIPPETS_FILTER)
            .filter(other -> other.namespace().equals(route.namespace()))
            .filter(other -> !isOurs(other, controller))
            .filter(other -> rule.filters().contains(other.filterName()))
            .filter(other -> String.valueOf(other.spec().get("snippets")).contains("auth_request "))
            .findFirst()
            .ifPresent(other ->
                reasons.add(title + " has the auth_request of " + other.title() + " in its place"));
      }
    }
    return reasons.isEmpty() ? Optional.empty() : Optional.of(String.join(", ", reasons));
  }

  private static String unnamed(AttachedObject object) {
    return " does not name our filter: add { type: ExtensionRef, extensionRef: { group: "
        + object.kind().group()
        + ", kind: "
        + object.kind().kind()
        + ", name: "
        + object.name()
        + " } }";
  }

  private static Optional<String> traefik(
      Point point, RouteObject route, List<AttachedObject> objects) {
    Optional<AttachedObject> middleware =
        objects.stream().filter(object -> object.kind() == AttachedKind.MIDDLEWARE).findFirst();
    if (middleware.isEmpty()) {
      return Optional.empty();
    }
    AttachedObject ours = middleware.get();
    if (point.kind() == Point.Kind.GATEWAY) {
      return Optional.of(
          "an entry point must name "
              + ours.namespace()
              + '-'
              + ours.name()
              + "@kubernetescrd, which cannot be seen from here");
    }
    for (int i = 0; i < route.rules().size(); i++) {
      RouteObject.Rule rule = route.rules().get(i);
      boolean meant = point.section().isEmpty() || point.section().equals(rule.name());
      if (meant && !rule.filters().contains(ours.filterName())) {
        return Optional.of(
            "rule " + (rule.name().isEmpty() ? String.valueOf(i) : rule.name()) + unnamed(ours));
      }
    }
    return Optional.empty();
  }
}
