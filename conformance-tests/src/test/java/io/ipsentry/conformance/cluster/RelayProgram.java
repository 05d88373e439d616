package io.ipsentry.conformance.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/**
 * Listens on a port of loopback in the network namespace in which it is started, and passes each
 * connection on to a Unix socket, which is in no network.
 */
final class RelayProgram {
  private RelayProgram() {}

  /** Arguments: the port, the socket. */
  public static void main(String[] args) throws IOException {
    Path socket = Path.of(args[1]);
    try (ServerSocket listener =
        new ServerSocket(Integer.parseInt(args[0]), 64, InetAddress.getLoopbackAddress())) {
      System.out.println("listening");
      while (true) {
        Socket client = listener.accept();
        Thread ignored = Thread.ofVirtual().start(() -> serve(client, socket));
      }
    }
  }

  private static void serve(Socket client, Path socket) {
    try (client;
        SocketChannel server = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      boolean ignored = server.connect(UnixDomainSocketAddress.of(socket));
      join(
          client.getInputStream(),
          client.getOutputStream(),
          Channels.newInputStream(server),
          Channels.newOutputStream(server));
    } catch (IOException e) {
      // The server is away: the client sees its connection end.
      System.out.println("ended: " + e.getMessage());
    }
  }

  /** Passes both ways until one side ends. */
  static void join(InputStream in, OutputStream out, InputStream otherIn, OutputStream otherOut)
      throws IOException {
    Thread there =
        Thread.ofVirtual()
            .start(() -> {
              try {
                pass(in, otherOut);
                otherOut.close();
              } catch (IOException e) {
                System.out.println("ended: " + e.getMessage());
              }
            });
    try {
      pass(otherIn, out);
    } finally {
      in.close();
      there.interrupt();
    }
  }

  private static void pass(InputStream from, OutputStream to) throws IOException {
    byte[] buffer = new byte[16 * 1024];
    for (int read = from.read(buffer); read >= 0; read = from.read(buffer)) {
      to.write(buffer, 0, read);
      to.flush();
    }
  }
}
