package io.ipsentry.conformance.simulation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The network between a client and an owner: a Unix socket whose bytes go to another one, late, in
 * one direction only, or not at all. Bytes of one connection keep their order, as TCP's do; those
 * of two connections need not.
 */
final class FaultyLink implements AutoCloseable {
  private static final int BUFFER_BYTES = 64 << 10;

  private final Path target;
  private final ServerSocketChannel listener;
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Under the lock.
  private boolean up = true;
  private boolean requestsHeld;
  private boolean repliesHeld;

  FaultyLink(Path listen, Path target) {
    this.target = target;
    try {
      listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      listener.bind(UnixDomainSocketAddress.of(listen));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot listen on " + listen, e);
    }
    Thread.startVirtualThread(this::accept);
  }

  /** Nothing is held any more, and new connections are taken. */
  void heal() {
    set(true, false, false);
  }

  /** All connections break, with what is on the way, and no new one comes about. */
  void cut() {
    set(false, false, false);
    connections.forEach(Connection::close);
  }

  /** The owner gets everything, and the client hears nothing. */
  void holdReplies() {
    set(true, false, true);
  }

  /** The client hears what the owner says, who gets nothing. */
  void holdRequests() {
    set(true, true, false);
  }

  /**
   * The clients' ends break, while what is held on its way to the owner stays on its way, and comes
   * when the link heals: maybe behind what a new connection brings.
   */
  void orphan() {
    connections.forEach(connection -> closeQuietly(connection.client));
  }

  private void set(boolean nowUp, boolean requests, boolean replies) {
    lock.lock();
    try {
      up = nowUp;
      requestsHeld = requests;
      repliesHeld = replies;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel client = listener.accept();
        Thread.startVirtualThread(() -> connect(client));
      }
    } catch (ClosedChannelException e) {
      return; // the test is over
    } catch (IOException e) {
      throw new UncheckedIOException("cannot accept", e);
    }
  }

  private boolean isUp() {
    lock.lock();
    try {
      return up;
    } finally {
      lock.unlock();
    }
  }

  private void connect(SocketChannel client) {
    try {
      if (!isUp()) {
        closeQuietly(client);
        return;
      }
      SocketChannel owner = SocketChannel.open(UnixDomainSocketAddress.of(target));
      Connection connection = new Connection(client, owner);
      connections.add(connection);
      if (!isUp()) {
        connection.close();
        return;
      }
      Thread.startVirtualThread(() -> connection.pump(client, owner, true));
      Thread.startVirtualThread(() -> connection.pump(owner, client, false));
    } catch (IOException e) {
      // The owner is away.
      closeQuietly(client);
    }
  }

  @Override
  public void close() {
    cut();
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot close", e);
    }
  }

  private static void closeQuietly(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot close", e);
    }
  }

  private final class Connection {
    private final SocketChannel client;
    private final SocketChannel owner;
    private volatile boolean closed;

    Connection(SocketChannel client, SocketChannel owner) {
      this.client = client;
      this.owner = owner;
    }

    /** Moves bytes until one end closes; what was read before is still delivered. */
    void pump(SocketChannel from, SocketChannel to, boolean requests) {
      ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
      try {
        while (from.read(buffer) >= 0) {
          buffer.flip();
          awaitFree(requests);
          while (buffer.hasRemaining()) {
            to.write(buffer);
          }
          buffer.clear();
        }
        close();
      } catch (IOException e) {
        // One of the ends has gone, and so the whole connection; an orphan only when it is idle.
        if (requests || closed) {
          close();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    private void awaitFree(boolean requests) throws InterruptedException {
      lock.lock();
      try {
        while (!closed && (requests ? requestsHeld : repliesHeld)) {
          changed.await();
        }
      } finally {
        lock.unlock();
      }
    }

    void close() {
      closed = true;
      connections.remove(this);
      closeQuietly(client);
      closeQuietly(owner);
      lock.lock();
      try {
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }
}
