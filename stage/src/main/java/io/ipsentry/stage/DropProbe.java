package io.ipsentry.stage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Tells when a node's kernel began to drop what somebody sends: he sends a datagram to each node
 * every millisecond, each with its moment, and it is looked which arrived. So the answer is the
 * moment at which the first lost one was sent, exact to the pause before it, and of {@link
 * System#nanoTime} of this JVM. Safe for any thread; one address at a time.
 */
public final class DropProbe implements AutoCloseable {
  private static final int PORT = 9;
  private static final Duration BETWEEN = Duration.ofMillis(1);

  /** After so many lost ones in a row the kernel is asked whether it drops. */
  private static final int LOST = 10;

  private final List<Sink> sinks = new ArrayList<>();
  private final Stage stage;

  /** Where datagrams arrive at a node, and what became of those of the present address. */
  private static final class Sink {
    private final StageNode node;
    private final DatagramChannel channel;
    private final ByteBuffer datagram = ByteBuffer.allocate(Long.BYTES);
    private final List<Long> sent = new ArrayList<>();
    private long arrived;
    private boolean isDropping;

    Sink(StageNode node) {
      this.node = node;
      channel =
          node.namespace()
              .call(() -> {
                DatagramChannel opened = DatagramChannel.open().bind(new InetSocketAddress(PORT));
                var ignored = opened.configureBlocking(false);
                return opened;
              });
    }

    void begin() {
      sent.clear();
      arrived = 0;
      isDropping = false;
    }

    void send(DatagramChannel from, String address) throws IOException {
      String to = address.contains(":") ? node.address6() : node.address();
      long now = System.nanoTime();
      sent.add(now);
      int ignored =
          from.send(
              datagram.clear().putLong(now).flip(),
              new InetSocketAddress(InetAddress.ofLiteral(to), PORT));
    }

    /** Takes what has arrived, which is in order, and may be of the address before. */
    void take(String address) throws IOException {
      for (SocketAddress from = channel.receive(datagram.clear());
          from != null;
          from = channel.receive(datagram.clear())) {
        if (from instanceof InetSocketAddress internet
            && internet.getAddress().equals(InetAddress.ofLiteral(address))) {
          arrived = datagram.flip().getLong();
        }
      }
      if (!isDropping && arrived != 0 && sent.size() > LOST) {
        boolean isLosing = sent.get(sent.size() - LOST) - arrived > 0;
        // Only late, on a machine with much to do? The kernel knows.
        isDropping = isLosing && node.drops(address);
      }
    }

    long dropped() {
      return sent.stream().filter(moment -> moment - arrived > 0).findFirst().orElseThrow();
    }
  }

  /** Listens on each node. */
  public DropProbe(Stage stage) {
    this.stage = stage;
    stage.nodes().forEach(node -> sinks.add(new Sink(node)));
  }

  /**
   * Sends until every node drops, and returns for each when it began.
   *
   * @param attack called once a datagram has arrived at each node: what comes then may be dropped
   * @throws IllegalStateException if one does not within this time, or never received anything
   */
  public synchronized List<Long> awaitDrops(String address, Runnable attack, Duration atMost) {
    sinks.forEach(Sink::begin);
    long begun = System.nanoTime();
    boolean attacked = false;
    try (DatagramChannel channel = open(address)) {
      while (!sinks.stream().allMatch(sink -> sink.isDropping)) {
        if (System.nanoTime() - begun > atMost.toNanos()) {
          throw new IllegalStateException(address + " is not dropped everywhere after " + atMost);
        }
        for (Sink sink : sinks) {
          sink.send(channel, address);
        }
        LockSupport.parkNanos(BETWEEN.toNanos());
        for (Sink sink : sinks) {
          sink.take(address);
        }
        if (!attacked && sinks.stream().allMatch(sink -> sink.arrived != 0)) {
          attacked = true;
          attack.run();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot send datagrams", e);
    }
    return sinks.stream().map(Sink::dropped).toList();
  }

  private DatagramChannel open(String address) {
    return stage
        .outside()
        .namespace()
        .call(() ->
            DatagramChannel.open().bind(new InetSocketAddress(InetAddress.ofLiteral(address), 0)));
  }

  @Override
  public void close() {
    Ending ending = new Ending();
    for (Sink sink : sinks) {
      ending.end(() -> {
        try {
          sink.channel.close();
        } catch (IOException e) {
          throw new UncheckedIOException("cannot close", e);
        }
      });
    }
    ending.rethrow();
  }
}
