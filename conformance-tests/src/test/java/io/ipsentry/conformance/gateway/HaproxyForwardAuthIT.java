package io.ipsentry.conformance.gateway;

import io.ipsentry.testing.Programs;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** HAProxy that asks by the example's Lua script. */
@RequiresProgram("haproxy")
final class HaproxyForwardAuthIT extends ForwardAuthGatewayContract {
  @Override
  Gateway start(String authzAddress, String applicationAddress) throws IOException {
    int port = Gateway.freePort();
    Path script =
        Files.writeString(
            directory.resolve("haproxy.lua"),
            Gateway.example(
                "haproxy.lua",
                Map.of("127.0.0.1:9002", authzAddress, "timeout_ms = 200", "timeout_ms = 20000")));
    Path config =
        Files.writeString(
            directory.resolve("haproxy.cfg"),
            Gateway.example(
                "haproxy.cfg",
                Map.of(
                    "/etc/haproxy/haproxy.lua",
                    script.toString(),
                    "bind :80",
                    "bind 127.0.0.1:" + port,
                    "127.0.0.1:8080",
                    applicationAddress)));
    return Gateway.start(
        directory,
        port,
        Map.of(),
        List.of(Programs.path("haproxy").toString(), "-f", config.toString()));
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
    return 50;
  }
}
