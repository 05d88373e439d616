package io.ipsentry.kubernetes.policy;

import java.util.Set;

/**
 * A Gateway.
 *
 * @param className name of its GatewayClass
 * @param listeners their names
 */
record GatewayObject(String namespace, String name, String className, Set<String> listeners) {
  GatewayObject {
    listeners = Set.copyOf(listeners);
  }

  Point point() {
    return new Point(Point.Kind.GATEWAY, namespace, name, "");
  }
}
