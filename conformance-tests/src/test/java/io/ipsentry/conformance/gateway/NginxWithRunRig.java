package io.ipsentry.conformance.gateway;

import io.ipsentry.conformance.program.RunningIpSentry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The whole of one host: nginx with the example configuration, {@code ip-sentry run} that it asks,
 * and behind it the application, a server of the same nginx with a log of its own.
 *
 * <p>Clients stand behind a proxy on loopback that nginx trusts, so that they have addresses that
 * can be banned: they say in {@code X-Forwarded-For} who they are.
 */
public final class NginxWithRunRig implements AutoCloseable {
  private final Path directory;
  private final Gateway nginx;
  private final RunningIpSentry ipSentry;
  private final Places places;

  /**
   * What the configuration must name.
   *
   * @param httpPort where nginx asks
   * @param grpcPort one that is free
   * @param accessLog of nginx
   */
  public record Places(int httpPort, int grpcPort, Path accessLog) {}

  private NginxWithRunRig(Path directory, Gateway nginx, RunningIpSentry ipSentry, Places places) {
    this.directory = directory;
    this.nginx = nginx;
    this.ipSentry = ipSentry;
    this.places = places;
  }

  /**
   * Starts all three.
   *
   * @param rules the {@code rules} section
   * @param denialStatus of refusals, 401 or 403
   */
  static NginxWithRunRig start(Path directory, String rules, int denialStatus) throws IOException {
    return start(directory, places -> config(rules, places, denialStatus));
  }

  /**
   * Starts all three.
   *
   * @param config YAML without store, admin and metrics
   */
  public static NginxWithRunRig start(Path directory, Function<Places, String> config)
      throws IOException {
    Places places =
        new Places(Gateway.freePort(), Gateway.freePort(), directory.resolve("access.log"));
    int applicationPort = Gateway.freePort();
    Gateway nginx =
        NginxForwardAuthIT.startNginx(
            directory,
            "127.0.0.1:" + places.httpPort(),
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
                    location /missing/ { return 404; }
                  }
                  server {
                    set_real_ip_from 127.0.0.1;
                    real_ip_header X-Forwarded-For;
                    listen\
                """
                    .formatted(applicationPort, directory)));
    RunningIpSentry ipSentry;
    try {
      ipSentry = RunningIpSentry.start(directory, config.apply(places));
    } catch (RuntimeException | Error e) {
      nginx.close();
      throw e;
    }
    return new NginxWithRunRig(directory, nginx, ipSentry, places);
  }

  private static String config(String rules, Places places, int denialStatus) {
    return """
    authz:
      http: "127.0.0.1:%d"
      callers: [127.0.0.1]
      failOpen: false
      denial: { status: %d }
    sources:
      - name: nginx
        file: %s
        format: ngf-json
    trustedProxies: []
    %s
    """
        .formatted(places.httpPort(), denialStatus, places.accessLog(), rules);
  }

  /** Writes the configuration anew. */
  void configure(String rules, int denialStatus) {
    ipSentry.configure(config(rules, places, denialStatus));
  }

  /** Writes the configuration anew: YAML without store, admin and metrics. */
  public void configure(Function<Places, String> config) {
    ipSentry.configure(config.apply(places));
  }

  /** Where nginx answers clients. */
  public int port() {
    return nginx.port();
  }

  /** Where the program answers gateways over HTTP. */
  public int httpPort() {
    return places.httpPort();
  }

  /** Where it answers Envoy, if it is configured so. */
  public int grpcPort() {
    return places.grpcPort();
  }

  public RunningIpSentry ipSentry() {
    return ipSentry;
  }

  /** Lines of the log of the gateway. */
  public List<String> gatewayLog() throws IOException {
    return Files.readAllLines(directory.resolve("access.log"));
  }

  /** Lines of the log of the application: what passed the gateway. */
  List<String> applicationLog() throws IOException {
    return Files.readAllLines(directory.resolve("application.log"));
  }

  /** What nginx complained about. */
  public List<String> gatewayErrors() throws IOException {
    return Files.readAllLines(directory.resolve("error.log"));
  }

  @Override
  public void close() {
    ipSentry.close();
    nginx.close();
  }
}
