package io.ipsentry.conformance.program;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** {@code ip-sentry authz-server} as a process, that asks an owner on its admin socket. */
public final class RunningAuthzServer implements AutoCloseable {
  private final Path directory;
  private final int httpPort = Gateways.freePort();
  private final int grpcPort = Gateways.freePort();
  private final int metricsPort = Gateways.freePort();
  private final HttpClient client =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  private @Nullable Process process;

  private RunningAuthzServer(Path directory) {
    this.directory = directory;
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
                      .formatted(server.grpcPort, server.httpPort, proxies, server.metricsPort));
      List<String> command = new ArrayList<>(List.of("authz-server", "--config"));
      command.add(config.toString());
      command.addAll(owner);
      server.process =
          new ProcessBuilder(IpSentry.command(command))
              .redirectInput(Path.of("/dev/null").toFile())
              .redirectOutput(directory.resolve("authz.out").toFile())
              .redirectError(directory.resolve("authz.log").toFile())
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start the program", e);
    }
    try {
      await("ready")
          .atMost(RunningIpSentry.PATIENCE)
          .until(() -> !server.isAlive() || server.status("/readyz") == 200);
    } catch (RuntimeException | Error e) {
      System.out.println("authz.log: " + server.log());
      server.close();
      throw e;
    }
    if (!server.isAlive()) {
      throw new AssertionError("ip-sentry authz-server ended: " + server.log());
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
    HttpResponse<String> response = fetch("/metrics");
    return response == null
        ? OptionalDouble.empty()
        : response
            .body()
            .lines()
            .filter(line -> line.startsWith(sample + " "))
            .mapToDouble(line -> Double.parseDouble(line.substring(sample.length() + 1)))
            .findFirst();
  }

  /** The body of {@code /metrics}. */
  public String metrics() {
    HttpResponse<String> response = fetch("/metrics");
    if (response == null) {
      throw new AssertionError("no metrics: " + log());
    }
    return response.body();
  }

  /** Status of a path beside the metrics; 0: nobody listens. */
  public int status(String path) {
    HttpResponse<String> response = fetch(path);
    return response == null ? 0 : response.statusCode();
  }

  /** Ends it with SIGTERM and returns its exit code. */
  public int stop() throws InterruptedException {
    Process running = process;
    if (running == null) {
      throw new IllegalStateException("the program was not started");
    }
    running.destroy();
    if (!running.waitFor(RunningIpSentry.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("ip-sentry authz-server does not end: " + log());
    }
    return running.exitValue();
  }

  /** What it logged. */
  public String log() {
    try {
      return Files.readString(directory.resolve("authz.log"));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read authz.log", e);
    }
  }

  @Override
  public void close() {
    if (process != null) {
      process.destroyForcibly();
    }
    client.close();
  }

  private boolean isAlive() {
    return process != null && process.isAlive();
  }

  private @Nullable HttpResponse<String> fetch(String path) {
    try {
      return client.send(
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + metricsPort + path))
              .timeout(Duration.ofSeconds(10))
              .build(),
          BodyHandlers.ofString());
    } catch (IOException e) {
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while asking the program", e);
    }
  }
}
