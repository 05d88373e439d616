package io.ipsentry.kubernetes.policy;

import java.util.Arrays;
import java.util.Optional;

/** Who serves Gateways, as far as we can attach to it by an object. */
enum Implementation {
  ENVOY_GATEWAY("gateway.envoyproxy.io/gatewayclass-controller", "Envoy Gateway"),
  NGF("gateway.nginx.org/nginx-gateway-controller", "NGINX Gateway Fabric"),
  TRAEFIK("traefik.io/gateway-controller", "Traefik");

  private final String controller;
  private final String text;

  Implementation(String controller, String text) {
    this.controller = controller;
    this.text = text;
  }

  /** By the controller that a GatewayClass names. */
  static Optional<Implementation> of(String controller) {
    return Arrays.stream(values()).filter(each -> each.controller.equals(controller)).findFirst();
  }

  @Override
  public String toString() {
    return text;
  }
}
