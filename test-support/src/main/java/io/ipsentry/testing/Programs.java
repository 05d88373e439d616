package io.ipsentry.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Programs of the machine, for tests that declare them with {@link RequiresProgram}. */
public final class Programs {
  /** A program that {@link #run} started is ended after this many seconds. */
  public static final int MAX_RUN_SECONDS = 30;

  private Programs() {}

  /**
   * Path of an executable on the PATH or in the administrators' directories.
   *
   * @throws IllegalStateException if there is none; declare {@link RequiresProgram} on the test
   */
  public static Path path(String name) {
    return find(name).orElseThrow(() -> new IllegalStateException("no such program: " + name));
  }

  /** Path of an executable, where there is one. */
  public static Optional<Path> find(String name) {
    return Surroundings.real().program(name);
  }

  /**
   * Runs a command to its end and returns what it wrote on both outputs.
   *
   * @throws IllegalStateException if it does not end within {@value #MAX_RUN_SECONDS} s, or with
   *     another code than 0
   */
  public static String run(List<String> command) {
    return run(Duration.ofSeconds(MAX_RUN_SECONDS), command);
  }

  /**
   * As {@link #run(List)}, for one that takes longer.
   *
   * @param atMost until it is ended
   */
  public static String run(Duration atMost, List<String> command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      process
          .onExit()
          .orTimeout(atMost.toSeconds(), TimeUnit.SECONDS)
          .exceptionally(e -> {
            process.destroyForcibly();
            return process;
          });
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int code = process.waitFor();
      if (code != 0) {
        throw new IllegalStateException("ended with " + code + ": " + output + command);
      }
      return output;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + command, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while running " + command, e);
    }
  }

  /** {@link #run(List)}. */
  public static String run(String... command) {
    return run(List.of(command));
  }
}
