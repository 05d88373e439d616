package io.ipsentry.kubernetes.policy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What the cluster has at one moment, as far as policies are concerned.
 *
 * @param classes controller of each GatewayClass
 * @param attachments objects by which gateways ask somebody, ours and others'
 */
record ClusterView(
    List<BanPolicyObject> policies,
    Map<Point, GatewayObject> gateways,
    Map<Point, RouteObject> routes,
    Map<String, String> classes,
    List<Grant> grants,
    List<AttachedObject> attachments) {
  ClusterView {
    policies = policies.stream().sorted(BanPolicyObject.BY_AGE).toList();
    gateways = Map.copyOf(gateways);
    routes = Map.copyOf(routes);
    classes = Map.copyOf(classes);
    grants = List.copyOf(grants);
    attachments = List.copyOf(attachments);
  }

  static ClusterView of(
      List<BanPolicyObject> policies,
      List<GatewayObject> gateways,
      List<RouteObject> routes,
      Map<String, String> classes,
      List<Grant> grants,
      List<AttachedObject> attachments) {
    return new ClusterView(
        policies,
        gateways.stream().collect(Collectors.toMap(GatewayObject::point, Function.identity())),
        routes.stream().collect(Collectors.toMap(RouteObject::point, Function.identity())),
        classes,
        grants,
        attachments);
  }

  Optional<GatewayObject> gateway(Point point) {
    return Optional.ofNullable(gateways.get(point.whole()));
  }

  Optional<RouteObject> route(Point point) {
    return Optional.ofNullable(routes.get(point.whole()));
  }

  /** Who serves a Gateway; empty: nobody that we know. */
  Optional<Implementation> implementation(GatewayObject gateway) {
    return Implementation.of(classes.getOrDefault(gateway.className(), ""));
  }

  /** The routes below a Gateway or one of its listeners, in order of their names. */
  List<RouteObject> below(Point gateway) {
    return routes.values().stream()
        .filter(route -> route.isBelow(gateway))
        .sorted((a, b) -> a.point().compareTo(b.point()))
        .toList();
  }

  /** The Gateways that a point belongs to and that are there, in order of their names. */
  List<GatewayObject> gatewaysOf(Point point) {
    if (point.kind() == Point.Kind.GATEWAY) {
      return gateway(point).stream().toList();
    }
    return route(point).stream()
        .flatMap(route -> route.parents().stream())
        .map(Point::whole)
        .distinct()
        .sorted()
        .flatMap(parent -> gateway(parent).stream())
        .toList();
  }
}
