package io.ipsentry.conformance.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.traffic.WaveProgram;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A running {@link WaveProgram} in the world around a node; one wave an address at a time. */
final class Waves implements AutoCloseable {
  private final Process process;
  private final BufferedWriter lines;
  private final Map<String, CompletableFuture<Wave>> running = new ConcurrentHashMap<>();

  /**
   * What became of a wave.
   *
   * @param late requests that were sent more than a millisecond after they were due
   * @param micros from the first request to the last
   */
  record Wave(int sent, int answered, int late, int micros) {}

  /** Starts it. */
  Waves(Node node) throws IOException {
    process =
        new ProcessBuilder(
                node.world()
                    .command(
                        List.of(
                            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                            "-XX:+UseSerialGC",
                            "-cp",
                            System.getProperty("java.class.path"),
                            WaveProgram.class.getName())))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    lines = process.outputWriter(StandardCharsets.US_ASCII);
    Thread.ofVirtual().name("waves").start(this::read);
  }

  private void read() {
    try (BufferedReader results = process.inputReader(StandardCharsets.US_ASCII)) {
      for (String line = results.readLine(); line != null; line = results.readLine()) {
        String[] words = line.split(" ", -1);
        CompletableFuture<Wave> wave = running.remove(words[0]);
        if (wave == null) {
          throw new IllegalStateException("not awaited: " + line);
        }
        if ("failed:".equals(words[1])) {
          wave.completeExceptionally(new IOException(line));
        } else {
          wave.complete(
              new Wave(
                  Integer.parseInt(words[1]),
                  Integer.parseInt(words[2]),
                  Integer.parseInt(words[3]),
                  Integer.parseInt(words[4])));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read what became of the waves", e);
    }
  }

  /** Starts a wave: so many requests, evenly, at this rate; each over a connection of its own. */
  CompletableFuture<Wave> start(String from, String path, int requests, int aSecond)
      throws IOException {
    return start(from, path, requests, aSecond, "new");
  }

  /** The same over connections that are kept, a new one only where all others wait. */
  CompletableFuture<Wave> startKept(String from, String path, int requests, int aSecond)
      throws IOException {
    return start(from, path, requests, aSecond, "kept");
  }

  private CompletableFuture<Wave> start(
      String from, String path, int requests, int aSecond, String kind) throws IOException {
    CompletableFuture<Wave> wave = new CompletableFuture<>();
    assertThat(running.putIfAbsent(from, wave)).as("another wave of " + from).isNull();
    lines.write(
        "%s %s 8080 %s %d %d %s\n"
            .formatted(from, Node.ADDRESS, path, requests, 1_000_000 / aSecond, kind));
    lines.flush();
    return wave;
  }

  /** Waits for the end of a wave. */
  static Wave result(CompletableFuture<Wave> wave)
      throws InterruptedException, ExecutionException, TimeoutException {
    return wave.get(RunningIpSentry.PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
