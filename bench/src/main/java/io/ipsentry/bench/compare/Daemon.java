package io.ipsentry.bench.compare;

import io.ipsentry.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A process that runs until it is closed; its output goes to a file. */
final class Daemon implements AutoCloseable {
  /** For which a program may take to get ready, or to end. */
  static final Duration PATIENCE = Duration.ofSeconds(90);

  private static final int LOOK_MILLIS = 5;
  private static final int SHOWN_CHARACTERS = 2_000;

  private final Process process;
  private final Path output;

  private Daemon(Process process, Path output) {
    this.process = process;
    this.output = output;
  }

  /** Starts it in a network namespace, or in that of this process where there is none given. */
  static Daemon start(
      @Nullable NetworkNamespace node,
      Path output,
      Map<String, String> environment,
      List<String> command)
      throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(node == null ? command : node.command(command))
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder.environment().putAll(environment);
    return new Daemon(builder.start(), output);
  }

  long pid() {
    return process.pid();
  }

  /**
   * Waits until a file has a text, as its own output has in the end.
   *
   * @throws TooSlowException if it has not in {@link #PATIENCE}
   * @throws IllegalStateException if the process has ended without it
   */
  void await(Path file, String text) throws IOException, InterruptedException {
    await(file, text, PATIENCE);
  }

  void await(Path file, String text, Duration patience) throws IOException, InterruptedException {
    long end = System.nanoTime() + patience.toNanos();
    while (!Files.exists(file)
        || !Files.readString(file, StandardCharsets.ISO_8859_1).contains(text)) {
      if (!process.isAlive()) {
        throw new IllegalStateException(
            "it has ended without '%s' in %s: %s".formatted(text, file, tail(file)));
      }
      if (System.nanoTime() > end) {
        throw new TooSlowException("no '%s' in %d s".formatted(text, patience.toSeconds()));
      }
      Thread.sleep(LOOK_MILLIS);
    }
  }

  void await(String text) throws IOException, InterruptedException {
    await(output, text);
  }

  private String tail(Path file) throws IOException {
    Path shown = Files.exists(file) ? file : output;
    String whole = Files.readString(shown, StandardCharsets.ISO_8859_1);
    return whole.substring(Math.max(0, whole.length() - SHOWN_CHARACTERS));
  }

  /** Ends it without letting it clean up, as a power cut would. */
  void kill() {
    process.destroyForcibly();
    join();
  }

  @Override
  public void close() {
    process.destroy();
    if (!join()) {
      process.destroyForcibly();
      join();
    }
  }

  private boolean join() {
    try {
      return process.waitFor(60, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
