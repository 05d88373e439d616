package io.ipsentry.conformance.gateway;

import io.ipsentry.testing.Programs;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Caddy with {@code forward_auth}. */
@RequiresProgram("caddy")
final class CaddyForwardAuthIT extends ForwardAuthGatewayContract {
  @Override
  Gateway start(String authzAddress, String applicationAddress) throws IOException {
    int port = Gateway.freePort();
    String text =
        Gateway.example(
            "Caddyfile",
            Map.of(
                "127.0.0.1:9002", authzAddress,
                "127.0.0.1:8080", applicationAddress,
                ":80 {", "{\n\tadmin off\n}\nhttp://127.0.0.1:" + port + " {"));
    Path config = Files.writeString(directory.resolve("Caddyfile"), text);
    return Gateway.start(
        directory,
        port,
        Map.of("HOME", directory.toString(), "XDG_DATA_HOME", directory + "/data"),
        List.of(
            Programs.path("caddy").toString(),
            "run",
            "--adapter",
            "caddyfile",
            "--config",
            config.toString()));
  }

  @Override
  Trouble serverInTrouble() {
    return Trouble.COPIES_503;
  }

  @Override
  Trouble serverAway() {
    return Trouble.ANSWERS_502;
  }

  @Override
  boolean copiesRefusals() {
    return true;
  }

  @Override
  int connectionsForFiftyCalls() {
    return 1;
  }
}
