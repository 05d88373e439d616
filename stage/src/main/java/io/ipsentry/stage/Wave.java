package io.ipsentry.stage;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Requests that are sent at the moments at which they are due, whatever became of those before (an
 * open loop). Confined to the thread that runs it, whose network namespace is that of its sockets.
 */
public final class Wave {
  /** An answer this long after the last request was sent is not waited for. */
  private static final Duration GRACE = Duration.ofSeconds(1);

  /** A request that is sent later than this after it was due is counted. */
  private static final long LATE_NANOS = 1_000_000;

  private static final int BUFFER_BYTES = 8 << 10;
  private static final byte[] END_OF_HEAD = {'\r', '\n', '\r', '\n'};
  private static final int STATUS_AT = "HTTP/1.1 ".length();
  private static final int STATUS_LENGTH = 3;
  private static final int FORBIDDEN = 403;

  private final Plan plan;
  private final byte[] request;
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
  private final Deque<SelectionKey> idle = new ArrayDeque<>();
  private int sent;
  private int passed;
  private int refused;
  private int late;
  private int broken;
  private long sendingNanos;

  /**
   * What is sent.
   *
   * @param from clients, who send by turns; the ports are 0
   * @param target of a GET
   * @param requests all together
   * @param interval between two requests
   * @param isKept whether a request takes any connection that has nothing to do, and a new one if
   *     there is none; else each has a connection of its own. For one client only.
   */
  public record Plan(
      List<InetSocketAddress> from,
      InetSocketAddress to,
      String target,
      int requests,
      Duration interval,
      boolean isKept) {
    /** Checks the clients. */
    public Plan {
      from = List.copyOf(from);
      if (from.isEmpty() || isKept && from.size() > 1) {
        throw new IllegalArgumentException("clients: " + from.size());
      }
    }
  }

  /**
   * What became of it.
   *
   * @param passed answers with another status than 403
   * @param refused answers with status 403
   * @param late requests that were sent more than a millisecond after they were due
   * @param sendingMicros from the first request to the last
   */
  public record Result(int sent, int passed, int refused, int late, long sendingMicros) {
    /** Requests that were answered in any way. */
    public int answered() {
      return passed + refused;
    }
  }

  /** Prepares it. */
  public Wave(Plan plan) {
    this.plan = plan;
    request =
        ("GET "
                + plan.target()
                + " HTTP/1.1\r\nHost: app.example\r\n"
                + (plan.isKept() ? "" : "Connection: close\r\n")
                + "\r\n")
            .getBytes(StandardCharsets.US_ASCII);
  }

  /** Sends, and returns when all is answered or nothing more is to be expected. */
  public Result run() throws IOException {
    long interval = plan.interval().toNanos();
    long start = System.nanoTime();
    try (Selector selector = Selector.open()) {
      while (sent < plan.requests() || isWorthWaiting(start)) {
        long now = System.nanoTime();
        while (sent < plan.requests() && now - start - sent * interval >= 0) {
          if (now - start - sent * interval > LATE_NANOS) {
            late++;
          }
          sendingNanos = now - start;
          send(selector);
          sent++;
          now = System.nanoTime();
        }
        long untilDue = sent < plan.requests() ? start + sent * interval - now : GRACE.toNanos();
        // A selector knows whole milliseconds only. The rest of one is slept through: asking again
        // and again would take a processor from who is attacked.
        if (untilDue >= 1_000_000) {
          selector.select(untilDue / 1_000_000);
        } else {
          LockSupport.parkNanos(untilDue);
          selector.selectNow();
        }
        for (SelectionKey key : selector.selectedKeys()) {
          proceed(key);
        }
        selector.selectedKeys().clear();
      }
      for (SelectionKey key : selector.keys()) {
        key.channel().close();
      }
    }
    return new Result(sent, passed, refused, late, sendingNanos / 1_000);
  }

  private boolean isWorthWaiting(long start) {
    return passed + refused + broken < sent
        && System.nanoTime() - start - sendingNanos < GRACE.toNanos();
  }

  private void send(Selector selector) throws IOException {
    SelectionKey key = idle.poll();
    if (key == null) {
      SocketChannel channel = SocketChannel.open();
      channel.configureBlocking(false);
      channel.bind(plan.from().get(sent % plan.from().size()));
      key = channel.register(selector, SelectionKey.OP_CONNECT);
      if (!channel.connect(plan.to())) {
        return;
      }
    }
    write(key);
  }

  private void write(SelectionKey key) throws IOException {
    SocketChannel channel = (SocketChannel) key.channel();
    int written = channel.write(ByteBuffer.wrap(request));
    if (written != request.length) {
      throw new IOException("a request does not fit into the buffer of its socket");
    }
    key.interestOps(SelectionKey.OP_READ);
  }

  /** A connection that breaks is one request without an answer, as one that hangs. */
  private void proceed(SelectionKey key) throws IOException {
    SocketChannel channel = (SocketChannel) key.channel();
    try {
      if (key.isConnectable()) {
        boolean ignored = channel.finishConnect();
        write(key);
      } else if (key.isReadable()) {
        read(key, channel);
      }
    } catch (IOException e) {
      broken++;
      channel.close();
    }
  }

  /** An answer is short, or ends with its connection: one read has all of it. */
  private void read(SelectionKey key, SocketChannel channel) throws IOException {
    buffer.clear();
    int length = channel.read(buffer);
    if (length < 0) {
      throw new IOException("closed without an answer");
    }
    if (!holdsHead(length)) {
      throw new IOException("part of an answer");
    }
    String status = new String(buffer.array(), STATUS_AT, STATUS_LENGTH, StandardCharsets.US_ASCII);
    if (Integer.parseInt(status) == FORBIDDEN) {
      refused++;
    } else {
      passed++;
    }
    if (plan.isKept()) {
      idle.add(key);
    } else {
      channel.close();
    }
  }

  private boolean holdsHead(int length) {
    for (int i = 0; i + END_OF_HEAD.length <= length; i++) {
      if (buffer.slice(i, END_OF_HEAD.length).equals(ByteBuffer.wrap(END_OF_HEAD))) {
        return true;
      }
    }
    return false;
  }
}
