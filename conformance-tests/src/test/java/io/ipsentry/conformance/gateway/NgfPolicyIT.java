package io.ipsentry.conformance.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The snippets of a Gateway of NGINX Gateway Fabric, failing open. */
@RequiresProgram("nginx")
final class NgfPolicyIT extends ForwardAuthGatewayContract {
  private static final String ATTACHMENT =
      "{ type: ngf, namespace: infra, targetRefs: [{ name: public }], timeout: 20s }";

  @Override
  Gateway start(String authzAddress, String applicationAddress) throws IOException {
    return NgfSnippets.start(directory, authzAddress, applicationAddress, ATTACHMENT);
  }

  @Override
  Trouble serverInTrouble() {
    return Trouble.PASSES;
  }

  @Override
  Trouble serverAway() {
    return Trouble.PASSES;
  }

  @Override
  boolean copiesRefusals() {
    return false;
  }

  @Override
  int connectionsForFiftyCalls() {
    return 1;
  }

  /** What the guide and statuses of BanPolicies warn of. */
  @Test
  void redirect_isNotAskedAbout() throws IOException, InterruptedException {
    authz.ban("127.0.0.7");
    Path own = Files.createDirectory(directory.resolve("own"));
    try (Application application = new Application();
        Gateway nginx = NgfSnippets.start(own, authz.address(), application.address(), ATTACHMENT);
        GatewayClient client = new GatewayClient("127.0.0.7", nginx.port())) {
      assertThat(client.get("/moved").statusCode()).isEqualTo(301);
      assertThat(client.get("/").statusCode()).isEqualTo(403);
      // Nobody from outside reaches the location that asks.
      assertThat(client.get("/_ip_sentry_ip_sentry").statusCode()).isEqualTo(404);
    }
  }
}
