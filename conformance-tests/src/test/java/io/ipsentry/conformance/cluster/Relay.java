package io.ipsentry.conformance.cluster;

import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.NetworkNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Makes a port of this host's loopback reachable under the same number in a network namespace. */
public final class Relay implements AutoCloseable {
  private final int port;
  private final ServerSocketChannel listener;
  private final Process program;

  private Relay(int port, ServerSocketChannel listener, Process program) {
    this.port = port;
    this.listener = listener;
    this.program = program;
  }

  /** Starts it and waits until it listens. */
  public static Relay start(NetworkNamespace namespace, int port) {
    try {
      Path directory = Files.createTempDirectory("relay");
      Path socket = directory.resolve("s");
      ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      var ignored = listener.bind(UnixDomainSocketAddress.of(socket));
      Path out = directory.resolve("out");
      Process program =
          new ProcessBuilder(
                  namespace.command(
                      List.of(
                          Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                          "-XX:+UseSerialGC",
                          "-XX:TieredStopAtLevel=1",
                          "-cp",
                          System.getProperty("java.class.path"),
                          RelayProgram.class.getName(),
                          Integer.toString(port),
                          socket.toString())))
              .redirectErrorStream(true)
              .redirectOutput(out.toFile())
              .start();
      Relay relay = new Relay(port, listener, program);
      Thread accepting = Thread.ofVirtual().start(relay::accept);
      await("relay")
          .atMost(RunningIpSentry.PATIENCE)
          .until(() -> accepting.isAlive() && Files.readString(out).contains("listening"));
      return relay;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start the relay", e);
    }
  }

  private void accept() {
    while (listener.isOpen()) {
      try {
        SocketChannel client = listener.accept();
        Thread ignored = Thread.ofVirtual().start(() -> serve(client));
      } catch (IOException e) {
        // Closed, which the loop sees.
      }
    }
  }

  private void serve(SocketChannel client) {
    try (client;
        Socket server = new Socket(InetAddress.getLoopbackAddress(), port)) {
      RelayProgram.join(
          Channels.newInputStream(client),
          Channels.newOutputStream(client),
          server.getInputStream(),
          server.getOutputStream());
    } catch (IOException e) {
      // One side is away: the other sees its connection end.
    }
  }

  @Override
  public void close() {
    program.destroyForcibly();
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot close the relay", e);
    }
  }
}
