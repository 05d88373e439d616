package io.ipsentry.conformance.gateway;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * A client with an address of its own choice: {@code ProbeProgram FROM TO PORT PATH…} asks for each
 * path over a connection of its own.
 */
final class ProbeProgram {
  /** Where the status stands in {@code HTTP/1.1 200 OK}. */
  private static final int STATUS_START = 9;

  private static final int STATUS_END = 12;

  private ProbeProgram() {}

  /** Prints the status of each answer; ends with code 0 when every request was answered. */
  public static void main(String[] arguments) throws IOException {
    InetSocketAddress from = new InetSocketAddress(InetAddress.ofLiteral(arguments[0]), 0);
    InetSocketAddress to =
        new InetSocketAddress(InetAddress.ofLiteral(arguments[1]), Integer.parseInt(arguments[2]));
    for (int i = 3; i < arguments.length; i++) {
      try (Socket socket = new Socket()) {
        socket.setSoTimeout(10_000);
        socket.bind(from);
        socket.connect(to, 10_000);
        String request =
            "GET " + arguments[i] + " HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n";
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        byte[] answer = socket.getInputStream().readAllBytes();
        if (answer.length < STATUS_END) {
          throw new IOException("no answer to " + arguments[i]);
        }
        String start = new String(answer, 0, STATUS_END, StandardCharsets.US_ASCII);
        System.out.println(start.substring(STATUS_START));
      }
    }
  }
}
