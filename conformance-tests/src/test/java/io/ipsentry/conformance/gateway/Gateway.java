package io.ipsentry.conformance.gateway;

import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A real gateway, set up with the example of {@code docs/examples/attach/} that people copy, with
 * addresses and paths replaced.
 */
final class Gateway implements AutoCloseable {
  private static final Path EXAMPLES = Path.of("..", "docs", "examples", "attach");

  private final Process process;
  private final int port;
  private final Path output;

  private Gateway(Process process, int port, Path output) {
    this.process = process;
    this.port = port;
    this.output = output;
  }

  /**
   * Starts it and waits until it listens on 127.0.0.1.
   *
   * @param directory its output goes to {@code gateway.out} there
   */
  static Gateway start(
      Path directory, int port, Map<String, String> environment, List<String> command)
      throws IOException {
    Path output = directory.resolve("gateway.out");
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    builder.environment().putAll(environment);
    Process process =
        builder
            .redirectErrorStream(true)
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()))
            .start();
    Gateway gateway = new Gateway(process, port, output);
    try {
      await("gateway listens")
          .atMost(RunningIpSentry.PATIENCE)
          .until(() -> !process.isAlive() || listens(port));
      if (!process.isAlive()) {
        throw new AssertionError("the gateway ended: " + Files.readString(output));
      }
    } catch (RuntimeException | Error e) {
      gateway.close();
      throw e;
    }
    return gateway;
  }

  /**
   * An example with its addresses replaced.
   *
   * @param replacements what stands in the example, and by what to replace it; each must be there
   */
  static String example(String name, Map<String, String> replacements) {
    String text;
    try {
      text = Files.readString(EXAMPLES.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException("no example " + name, e);
    }
    for (Map.Entry<String, String> replacement : replacements.entrySet()) {
      if (!text.contains(replacement.getKey())) {
        throw new AssertionError(name + " does not contain: " + replacement.getKey());
      }
      text = text.replace(replacement.getKey(), replacement.getValue());
    }
    return text;
  }

  /** A port of loopback that is free now. */
  static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("no free port", e);
    }
  }

  /** Where it answers clients. */
  int port() {
    return port;
  }

  /** What it wrote. */
  String output() {
    try {
      return Files.readString(output, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the gateway's output", e);
    }
  }

  private static boolean listens(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
