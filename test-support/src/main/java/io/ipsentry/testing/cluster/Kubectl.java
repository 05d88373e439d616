package io.ipsentry.testing.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * The real {@code kubectl}, as a person at the {@link TestCluster} uses it. Immutable; safe for any
 * thread.
 */
public final class Kubectl {
  /** A command that has not ended by then is killed. */
  public static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Path program;
  private final List<String> always;
  private final Map<String, String> environment;

  Kubectl(Path program, Path kubeconfig, Path home) {
    this(
        program,
        List.of(),
        Map.of("KUBECONFIG", kubeconfig.toString(), "HOME", home.toString(), "LC_ALL", "C.UTF-8"));
  }

  private Kubectl(Path program, List<String> always, Map<String, String> environment) {
    this.program = program;
    this.always = List.copyOf(always);
    this.environment = Map.copyOf(environment);
  }

  /**
   * How a command ended.
   *
   * @param out standard output
   * @param err standard error
   */
  public record Outcome(int exitCode, String out, String err) {}

  /**
   * The same with options before every command, such as {@code --namespace=a} or {@code --as=b}.
   */
  public Kubectl with(String... options) {
    List<String> more = new ArrayList<>(always);
    more.addAll(List.of(options));
    return new Kubectl(program, more, environment);
  }

  /** The same with a variable in its environment, such as {@code KUBE_EDITOR}. */
  public Kubectl withEnvironment(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(environment);
    more.put(name, value);
    return new Kubectl(program, always, more);
  }

  /**
   * Runs a command to its end and returns its standard output.
   *
   * @throws IllegalStateException if it ends with another code than 0, with what it complained of
   */
  public String run(String... arguments) {
    return successful(List.of(arguments), "");
  }

  /** {@link #run} with {@code input} on its standard input, for {@code -f -}. */
  public String feed(String input, String... arguments) {
    return successful(List.of(arguments), input);
  }

  /** Runs a command to its end, whatever that is. */
  public Outcome attempt(String... arguments) {
    return attempt(List.of(arguments), "");
  }

  /**
   * Starts a command and does not wait, such as {@code get --watch} or an {@code edit} that stays
   * open. The caller ends it.
   */
  public Process start(ProcessBuilder.Redirect output, String... arguments) {
    try {
      return builder(List.of(arguments)).redirectErrorStream(true).redirectOutput(output).start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start kubectl", e);
    }
  }

  private String successful(List<String> arguments, String input) {
    Outcome outcome = attempt(arguments, input);
    if (outcome.exitCode() != 0) {
      throw new IllegalStateException(
          "kubectl " + String.join(" ", arguments) + " ended with " + outcome);
    }
    return outcome.out();
  }

  private Outcome attempt(List<String> arguments, String input) {
    try {
      Process process = builder(arguments).start();
      CompletableFuture<String> out = text(process.getInputStream()::readAllBytes);
      CompletableFuture<String> err = text(process.getErrorStream()::readAllBytes);
      try (var in = process.getOutputStream()) {
        in.write(input.getBytes(StandardCharsets.UTF_8));
      } catch (IOException e) {
        // It ended without reading all: how it ended says why.
        if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
          process.destroyForcibly();
          throw new UncheckedIOException("kubectl reads no input", e);
        }
      }
      if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
        throw new IllegalStateException("kubectl does not end: " + arguments + err.join());
      }
      return new Outcome(process.exitValue(), out.join(), err.join());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start kubectl", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while kubectl runs", e);
    }
  }

  private ProcessBuilder builder(List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(program.toString());
    command.addAll(always);
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    return builder;
  }

  /** Reads one output to its end beside the other, so that neither pipe fills up. */
  private static CompletableFuture<String> text(Reading reading) {
    CompletableFuture<String> text = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(() -> {
          try {
            text.complete(new String(reading.all(), StandardCharsets.UTF_8));
          } catch (IOException e) {
            text.completeExceptionally(e);
          }
        });
    return text;
  }

  @FunctionalInterface
  private interface Reading {
    byte[] all() throws IOException;
  }
}
