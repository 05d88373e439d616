package io.ipsentry.conformance.gateway;

import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;

/** The snippets for a route of NGINX Gateway Fabric, failing closed. */
@RequiresProgram("nginx")
final class NgfFilterIT extends ForwardAuthGatewayContract {
  @Override
  Gateway start(String authzAddress, String applicationAddress) throws IOException {
    return NgfSnippets.start(
        directory,
        authzAddress,
        applicationAddress,
        "{ type: ngf, name: web-shop, namespace: infra, route: true, failOpen: false, timeout: 20s"
            + " }");
  }

  @Override
  Trouble serverInTrouble() {
    return Trouble.ANSWERS_500;
  }

  @Override
  Trouble serverAway() {
    return Trouble.ANSWERS_500;
  }

  @Override
  boolean copiesRefusals() {
    return false;
  }

  @Override
  int connectionsForFiftyCalls() {
    return 1;
  }
}
