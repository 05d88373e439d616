package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.ipsentry.cli.Finding.State;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.TlsConfig;
import io.ipsentry.config.TlsMaterial;
import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.CertificateAuthority.Issued;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AuthzCheckupTest {
  private static final int BACKLOG = 10;

  @TempDir private Path directory;

  private List<Finding> look(String yaml, boolean running, Instant now) {
    CommandRun run = new CommandRun(directory);
    run.now.set(now);
    Config config =
        new ConfigLoader()
            .parse("c.yaml", yaml.getBytes(StandardCharsets.UTF_8), directory)
            .orThrow();
    return new AuthzCheckup(config, run.shell(System.out, System.err)).look(running);
  }

  private List<Finding> look(String yaml, boolean running) {
    return look(yaml, running, CommandRun.START);
  }

  private static Finding of(List<Finding> findings, String check) {
    return findings.stream().filter(f -> f.check().equals(check)).findFirst().orElseThrow();
  }

  /** A server that answers every probe with a status. */
  private static HttpServer answering(int status) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), BACKLOG);
    server.createContext(
        "/readyz",
        exchange -> {
          exchange.sendResponseHeaders(status, -1);
          exchange.close();
        });
    server.start();
    return server;
  }

  private Finding ofHttp(int port) {
    String yaml = "authz: { http: \"127.0.0.1:" + port + "\" }";
    return of(look(yaml, true), "authz.http");
  }

  @Test
  void look_httpServer_isAskedWhetherItJudges() throws IOException {
    for (int status : new int[] {200, 503, 404}) {
      HttpServer server = answering(status);
      try {
        Finding finding = ofHttp(server.getAddress().getPort());

        State expected =
            switch (status) {
              case 200 -> State.OK;
              case 503 -> State.WARN;
              default -> State.FAIL;
            };
        assertThat(finding.state()).as("%s", finding).isEqualTo(expected);
      } finally {
        server.stop(0);
      }
    }
  }

  @Test
  void look_nobodyListens_failsOnlyWhileRunning() throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
      String yaml = "authz: { listen: \"127.0.0.1:" + port + "\" }";
      assertThat(of(look(yaml, true), "authz.listen").state()).isEqualTo(State.OK);
    }
    String yaml = "authz: { listen: \"127.0.0.1:" + port + "\" }";

    assertThat(of(look(yaml, true), "authz.listen").state()).isEqualTo(State.FAIL);
    assertThat(ofHttp(port).what()).startsWith("nobody answers on 127.0.0.1:" + port);
    assertThat(look(yaml, false)).noneMatch(f -> f.check().equals("authz.listen"));
  }

  @Test
  void look_countersOfTheInstance_tellOfStrangersAndUnknownPolicies() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), BACKLOG);
    byte[] metrics =
        """
        # TYPE ip_sentry_checks_unknown_policy counter
        ip_sentry_checks_unknown_policy_total{transport="grpc"} 3.0
        ip_sentry_checks_unknown_policy_total{transport="http"} 4.0
        ip_sentry_checks_unauthenticated_total{transport="http"} 1.2E3
        """
            .getBytes(StandardCharsets.US_ASCII);
    server.createContext(
        "/metrics",
        exchange -> {
          exchange.sendResponseHeaders(200, metrics.length);
          exchange.getResponseBody().write(metrics);
          exchange.close();
        });
    server.start();
    try {
      String yaml =
          """
          metrics: { listen: "127.0.0.1:%d" }
          authz: { http: "127.0.0.1:0", policies: { shop: {}, blog: {} } }
          """
              .formatted(server.getAddress().getPort());

      List<Finding> findings = look(yaml, true);

      assertThat(of(findings, "authz.policies").what()).startsWith("7 requests named a policy");
      assertThat(of(findings, "authz.policies").mend()).startsWith("known: shop, blog; ");
      assertThat(of(findings, "authz.callers").what()).startsWith("1200 requests came from others");
      assertThat(look(yaml, false)).noneMatch(f -> f.state() == State.WARN);
    } finally {
      server.stop(0);
    }
  }

  @Test
  void look_metricsOrCertificateThatAreNotThere_fail() throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    String yaml =
        "metrics: { listen: \"127.0.0.1:" + port + "\" }\nauthz: { listen: \"127.0.0.1:0\" }";
    assertThat(of(look(yaml, true), "metrics.listen").what())
        .startsWith("nobody answers on 127.0.0.1:" + port);

    Path gone = directory.resolve("gone.pem");
    Config config =
        new ConfigLoader()
            .parse(
                "c.yaml", "authz: { http: \":9002\" }".getBytes(StandardCharsets.UTF_8), directory)
            .orThrow();
    assertThat(
            new AuthzCheckup(config, new CommandRun(directory).shell(System.out, System.err))
                .certificate("authz.tls", new TlsConfig(gone, gone, Optional.empty())))
        .returns(State.FAIL, Finding::state)
        .satisfies(found -> assertThat(found.what()).startsWith(gone.toString()));
  }

  @Test
  void look_callersAndShadow_areSaid() {
    List<Finding> findings =
        look(
            """
            rules: [{ name: a, on: request, match: { paths: x }, threshold: 1 }]
            authz: { http: ":9002", callers: 127.0.0.1, policies: { shop: { mode: shadow } } }
            """,
            false);

    assertThat(of(findings, "authz.callers"))
        .isEqualTo(Finding.ok("authz.callers", "1 may make hits; rules that judge requests: 1"));
    assertThat(of(findings, "authz.mode").what()).startsWith("the policy shop: in shadow mode");
    assertThat(look("authz: { http: \":9002\" }", false))
        .containsExactly(
            Finding.ok("authz.callers", "bans are judged alone; no request makes a hit"));
  }

  @Test
  @RequiresProgram("openssl")
  void look_certificates_areWellUntilTheyExpire() {
    Issued issued = CertificateAuthority.create(directory, "ca").issue("server");
    TlsConfig tls = new TlsConfig(issued.certificate(), issued.key(), Optional.empty());
    TlsMaterial material = TlsMaterial.read(tls);
    String yaml =
        """
        authz:
          http: ":9002"
          tls: { certificate: %1$s, key: %2$s }
        admin:
          listen: ":9004"
          tls: { certificate: %1$s, key: %2$s, clientCa: ca.pem }
        """
            .formatted(issued.certificate(), issued.key());

    for (String check : List.of("authz.tls", "admin.tls")) {
      assertThat(of(look(yaml, false, material.startsAt()), check).state()).isEqualTo(State.OK);
      Instant late = material.expiresAt().minusSeconds(60);
      assertThat(of(look(yaml, false, late), check).state()).isEqualTo(State.WARN);
      assertThat(of(look(yaml, false, material.expiresAt()), check).state()).isEqualTo(State.FAIL);
    }
  }
}
