package io.ipsentry.conformance.gateway;

import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.util.Map;

/** nginx with {@code auth_request}, failing closed, as the example's comment says how. */
@RequiresProgram("nginx")
final class NginxFailClosedIT extends ForwardAuthGatewayContract {
  @Override
  Gateway start(String authzAddress, String applicationAddress) throws IOException {
    return NginxForwardAuthIT.startNginx(
        directory,
        authzAddress,
        applicationAddress,
        Map.of(
            "200ms", "20s",
            "proxy_intercept_errors on;", "",
            "error_page 500 502 503 504 =204 @ip_sentry_open;", ""));
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
