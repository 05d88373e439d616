package io.ipsentry.conformance.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.ipsentry.conformance.program.Json;
import io.ipsentry.testing.Programs;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** nginx with {@code auth_request}, failing open. */
@RequiresProgram("nginx")
final class NginxForwardAuthIT extends ForwardAuthGatewayContract {
  /** A busy machine may take longer than the example's time-outs; then clients pass. */
  static final Map<String, String> PATIENT = Map.of("200ms", "20s");

  @Override
  Gateway start(String authzAddress, String applicationAddress) throws IOException {
    return startNginx(directory, authzAddress, applicationAddress, PATIENT);
  }

  /**
   * Starts nginx with the example.
   *
   * @param further replacements
   */
  static Gateway startNginx(
      Path directory, String authzAddress, String applicationAddress, Map<String, String> further)
      throws IOException {
    int port = Gateway.freePort();
    String text =
        Gateway.example(
            "nginx.conf",
            Map.of(
                "127.0.0.1:9002",
                authzAddress,
                "127.0.0.1:8080",
                applicationAddress,
                "listen 80;",
                "listen 127.0.0.1:" + port + "; listen [::1]:" + port + ";",
                "/var/log/nginx/access.log",
                directory + "/access.log",
                "http {",
                """
                http {
                  client_body_temp_path %1$s/body;
                  proxy_temp_path %1$s/proxy;
                  fastcgi_temp_path %1$s/fastcgi;
                  uwsgi_temp_path %1$s/uwsgi;
                  scgi_temp_path %1$s/scgi;
                """
                    .formatted(directory)));
    for (Map.Entry<String, String> replacement : further.entrySet()) {
      assertThat(text).contains(replacement.getKey());
      text = text.replace(replacement.getKey(), replacement.getValue());
    }
    Path config = Files.writeString(directory.resolve("nginx.conf"), text);
    return Gateway.start(
        directory,
        port,
        Map.of(),
        List.of(
            Programs.path("nginx").toString(),
            "-p",
            directory.toString(),
            "-c",
            config.toString(),
            "-g",
            "daemon off; user root; pid %1$s/nginx.pid; error_log %1$s/error.log;"
                .formatted(directory)));
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

  @Test
  void request_overIpv6_isJudgedByItsAddress() throws IOException, InterruptedException {
    Path own = Files.createDirectory(directory.resolve("own"));
    try (Application application = new Application();
        Gateway nginx = startNginx(own, authz.address(), application.address(), PATIENT);
        GatewayClient client = new GatewayClient("::1", "[::1]", nginx.port())) {
      assertThat(client.get("/").statusCode()).isEqualTo(200);
      assertThat(authz.nextAsked().client()).isEqualTo("::1");
      authz.ban("::1");
      assertThat(client.get("/").statusCode()).isEqualTo(403);
    }
  }

  @Test
  void server_slow_clientsPassAfterTheTimeout() throws IOException, InterruptedException {
    authz.ban("127.0.0.7");
    authz.delayMillis(2_000);
    String nobody = "127.0.0.1:" + Gateway.freePort();
    Path own = Files.createDirectory(directory.resolve("own"));
    try (Gateway slow = startNginx(own, authz.address(), nobody, Map.of());
        GatewayClient client = new GatewayClient("127.0.0.7", slow.port())) {
      // Past the check: the application is what is not there.
      assertThat(client.get("/").statusCode()).isEqualTo(502);
    }
  }

  @Test
  void log_refusals_carryTheVerdict() throws IOException, InterruptedException {
    authz.ban("127.0.0.7");
    Path own = Files.createDirectory(directory.resolve("own"));
    try (Application application = new Application();
        Gateway nginx = startNginx(own, authz.address(), application.address(), PATIENT);
        GatewayClient banned = new GatewayClient("127.0.0.7", nginx.port());
        GatewayClient fine = new GatewayClient("127.0.0.8", nginx.port())) {
      assertThat(fine.get("/fine").statusCode()).isEqualTo(200);
      assertThat(banned.get("/.env").statusCode()).isEqualTo(403);
    }
    assertThat(Files.readAllLines(own.resolve("access.log")).stream().map(Json::object))
        .extracting(
            line -> line.get("client"), line -> line.get("status"), line -> line.get("ip_sentry"))
        .containsExactly(tuple("127.0.0.8", "200", "allowed"), tuple("127.0.0.7", "403", "banned"));
  }
}
