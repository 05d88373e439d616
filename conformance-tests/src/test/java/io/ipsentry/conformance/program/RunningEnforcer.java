package io.ipsentry.conformance.program;

import io.ipsentry.testing.NetworkNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code ip-sentry enforcer} as a process in a network namespace, that follows an owner. */
public final class RunningEnforcer implements AutoCloseable {
  private final ProgramProcess process;

  private RunningEnforcer(ProgramProcess process) {
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
      List<String> arguments = new ArrayList<>(List.of("enforcer", "--config", file.toString()));
      arguments.addAll(owner);
      ProgramProcess process = new ProgramProcess("enforcer", directory);
      process.start(node.command(IpSentry.command(arguments)));
      return new RunningEnforcer(process);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the configuration", e);
    }
  }

  /** Ends it with SIGTERM and returns its exit code. */
  public int stop() {
    return process.stop();
  }

  /** Ends it with SIGKILL. */
  public void kill() {
    int ignored = process.kill();
  }

  /** Waits until it has ended by itself, and returns its exit code. */
  public int awaitEnd() {
    return process.awaitEnd();
  }

  /** What it logged. */
  public String log() {
    return process.log();
  }

  @Override
  public void close() {
    process.close();
  }
}
