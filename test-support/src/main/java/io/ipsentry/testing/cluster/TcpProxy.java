package io.ipsentry.testing.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * A network between clients and a server that fails on demand: passes TCP connections on, byte for
 * byte, and stalls or cuts them.
 *
 * <p>Connections of a client that speaks TLS are cut as any other: it cannot tell this from a
 * broken network. Safe for any thread.
 */
public final class TcpProxy implements AutoCloseable {
  /** More open connections than these are refused. */
  private static final int MAX_CONNECTIONS = 256;

  private static final int BUFFER_BYTES = 16 * 1024;
  private static final int CONNECT_TIMEOUT_MILLIS = 5_000;
  private static final long UNLIMITED = Long.MAX_VALUE;

  private final InetSocketAddress server;
  private final ServerSocket listener;
  private final Set<Connection> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger accepted = new AtomicInteger();
  private final LongAdder replied = new LongAdder();
  private final Object gate = new Object();
  private volatile boolean stalled;
  private volatile boolean losesReplies;
  private volatile long replyBytes = UNLIMITED;

  private TcpProxy(InetSocketAddress server, ServerSocket listener) {
    this.server = server;
    this.listener = listener;
    Thread ignored = Thread.ofVirtual().name("tcp-proxy").start(this::accept);
  }

  /** Listens on a free port of loopback. */
  public static TcpProxy to(InetSocketAddress server) {
    try {
      return to(server, new ServerSocket(0, MAX_CONNECTIONS, InetAddress.getLoopbackAddress()));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot listen", e);
    }
  }

  /** Takes clients from a listener, such as one in another network namespace, and closes it. */
  public static TcpProxy to(InetSocketAddress server, ServerSocket listener) {
    return new TcpProxy(server, listener);
  }

  /** Where clients connect to, on 127.0.0.1. */
  public int port() {
    return listener.getLocalPort();
  }

  /** How many connections clients have opened so far. */
  public int accepted() {
    return accepted.get();
  }

  /** Bytes that the server has sent to clients so far. */
  public long replied() {
    return replied.sum();
  }

  /** Resets all open connections, both ways. New ones are served. */
  public void cut() {
    open.forEach(Connection::reset);
  }

  /**
   * Loses every byte on the connections that are open now, for good, and ends none of them: as a
   * router does that has forgotten them. New ones are served.
   */
  public void forget() {
    open.forEach(connection -> connection.forgotten = true);
  }

  /** Holds every byte in both directions, and new connections, until {@link #restore}. */
  public void stall() {
    stalled = true;
  }

  /**
   * Lets requests through and loses what the server says: from now on, a connection is reset in
   * place of the first bytes that come back on it. What was written has landed, and the client does
   * not know.
   */
  public void loseReplies() {
    losesReplies = true;
  }

  /** Resets each connection once the server has sent so many more bytes on it; 1 or more. */
  public void cutAfter(long bytes) {
    replyBytes = bytes;
    open.forEach(connection -> connection.left = bytes);
  }

  /** The network is well again; what was held goes on. */
  public void restore() {
    losesReplies = false;
    replyBytes = UNLIMITED;
    open.forEach(connection -> connection.left = UNLIMITED);
    synchronized (gate) {
      stalled = false;
      gate.notifyAll();
    }
  }

  /** Resets all connections and listens no more. */
  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot close the proxy", e);
    } finally {
      cut();
      restore();
    }
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        int count = accepted.incrementAndGet();
        Thread ignored =
            Thread.ofVirtual().name("tcp-proxy-client-" + count).start(() -> serve(client));
      } catch (IOException e) {
        // Closed, which the loop sees; or the client has gone already.
      }
    }
  }

  private void serve(Socket client) {
    Connection connection = new Connection(client, new Socket());
    if (open.size() >= MAX_CONNECTIONS) {
      connection.reset();
      return;
    }
    open.add(connection);
    try {
      awaitGate();
      connection.server.connect(server, CONNECT_TIMEOUT_MILLIS);
      // What comes in pieces goes on in pieces, at once, as through a router.
      connection.server.setTcpNoDelay(true);
      connection.client.setTcpNoDelay(true);
      Thread requests = Thread.ofVirtual().start(connection::passRequests);
      connection.passReplies();
      requests.join();
    } catch (IOException e) {
      // The server does not listen: the client sees a reset, as it would behind a load balancer.
      connection.reset();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      connection.reset();
      open.remove(connection);
    }
  }

  private void awaitGate() throws InterruptedException {
    synchronized (gate) {
      while (stalled) {
        gate.wait();
      }
    }
  }

  /** One client's connection and ours to the server. */
  private final class Connection {
    private final Socket client;
    private final Socket server;
    private volatile long left = replyBytes;
    private volatile boolean forgotten;

    Connection(Socket client, Socket server) {
      this.client = client;
      this.server = server;
    }

    void passRequests() {
      pass(client, server, false);
    }

    void passReplies() {
      pass(server, client, true);
    }

    private void pass(Socket from, Socket to, boolean isReply) {
      byte[] buffer = new byte[BUFFER_BYTES];
      try {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
          awaitGate();
          if (forgotten) {
            continue;
          }
          int passed = isReply ? permitted(read) : read;
          out.write(buffer, 0, passed);
          replied.add(isReply ? passed : 0);
          if (passed < read) {
            reset();
            return;
          }
        }
        to.shutdownOutput();
      } catch (IOException e) {
        // One side is gone: so is the other.
        reset();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        reset();
      }
    }

    /** How many of the bytes that the server sent may reach the client. */
    private int permitted(int read) {
      if (losesReplies) {
        return 0;
      }
      long before = left;
      if (before == UNLIMITED) {
        return read;
      }
      left = Math.max(0, before - read);
      return (int) Math.min(before, read);
    }

    /** Both peers get RST, not an orderly end. */
    void reset() {
      reset(client);
      reset(server);
    }

    private static void reset(Socket socket) {
      try {
        if (!socket.isClosed()) {
          socket.setSoLinger(true, 0);
        }
        socket.close();
      } catch (IOException e) {
        // It was closed meanwhile, by the other direction.
      }
    }
  }
}
