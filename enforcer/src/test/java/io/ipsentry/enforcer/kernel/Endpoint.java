package io.ipsentry.enforcer.kernel;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * A program that sends and answers packets in the network namespace in which it is started. It is
 * told what to do by lines on its standard input and answers each with a line: {@code ok}, {@code
 * timeout}, {@code refused}, or a number.
 */
final class Endpoint {
  /** Between two datagrams of a stream. */
  private static final long STREAM_NANOS = 200_000;

  /** A stream that nobody stops ends after so many. */
  private static final int MAX_STREAM = 1_000_000;

  private static final Map<String, Socket> CONNECTIONS = new HashMap<>();
  private static final Map<String, AtomicLong> RECEIVED = new ConcurrentHashMap<>();
  private static final AtomicBoolean STREAMING = new AtomicBoolean();
  private static final AtomicLong SENT = new AtomicLong();

  private Endpoint() {}

  /** Obeys until its input ends. */
  public static void main(String[] arguments) throws IOException {
    BufferedReader commands =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      String answer;
      try {
        answer = obey(line.split(" "));
      } catch (InterruptedIOException e) {
        answer = "timeout";
      } catch (ConnectException | PortUnreachableException e) {
        answer = "refused";
      } catch (IOException e) {
        answer = "failed: " + e;
      }
      System.out.println(answer);
    }
    System.exit(0);
  }

  private static String obey(String[] words) throws IOException {
    return switch (words[0]) {
      case "listen" -> listen(words[1], Integer.parseInt(words[2]));
      case "connect" -> connect(words);
      case "echo" -> {
        Socket socket = CONNECTIONS.get(words[1]);
        yield socket == null
            ? "no such connection: " + words[1]
            : echo(socket, Integer.parseInt(words[2]));
      }
      case "say" -> say(words);
      case "udp" -> udp(words);
      case "stream" -> stream(words);
      case "stop" -> {
        STREAMING.set(false);
        yield Long.toString(SENT.get());
      }
      case "sent" -> Long.toString(SENT.get());
      case "received" -> {
        AtomicLong count = RECEIVED.get(InetAddress.getByName(words[1]).getHostAddress());
        yield Long.toString(count == null ? 0 : count.get());
      }
      default -> "unknown: " + words[0];
    };
  }

  /** {@code listen ADDRESS PORT}: answers every byte and every datagram with itself. */
  private static String listen(String address, int port) throws IOException {
    InetSocketAddress at = new InetSocketAddress(address, port);
    ServerSocket server = new ServerSocket();
    server.bind(at);
    DatagramSocket datagrams = new DatagramSocket(at);
    Thread.ofPlatform().daemon().start(() -> accept(server));
    Thread.ofPlatform().daemon().start(() -> answer(datagrams));
    return "ok";
  }

  private static void accept(ServerSocket server) {
    while (true) {
      try {
        Socket socket = server.accept();
        Thread.ofVirtual().start(() -> mirror(socket));
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static void mirror(Socket socket) {
    try (socket) {
      for (int b = socket.getInputStream().read(); b >= 0; b = socket.getInputStream().read()) {
        socket.getOutputStream().write(b);
      }
    } catch (IOException e) {
      // The other side was cut off, which is what is tested; it sees that itself.
      System.err.println("connection of " + socket.getRemoteSocketAddress() + ": " + e);
    }
  }

  private static void answer(DatagramSocket socket) {
    DatagramPacket packet = new DatagramPacket(new byte[64], 64);
    while (true) {
      try {
        packet.setLength(64);
        socket.receive(packet);
        RECEIVED
            .computeIfAbsent(packet.getAddress().getHostAddress(), any -> new AtomicLong())
            .incrementAndGet();
        socket.send(packet);
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** {@code connect NAME SOURCE DESTINATION PORT MILLIS}: opens a connection and uses it once. */
  private static String connect(String[] words) throws IOException {
    int millis = Integer.parseInt(words[5]);
    Socket socket = new Socket();
    socket.setTcpNoDelay(true);
    try {
      socket.bind(new InetSocketAddress(words[2], 0));
      socket.connect(new InetSocketAddress(words[3], Integer.parseInt(words[4])), millis);
    } catch (IOException e) {
      socket.close();
      throw e;
    }
    Socket before = CONNECTIONS.put(words[1], socket);
    if (before != null) {
      before.close();
    }
    return echo(socket, millis);
  }

  /** {@code say NAME MILLIS BASE64}: sends text in one packet and waits until it comes back. */
  private static String say(String[] words) throws IOException {
    Socket socket = CONNECTIONS.get(words[1]);
    if (socket == null) {
      return "no such connection: " + words[1];
    }
    byte[] text = Base64.getDecoder().decode(words[3]);
    socket.setSoTimeout(Integer.parseInt(words[2]));
    socket.getOutputStream().write(text);
    byte[] answer = socket.getInputStream().readNBytes(text.length);
    return Arrays.equals(text, answer) ? "ok" : "closed";
  }

  private static String echo(Socket socket, int millis) throws IOException {
    socket.setSoTimeout(millis);
    socket.getOutputStream().write('x');
    return socket.getInputStream().read() == 'x' ? "ok" : "closed";
  }

  /** {@code udp SOURCE DESTINATION PORT MILLIS}: sends a datagram and waits for its answer. */
  private static String udp(String[] words) throws IOException {
    try (DatagramSocket socket = new DatagramSocket(new InetSocketAddress(words[1], 0))) {
      socket.connect(new InetSocketAddress(words[2], Integer.parseInt(words[3])));
      socket.setSoTimeout(Integer.parseInt(words[4]));
      socket.send(new DatagramPacket(new byte[] {'x'}, 1));
      socket.receive(new DatagramPacket(new byte[64], 64));
      return "ok";
    }
  }

  /** {@code stream SOURCE DESTINATION PORT}: sends datagrams until {@code stop}. */
  private static String stream(String[] words) throws IOException {
    DatagramSocket socket = new DatagramSocket(new InetSocketAddress(words[1], 0));
    InetSocketAddress to = new InetSocketAddress(words[2], Integer.parseInt(words[3]));
    STREAMING.set(true);
    SENT.set(0);
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try (socket) {
            for (int i = 0; i < MAX_STREAM && STREAMING.get(); i++) {
              socket.send(new DatagramPacket(new byte[] {'s'}, 1, to));
              SENT.incrementAndGet();
              LockSupport.parkNanos(STREAM_NANOS);
            }
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
        });
    return "ok";
  }
}
