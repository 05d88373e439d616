package io.ipsentry.conformance.program;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * {@code ip-sentry agent} as a process that can be killed and started again. Everything it needs
 * lies in one directory, its checkpoints too.
 */
public final class RunningAgent implements AutoCloseable {
  private final Path directory;
  private final List<String> owner;
  private final MetricsPort metrics = new MetricsPort();
  private final ProgramProcess process;

  private RunningAgent(Path directory, List<String> owner) {
    this.directory = directory;
    this.owner = owner;
    process = new ProgramProcess("agent", directory);
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param directory of its own
   * @param owner options that name who counts; none: the configuration does
   * @param config YAML without metrics
   */
  public static RunningAgent start(Path directory, List<String> owner, String config) {
    RunningAgent agent = launch(directory, owner, config);
    agent.awaitReady();
    return agent;
  }

  /** As {@link #start(Path, List, String)}, without waiting until it is ready. */
  public static RunningAgent launch(Path directory, List<String> owner, String config) {
    RunningAgent agent = new RunningAgent(directory, owner);
    try {
      Path ignored =
          Files.writeString(
              directory.resolve("agent.yaml"),
              config + "metrics: { listen: \"127.0.0.1:%d\" }%n".formatted(agent.metrics.port()));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the configuration", e);
    }
    agent.launch();
    return agent;
  }

  /** Waits until it is ready; one that does not get so is ended, and its log shown. */
  public void awaitReady() {
    try {
      process.awaitReady(() -> metrics.status("/readyz") == 200);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /** What becomes of a second process with the same checkpoints. */
  public IpSentry.Result second() {
    return IpSentry.run(arguments().toArray(new String[0]));
  }

  private List<String> arguments() {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "agent",
                "--config",
                directory.resolve("agent.yaml").toString(),
                "--checkpoints",
                directory.resolve("agent.db").toString()));
    arguments.addAll(owner);
    return arguments;
  }

  /** Starts it again after {@link #kill}, without waiting until it is ready. */
  public void launch() {
    process.start(IpSentry.command(arguments()));
  }

  /** Value of a sample of {@code /metrics}; empty if there is none. */
  public OptionalDouble metric(String sample) {
    return metrics.metric(sample);
  }

  /** The body of {@code /metrics}. */
  public String metrics() {
    return metrics.body("/metrics");
  }

  /** Ends it with SIGKILL. */
  public void kill() {
    int ignored = process.kill();
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
  }
}
