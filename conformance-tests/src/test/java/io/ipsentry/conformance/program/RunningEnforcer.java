package io.ipsentry.conformance.program;

import io.ipsentry.testing.NetworkNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code ip-sentry enforcer} as a process in a network namespace, that follows an owner. */
public final class RunningEnforcer implements AutoCloseable {
  private final Path log;
  private final Process process;

  private RunningEnforcer(Path log, Process process) {
    this.log = log;
    this.process = process;
  }

  /**
   * Starts it and does not wait.
   *
   * @param directory of its own, not the owner's
   * @param config YAML: the section {@code enforcer}, and what is never banned; {@code metrics}, if
   *     they are to be elsewhere than on port 9003 of the loopback address
   */
  public static RunningEnforcer launch(
      NetworkNamespace node, Path directory, Path ownerSocket, String config) {
    return launch(node, directory, List.of("--socket", ownerSocket.toString()), config);
  }

  /**
   * As {@link #launch(NetworkNamespace, Path, Path, String)}.
   *
   * @param owner options that name the owner; none: the configuration names the log
   */
  public static RunningEnforcer launch(
      NetworkNamespace node, Path directory, List<String> owner, String config) {
    try {
      String metrics =
          config.contains("metrics:") ? "" : "metrics: { listen: \"127.0.0.1:9003\" }\n";
      Path file = Files.writeString(directory.resolve("enforcer.yaml"), config + metrics);
      Path log = directory.resolve("enforcer.log");
      List<String> arguments = new ArrayList<>(List.of("enforcer", "--config", file.toString()));
      arguments.addAll(owner);
      List<String> command = IpSentry.command(arguments);
      return new RunningEnforcer(
          log,
          new ProcessBuilder(node.command(command))
              .redirectInput(Path.of("/dev/null").toFile())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
              .start());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start the program", e);
    }
  }

  /** Ends it with SIGTERM and returns its exit code. */
  public int stop() throws InterruptedException {
    process.destroy();
    return awaitEnd();
  }

  /** Ends it with SIGKILL. */
  public void kill() throws InterruptedException {
    process.destroyForcibly();
    int ignored = awaitEnd();
  }

  /** Waits until it has ended by itself, and returns its exit code. */
  public int awaitEnd() throws InterruptedException {
    if (!process.waitFor(RunningIpSentry.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("ip-sentry enforcer does not end: " + log());
    }
    return process.exitValue();
  }

  /** What it logged. */
  public String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + log, e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
