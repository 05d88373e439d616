package io.ipsentry.kubernetes.policy;

import java.util.List;
import java.util.Set;

/**
 * A HTTPRoute.
 *
 * @param parents Gateways, and listeners of them, that it hangs below
 * @param rules in its order
 */
record RouteObject(String namespace, String name, List<Point> parents, List<Rule> rules) {
  RouteObject {
    parents = List.copyOf(parents);
    rules = List.copyOf(rules);
  }

  /**
   * A rule of it.
   *
   * @param name empty: it has none
   * @param redirects whether the gateway itself answers, with a redirect
   * @param backends whether there is anything behind it
   * @param filters objects that its filters name, {@code KIND.GROUP/NAME}
   */
  record Rule(String name, boolean redirects, boolean backends, Set<String> filters) {
    Rule {
      filters = Set.copyOf(filters);
    }
  }

  Point point() {
    return new Point(Point.Kind.HTTP_ROUTE, namespace, name, "");
  }

  boolean hasRule(String section) {
    return rules.stream().anyMatch(rule -> rule.name().equals(section));
  }

  /** Whether it hangs below a Gateway, or the one listener of it that is meant. */
  boolean isBelow(Point gateway) {
    return parents.stream()
        .filter(parent -> parent.whole().equals(gateway.whole()))
        .anyMatch(parent ->
            gateway.section().isEmpty()
                || parent.section().isEmpty()
                || parent.section().equals(gateway.section()));
  }
}
