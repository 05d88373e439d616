package io.ipsentry.conformance.program;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/** {@code ip-sentry authz-server} as a process, that asks an owner on its admin socket. */
public final class RunningAuthzServer implements AutoCloseable {
  private final int httpPort = Gateways.freePort();
  private final int grpcPort = Gateways.freePort();
  private final MetricsPort metrics = new MetricsPort();
  private final HttpClient client =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  private final ProgramProcess process;

  private RunningAuthzServer(Path directory) {
    process = new ProgramProcess("authz-server", directory);
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param directory of its own, not the owner's
   * @param rules YAML: the rules
   */
  public static RunningAuthzServer start(Path directory, Path ownerSocket, String rules) {
    return start(directory, List.of("--socket", ownerSocket.toString()), rules);
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param directory of its own, not the owner's
   * @param owner options that name the owner
   * @param rules YAML: the rules, and sources
   */
  public static RunningAuthzServer start(Path directory, List<String> owner, String rules) {
    return start(directory, owner, rules, "127.0.0.1");
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param directory of its own, not the owner's
   * @param owner options that name the owner
   * @param rules YAML: the rules, and sources
   * @param proxies that are trusted, as in a list of YAML
   */
  public static RunningAuthzServer start(
      Path directory, List<String> owner, String rules, String proxies) {
    RunningAuthzServer server = new RunningAuthzServer(directory);
    try {
      Path config =
          Files.writeString(
              directory.resolve("authz.yaml"),
              rules
                  + """
                  authz:
                    { listen: "127.0.0.1:%d", http: "127.0.0.1:%d", callers: [127.0.0.1] }
                  trustedProxies: [%s]
                  metrics: { listen: "127.0.0.1:%d" }
                  """
                      .formatted(server.grpcPort, server.httpPort, proxies, server.metrics.port()));
      List<String> command = new ArrayList<>(List.of("authz-server", "--config"));
      command.add(config.toString());
      command.addAll(owner);
      server.process.start(IpSentry.command(command));
      server.process.awaitReady(() -> server.status("/readyz") == 200);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the configuration", e);
    } catch (RuntimeException | Error e) {
      server.close();
      throw e;
    }
    return server;
  }

  /** Port of gRPC for Envoys. */
  public int grpcPort() {
    return grpcPort;
  }

  /** What forward-auth answers for a request of a client. */
  public int ask(String client, String target) {
    return ask("", client, target);
  }

  /**
   * The same by a policy.
   *
   * @param policy its name; empty: the default one
   */
  public int ask(String policy, String client, String target) {
    return Gateways.forwardAuth(this.client, httpPort, policy, client, target).statusCode();
  }

  /** Value of a sample of {@code /metrics}; empty if there is none. */
  public OptionalDouble metric(String sample) {
    return metrics.metric(sample);
  }

  /** The body of {@code /metrics}. */
  public String metrics() {
    return metrics.body("/metrics");
  }

  /** Status of a path beside the metrics; 0: nobody listens. */
  public int status(String path) {
    return metrics.status(path);
  }

  /** Ends it with SIGTERM and returns its exit code. */
  public int stop() {
    return process.stop();
  }

  /** What it logged. */
  public String log() {
    return process.log();
  }

  @Override
  public void close() {
    process.close();
    metrics.close();
    client.close();
  }
}
