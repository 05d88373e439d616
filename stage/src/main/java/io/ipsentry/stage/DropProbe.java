package io.ipsentry.stage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.DatagramChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Tells when a node's kernel began to drop what somebody sends: he sends a datagram to each node
 * every millisecond, each with its moment, and the nodes note the last one that arrived. So the
 * answer is the moment at which the first lost one was sent, exact to the pause before it, and of
 * {@link System#nanoTime} of this JVM. Safe for any thread, one address at a time each.
 */
public final class DropProbe implements AutoCloseable {
  private static final int PORT = 9;
  private static final Duration BETWEEN = Duration.ofMillis(1);

  /** After so many lost ones in a row a node is taken to drop. */
  private static final int LOST = 25;

  private final Stage stage;
  private final List<DatagramChannel> sinks = new ArrayList<>();

  /** By node: the moment in the last datagram of each address. */
  private final List<Map<String, Long>> arrived = new ArrayList<>();

  /** Listens on each node. */
  public DropProbe(Stage stage) {
    this.stage = stage;
    for (StageNode node : stage.nodes()) {
      Map<String, Long> moments = new ConcurrentHashMap<>();
      arrived.add(moments);
      DatagramChannel sink =
          node.namespace().call(() -> DatagramChannel.open().bind(new InetSocketAddress(PORT)));
      sinks.add(sink);
      Thread ignored =
          Thread.ofPlatform()
              .daemon()
              .name("drops-" + node.number())
              .start(() -> take(sink, moments));
    }
  }

  private static void take(DatagramChannel sink, Map<String, Long> moments) {
    ByteBuffer datagram = ByteBuffer.allocate(Long.BYTES);
    try {
      while (true) {
        SocketAddress from = sink.receive(datagram.clear());
        if (from instanceof InetSocketAddress internet && !datagram.flip().hasRemaining()) {
          throw new IOException("an empty datagram of " + internet);
        } else if (from instanceof InetSocketAddress internet) {
          Long ignored = moments.put(internet.getAddress().getHostAddress(), datagram.getLong());
        }
      }
    } catch (ClosedChannelException e) {
      // The end.
    } catch (IOException e) {
      throw new UncheckedIOException("cannot receive datagrams", e);
    }
  }

  /**
   * Sends until every node drops, and returns for each when it began.
   *
   * @throws IllegalStateException if one does not within this time, or never received anything
   */
  public List<Long> awaitDrops(String address, Duration atMost) {
    List<List<Long>> sent = new ArrayList<>();
    stage.nodes().forEach(node -> sent.add(new ArrayList<>()));
    String key = InetAddress.ofLiteral(address).getHostAddress();
    long begun = System.nanoTime();
    try (DatagramChannel channel = open(address)) {
      ByteBuffer datagram = ByteBuffer.allocate(Long.BYTES);
      while (!all(sent, key)) {
        if (System.nanoTime() - begun > atMost.toNanos()) {
          throw new IllegalStateException(address + " is not dropped everywhere after " + atMost);
        }
        for (StageNode node : stage.nodes()) {
          String to = address.contains(":") ? node.address6() : node.address();
          long now = System.nanoTime();
          sent.get(node.number()).add(now);
          int ignored =
              channel.send(
                  datagram.clear().putLong(now).flip(),
                  new InetSocketAddress(InetAddress.ofLiteral(to), PORT));
        }
        LockSupport.parkNanos(BETWEEN.toNanos());
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot send datagrams", e);
    }
    List<Long> drops = new ArrayList<>();
    for (int i = 0; i < sent.size(); i++) {
      Long last = arrived.get(i).remove(key);
      if (last == null) {
        throw new IllegalStateException(address + " never reached node " + i);
      }
      drops.add(sent.get(i).stream().filter(moment -> moment > last).findFirst().orElseThrow());
    }
    return drops;
  }

  private DatagramChannel open(String address) {
    return stage
        .outside()
        .namespace()
        .call(() ->
            DatagramChannel.open().bind(new InetSocketAddress(InetAddress.ofLiteral(address), 0)));
  }

  /** Whether of each node the last datagrams are missing. */
  private boolean all(List<List<Long>> sent, String key) {
    for (int i = 0; i < sent.size(); i++) {
      List<Long> moments = sent.get(i);
      Long last = arrived.get(i).get(key);
      if (moments.size() <= LOST || last == null || moments.get(moments.size() - LOST) <= last) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void close() {
    Ending ending = new Ending();
    for (DatagramChannel sink : sinks) {
      ending.end(() -> {
        try {
          sink.close();
        } catch (IOException e) {
          throw new UncheckedIOException("cannot close", e);
        }
      });
    }
    ending.rethrow();
  }
}
