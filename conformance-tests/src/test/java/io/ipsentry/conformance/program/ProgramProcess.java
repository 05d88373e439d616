package io.ipsentry.conformance.program;

import static org.awaitility.Awaitility.await;

import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A long-running command of the program as a process, which can be ended and started again. What it
 * says stands in a directory: {@code NAME.out} is its standard output, {@code NAME.log} its
 * standard error, each of all its starts. Confined to one thread, but for {@link #log}.
 */
final class ProgramProcess implements AutoCloseable {
  /** Until a process is ready, or ended. */
  static final Duration PATIENCE = Duration.ofSeconds(60);

  private final String name;
  private final Path directory;
  private @Nullable Process process;

  /**
   * @param name of the command
   */
  ProgramProcess(String name, Path directory) {
    this.name = name;
    this.directory = directory;
  }

  /**
   * Starts it and does not wait.
   *
   * @param command as of {@link IpSentry#command}, others may stand in front that replace
   *     themselves by it
   */
  void start(List<String> command) {
    try {
      process =
          new ProcessBuilder(command)
              .redirectInput(Path.of("/dev/null").toFile())
              .redirectOutput(Redirect.appendTo(directory.resolve(name + ".out").toFile()))
              .redirectError(Redirect.appendTo(directory.resolve(name + ".log").toFile()))
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start the program", e);
    }
  }

  /** Waits until it is ready; one that ends instead, or does not get so in time, fails the test. */
  void awaitReady(BooleanSupplier ready) {
    try {
      await("ready").atMost(PATIENCE).until(() -> !isAlive() || ready.getAsBoolean());
    } catch (RuntimeException | Error e) {
      System.out.println(name + ".log: " + log());
      throw e;
    }
    if (!isAlive()) {
      throw new AssertionError("ip-sentry " + name + " ended: " + log());
    }
  }

  boolean isAlive() {
    return process != null && process.isAlive();
  }

  long pid() {
    return running().pid();
  }

  /** Sends it a signal, such as {@code STOP}. */
  void signal(String signal) {
    Programs.run(List.of("kill", "-" + signal, Long.toString(pid())));
  }

  /** Ends it with SIGTERM and returns its exit code. */
  int stop() {
    return ended(Process::destroy);
  }

  /** Ends it with SIGKILL and returns its exit code. */
  int kill() {
    return ended(Process::destroyForcibly);
  }

  /** Waits until it has ended by itself, and returns its exit code. */
  int awaitEnd() {
    return ended(_ -> {});
  }

  private int ended(Consumer<Process> ending) {
    Process running = running();
    ending.accept(running);
    try {
      if (!running.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        running.destroyForcibly();
        throw new AssertionError("ip-sentry " + name + " does not end: " + log());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while the program ended", e);
    }
    return running.exitValue();
  }

  private Process running() {
    if (process == null) {
      throw new IllegalStateException("the program was not started");
    }
    return process;
  }

  /** What it logged, and why it ended; empty before it is started. */
  String log() {
    Path file = directory.resolve(name + ".log");
    try {
      return Files.exists(file) ? Files.readString(file) : "";
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /** Kills it if it runs. */
  @Override
  public void close() {
    if (isAlive()) {
      int ignored = kill();
    }
  }
}
