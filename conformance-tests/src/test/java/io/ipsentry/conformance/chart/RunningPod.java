package io.ipsentry.conformance.chart;

import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.Secret;
import io.ipsentry.conformance.program.Gateways;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningIpSentry;
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
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.UnaryOperator;

/**
 * A component as the chart starts it, but for the container: its arguments, the folder with its
 * document, its certificates, the token of its service account, the variables of its pod.
 */
final class RunningPod implements AutoCloseable {
  private final MountedConfig mounted;
  private final Ports ports;
  private final Path log;
  private final Process process;
  private final HttpClient client =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

  private RunningPod(MountedConfig mounted, Ports ports, Path log, Process process) {
    this.mounted = mounted;
    this.ports = ports;
    this.log = log;
    this.process = process;
  }

  /** In place of 9001 to 9004, on loopback. */
  record Ports(int grpc, int http, int metrics, int admin) {
    static Ports free() {
      return new Ports(
          Gateways.freePort(), Gateways.freePort(), Gateways.freePort(), Gateways.freePort());
    }

    String in(String document) {
      return document
          .replace(": :9001", ": 127.0.0.1:" + grpc)
          .replace(": :9002", ": 127.0.0.1:" + http)
          .replace(": :9003", ": 127.0.0.1:" + metrics)
          .replace(": :9004", ": 127.0.0.1:" + admin);
    }
  }

  /**
   * What a pod is given.
   *
   * @param component such as {@code watcher}
   * @param document of the configuration
   * @param certificates those of its Secret that it gets
   * @param kubeconfig of its service account; the token beside it is shown to the leader
   */
  record Spec(
      String component, String document, Secret certificates, Path kubeconfig, String token) {}

  /**
   * Starts it and does not wait.
   *
   * @param directory of its own, short enough for a Unix socket in it
   * @param wrapper makes the command run elsewhere
   */
  static RunningPod launch(Path directory, Spec spec, UnaryOperator<List<String>> wrapper) {
    Ports ports = Ports.free();
    try {
      MountedConfig mounted =
          MountedConfig.in(directory, spec.document(), spec.certificates(), ports::in);
      Files.writeString(mounted.token(), spec.token());
      Path log = directory.resolve("log");
      ProcessBuilder builder =
          new ProcessBuilder(
              wrapper.apply(
                  IpSentry.command(
                      List.of(
                          spec.component(),
                          "--config",
                          mounted.file().toString(),
                          "--log-level",
                          "info"))));
      builder
          .environment()
          .putAll(
              Map.of(
                  "KUBECONFIG",
                  spec.kubeconfig().toString(),
                  "POD_IP",
                  "127.0.0.1",
                  "POD_NAME",
                  spec.component() + "-0"));
      Process process =
          builder
              .redirectInput(Path.of("/dev/null").toFile())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      return new RunningPod(mounted, ports, log, process);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start the program", e);
    }
  }

  /** Waits until its readiness probe would succeed. */
  RunningPod awaitReady() {
    await("ready")
        .atMost(RunningIpSentry.PATIENCE)
        .until(() -> !process.isAlive() || status("/readyz") == 200);
    if (!process.isAlive()) {
      throw new AssertionError("it ended: " + log());
    }
    return this;
  }

  MountedConfig mounted() {
    return mounted;
  }

  /** Its admin socket. */
  Path socket() {
    return mounted.run().resolve("admin.sock");
  }

  /** What forward-auth answers for a request of a client. */
  int ask(String address, String target) {
    return Gateways.forwardAuth(client, ports.http(), address, target).statusCode();
  }

  /** Value of a sample of {@code /metrics}; empty if there is none. */
  OptionalDouble metric(String sample) {
    return get("/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith(sample + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(sample.length() + 1)))
        .findFirst();
  }

  private int status(String path) {
    try {
      return get(path).statusCode();
    } catch (UncheckedIOException e) {
      return 0;
    }
  }

  private HttpResponse<String> get(String path) {
    try {
      return client.send(
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + ports.metrics() + path))
              .timeout(Duration.ofSeconds(10))
              .build(),
          BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException("it does not answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while asking the program", e);
    }
  }

  /** What it logged. */
  String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + log, e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    client.close();
  }
}
