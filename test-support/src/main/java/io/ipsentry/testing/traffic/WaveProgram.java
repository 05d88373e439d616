package io.ipsentry.testing.traffic;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.LockSupport;

/**
 * Clients that ask at the moments at which they are due, whatever became of what they asked before
 * (an open loop). Reads waves from standard input, a line each, and runs them at once, side by
 * side: {@code FROM TO PORT PATH REQUESTS MICROSECONDS_BETWEEN new|kept [QUIET_MILLISECONDS]}.
 * Prints for each, when all is answered or nothing more is to be expected: {@code FROM SENT
 * ANSWERED LATE MICROSECONDS SERVED THIRD LAST}: microseconds from the first request to the last;
 * how many of the answers were no refusals (403); microseconds from the first request to the third
 * of these, and to the last, -1 if there was none.
 *
 * <p>{@code new}: a connection a request. {@code kept}: any connection of the wave that has nothing
 * to do, and a new one if there is none. With {@code QUIET_MILLISECONDS} a wave also ends when it
 * was served nothing for so long, after it was served something.
 */
public final class WaveProgram {
  /** An answer this long after the last request was sent is not waited for. */
  private static final long GRACE_NANOS = 1_000_000_000;

  /** A request that is sent later than this after it was due is counted. */
  private static final long LATE_NANOS = 1_000_000;

  private static final int BUFFER_BYTES = 8 << 10;
  private static final byte[] REFUSAL = {'4', '0', '3'};
  private static final byte[] END_OF_HEAD = {'\r', '\n', '\r', '\n'};

  private final InetSocketAddress from;
  private final InetSocketAddress to;
  private final boolean isKept;
  private final byte[] request;
  private final int requests;
  private final long intervalNanos;
  private final long quietNanos;
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
  private final Deque<SelectionKey> idle = new ArrayDeque<>();
  private int sent;
  private int answered;
  private int late;
  private int broken;
  private long sendingNanos;
  private int served;
  private long thirdNanos = -1_000;
  private long lastNanos = -1_000;

  private WaveProgram(String[] words) {
    from = new InetSocketAddress(InetAddress.ofLiteral(words[0]), 0);
    to = new InetSocketAddress(InetAddress.ofLiteral(words[1]), Integer.parseInt(words[2]));
    requests = Integer.parseInt(words[4]);
    intervalNanos = Long.parseLong(words[5]) * 1_000;
    isKept = "kept".equals(words[6]);
    quietNanos = words.length > 7 ? Long.parseLong(words[7]) * 1_000_000 : Long.MAX_VALUE;
    request =
        ("GET "
                + words[3]
                + " HTTP/1.1\r\nHost: app.example\r\n"
                + (isKept ? "" : "Connection: close\r\n")
                + "\r\n")
            .getBytes(StandardCharsets.US_ASCII);
  }

  /** Ends with its standard input. */
  public static void main(String[] arguments) throws IOException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ", -1);
      Thread.ofPlatform()
          .daemon()
          .name(line)
          .start(() -> {
            try {
              WaveProgram wave = new WaveProgram(words);
              wave.run();
              System.out.println(
                  String.join(
                      " ",
                      words[0],
                      Integer.toString(wave.sent),
                      Integer.toString(wave.answered),
                      Integer.toString(wave.late),
                      Long.toString(wave.sendingNanos / 1_000),
                      Integer.toString(wave.served),
                      Long.toString(wave.thirdNanos / 1_000),
                      Long.toString(wave.lastNanos / 1_000)));
            } catch (IOException e) {
              System.out.println(words[0] + " failed: " + e);
            }
          });
    }
  }

  private void run() throws IOException {
    long start = System.nanoTime();
    try (Selector selector = Selector.open()) {
      while (sent < requests
          || answered + broken < sent && System.nanoTime() - start - sendingNanos < GRACE_NANOS) {
        long now = System.nanoTime();
        if (served > 0 && now - start - lastNanos > quietNanos) {
          break;
        }
        while (sent < requests && now - start - sent * intervalNanos >= 0) {
          if (now - start - sent * intervalNanos > LATE_NANOS) {
            late++;
          }
          sent++;
          sendingNanos = now - start;
          send(selector);
          now = System.nanoTime();
        }
        long untilDue = sent < requests ? start + sent * intervalNanos - now : GRACE_NANOS;
        // A selector knows whole milliseconds only. The rest of one is slept through: asking again
        // and again would take a processor from who is attacked.
        if (untilDue >= 1_000_000) {
          selector.select(untilDue / 1_000_000);
        } else {
          LockSupport.parkNanos(untilDue);
          selector.selectNow();
        }
        for (SelectionKey key : selector.selectedKeys()) {
          proceed(key, start);
        }
        selector.selectedKeys().clear();
      }
      for (SelectionKey key : selector.keys()) {
        key.channel().close();
      }
    }
  }

  private void send(Selector selector) throws IOException {
    SelectionKey key = idle.poll();
    if (key == null) {
      SocketChannel channel = SocketChannel.open();
      channel.configureBlocking(false);
      channel.bind(from);
      key = channel.register(selector, SelectionKey.OP_CONNECT);
      if (!channel.connect(to)) {
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
  private void proceed(SelectionKey key, long start) throws IOException {
    SocketChannel channel = (SocketChannel) key.channel();
    try {
      if (key.isConnectable()) {
        channel.finishConnect();
        write(key);
      } else if (key.isReadable()) {
        read(key, channel);
        if (!isRefusal()) {
          served++;
          lastNanos = System.nanoTime() - start;
          thirdNanos = served == 3 ? lastNanos : thirdNanos;
        }
      }
    } catch (IOException e) {
      broken++;
      channel.close();
    }
  }

  /** An answer is short and without body, or ends with its connection: one read has all of it. */
  private void read(SelectionKey key, SocketChannel channel) throws IOException {
    buffer.clear();
    int length = channel.read(buffer);
    if (length < 0) {
      throw new IOException("closed without an answer");
    }
    if (!holdsHead(length)) {
      throw new IOException("part of an answer");
    }
    answered++;
    if (isKept) {
      idle.add(key);
    } else {
      channel.close();
    }
  }

  /** Whether the answer in the buffer has the status 403. */
  private boolean isRefusal() {
    int status = "HTTP/1.1 ".length();
    return buffer.slice(status, REFUSAL.length).equals(ByteBuffer.wrap(REFUSAL));
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
