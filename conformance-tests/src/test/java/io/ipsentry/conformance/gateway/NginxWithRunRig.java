package io.ipsentry.conformance.gateway;

import io.ipsentry.conformance.program.RunningIpSentry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The whole of one host: nginx with the example configuration, {@code ip-sentry run} that it asks,
 * and behind it the application, a server of the same nginx with a log of its own.
 *
 * <p>Clients stand behind a proxy on loopback that nginx trusts, so that they have addresses that
 * can be banned: they say in {@code X-Forwarded-For} who they are.
 */
final class NginxWithRunRig implements AutoCloseable {
  private final Path directory;
  private final Gateway nginx;
  private final RunningIpSentry ipSentry;
  private final int authzPort;

  private NginxWithRunRig(Path directory, Gateway nginx, RunningIpSentry ipSentry, int authzPort) {
    this.directory = directory;
    this.nginx = nginx;
    this.ipSentry = ipSentry;
    this.authzPort = authzPort;
  }

  /**
   * Starts all three.
   *
   * @param rules the {@code rules} section
   * @param denialStatus of refusals, 401 or 403
   */
  static NginxWithRunRig start(Path directory, String rules, int denialStatus) throws IOException {
    int authzPort = Gateway.freePort();
    int applicationPort = Gateway.freePort();
    Gateway nginx =
        NginxForwardAuthIT.startNginx(
            directory,
            "127.0.0.1:" + authzPort,
            "127.0.0.1:" + applicationPort,
            Map.of(
                "200ms",
                "20s",
                "  server {\n    listen",
                """
                  keepalive_requests 1000000;
                  server {
                    listen 127.0.0.1:%d;
                    access_log %s/application.log combined;
                    location / { return 200 "hello\\n"; }
                  }
                  server {
                    set_real_ip_from 127.0.0.1;
                    real_ip_header X-Forwarded-For;
                    listen\
                """
                    .formatted(applicationPort, directory)));
    RunningIpSentry ipSentry;
    try {
      ipSentry =
          RunningIpSentry.start(directory, config(directory, rules, authzPort, denialStatus));
    } catch (RuntimeException | Error e) {
      nginx.close();
      throw e;
    }
    return new NginxWithRunRig(directory, nginx, ipSentry, authzPort);
  }

  private static String config(Path directory, String rules, int authzPort, int denialStatus) {
    return """
    authz:
      http: "127.0.0.1:%d"
      callers: [127.0.0.1]
      failOpen: false
      denial: { status: %d }
    sources:
      - name: nginx
        file: %s/access.log
        format: ngf-json
    trustedProxies: []
    %s
    """
        .formatted(authzPort, denialStatus, directory, rules);
  }

  /** Writes the configuration anew. */
  void configure(String rules, int denialStatus) {
    ipSentry.configure(config(directory, rules, authzPort, denialStatus));
  }

  int port() {
    return nginx.port();
  }

  RunningIpSentry ipSentry() {
    return ipSentry;
  }

  /** Lines of the log of the gateway. */
  List<String> gatewayLog() throws IOException {
    return Files.readAllLines(directory.resolve("access.log"));
  }

  /** Lines of the log of the application: what passed the gateway. */
  List<String> applicationLog() throws IOException {
    return Files.readAllLines(directory.resolve("application.log"));
  }

  @Override
  public void close() {
    ipSentry.close();
    nginx.close();
  }
}
