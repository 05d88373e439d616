package io.ipsentry.conformance.gateway;

import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;

/** The real Traefik, where {@code build-traefik.sh} has built it. */
final class TraefikForwardAuthIT extends ForwardAuthGatewayContract {
  @Override
  Gateway start(String authzAddress, String applicationAddress) throws IOException {
    Path program = program();
    int port = Gateway.freePort();
    Path dynamicConfig =
        Files.writeString(
            directory.resolve("traefik.yaml"),
            Gateway.example(
                "traefik.yaml",
                Map.of("127.0.0.1:9002", authzAddress, "127.0.0.1:8080", applicationAddress)));
    Path staticConfig =
        Files.writeString(
            directory.resolve("traefik-static.yaml"),
            Gateway.example(
                "traefik-static.yaml",
                Map.of(
                    ":80",
                    "127.0.0.1:" + port,
                    "/etc/traefik/traefik.yaml",
                    dynamicConfig.toString())));
    Gateway traefik =
        Gateway.start(
            directory, port, Map.of(), List.of(program.toString(), "--configFile=" + staticConfig));
    try {
      awaitRouters(port);
    } catch (RuntimeException | Error e) {
      System.out.println("gateway.out: " + traefik.output());
      traefik.close();
      throw e;
    }
    return traefik;
  }

  /**
   * It listens before it has read its routers, and says 404 meanwhile. Asks as somebody who is
   * refused, so that the application sees nothing of it.
   */
  private void awaitRouters(int port) {
    authz.ban("127.0.0.99");
    try (GatewayClient client = new GatewayClient("127.0.0.99", port)) {
      await("routers")
          .atMost(RunningIpSentry.PATIENCE)
          .until(() -> client.get("/").statusCode() == 403);
    }
    authz.unban("127.0.0.99");
    authz.forget();
  }

  private static Path program() throws IOException {
    Process find =
        new ProcessBuilder("sh", "build-traefik.sh", "--find")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String path = new String(find.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    Assumptions.assumeFalse(
        path.isEmpty(), "needs Traefik: conformance-tests/build-traefik.sh builds it where Go is");
    return Path.of(path);
  }

  @Override
  Trouble serverInTrouble() {
    return Trouble.COPIES_503;
  }

  @Override
  Trouble serverAway() {
    return Trouble.ANSWERS_500;
  }

  @Override
  boolean copiesRefusals() {
    return true;
  }

  @Override
  int connectionsForFiftyCalls() {
    return 1;
  }

  /** The entry point cleans paths ({@code sanitizePath}), for the application as for us. */
  @Override
  String uncleanTargetAsAsked() {
    return "/a%20b/d?x=%2F..&y";
  }
}
