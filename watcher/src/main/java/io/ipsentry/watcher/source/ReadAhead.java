package io.ipsentry.watcher.source;

import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a stream on a thread of its own, as a rule {@link #BLOCKS} blocks of {@value #BLOCK_BYTES}
 * bytes ahead; then it waits, and so does whoever writes into the stream.
 *
 * <p>The blocks go round: one that was taken comes back with {@link #recycle}. One thread takes.
 */
final class ReadAhead implements AutoCloseable {
  static final int BLOCK_BYTES = 128 * 1024;
  static final int BLOCKS = 4;

  private static final Logger logger = LoggerFactory.getLogger(ReadAhead.class);

  private final Opening opening;
  private final int blocks;
  private final int blockBytes;
  private final Thread thread;
  private final BlockingQueue<Block> full;
  private final BlockingQueue<byte[]> empty;
  private volatile @Nullable InputStream in;
  private volatile Runnable wakeUp = () -> {};
  private volatile boolean closed;

  /** Gives the stream, on the reading thread; may wait. */
  @FunctionalInterface
  interface Opening {
    InputStream open() throws IOException, InterruptedException;
  }

  /** Some bytes of the stream, or its end. */
  static final class Block {
    private final byte[] bytes;
    private final int length;
    private final @Nullable IOException failure;

    private Block(byte[] bytes, int length, @Nullable IOException failure) {
      this.bytes = bytes;
      this.length = length;
      this.failure = failure;
    }

    byte[] bytes() {
      return bytes;
    }

    /** How many of the bytes hold; -1 at the end. */
    int length() {
      return length;
    }

    /** Why the stream ended; null if it just did. */
    @Nullable IOException failure() {
      return failure;
    }

    boolean isEnd() {
      return length < 0;
    }
  }

  private ReadAhead(
      Opening opening, int blocks, int blockBytes, Thread.Builder threads, Runnable wakeUp) {
    this.opening = opening;
    this.blocks = blocks;
    this.blockBytes = blockBytes;
    this.wakeUp = wakeUp;
    full = new ArrayBlockingQueue<>(blocks + 1);
    empty = new ArrayBlockingQueue<>(blocks);
    thread = threads.unstarted(this::read);
  }

  /** Starts reading; {@code name} is the thread's. */
  static ReadAhead start(String name, InputStream in) {
    // Not a virtual thread: a read of standard input would keep a carrier to itself.
    ReadAhead ahead =
        new ReadAhead(
            () -> in, BLOCKS, BLOCK_BYTES, Thread.ofPlatform().daemon().name(name), () -> {});
    ahead.in = in;
    ahead.thread.start();
    return ahead;
  }

  /**
   * Starts opening and reading on a virtual thread.
   *
   * @param wakeUp called on it whenever a block is ready
   */
  static ReadAhead startVirtual(
      String name, Opening opening, int blocks, int blockBytes, Runnable wakeUp) {
    ReadAhead ahead =
        new ReadAhead(opening, blocks, blockBytes, Thread.ofVirtual().name(name), wakeUp);
    ahead.thread.start();
    return ahead;
  }

  /** Sets what to call on the reading thread whenever a block is ready, and calls it once now. */
  void onReady(Runnable call) {
    wakeUp = call;
    call.run();
  }

  /** The next block, or null while there is none. */
  @Nullable Block poll() {
    return full.poll();
  }

  /** The next block, which stays; or null while there is none. */
  @Nullable Block peek() {
    return full.peek();
  }

  /** Bytes that wait, about. */
  long waitingBytes() {
    long bytes = 0;
    for (Block block : full) {
      bytes += Math.max(block.length(), 0);
    }
    return bytes;
  }

  /** Waits for the next block. */
  Block take() throws InterruptedException {
    return full.take();
  }

  void recycle(Block block) {
    if (!block.isEnd() && !empty.offer(block.bytes())) {
      throw new IllegalStateException("more blocks came back than were given");
    }
  }

  private void read() {
    IOException failure = null;
    int made = 0;
    try {
      InputStream from = opening.open();
      in = from;
      while (!closed) {
        byte[] bytes = made < blocks ? empty.poll() : empty.take();
        if (bytes == null) {
          bytes = new byte[blockBytes];
          made++;
        }
        int n = from.read(bytes, 0, bytes.length);
        if (n < 0) {
          break;
        }
        full.put(new Block(bytes, n, null));
        wakeUp.run();
      }
    } catch (IOException e) {
      failure = e;
    } catch (InterruptedException e) {
      // Only close() interrupts; nobody takes any more.
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      // Whatever a client throws when it is closed: whoever takes must see the end.
      failure = new IOException("the stream cannot be read: " + e, e);
    }
    if (closed) {
      // It may have been opened after close() looked.
      closeStream();
    }
    // There is room for the end beside all blocks.
    if (!full.offer(new Block(new byte[0], -1, failure)) && !closed) {
      throw new IllegalStateException("no room for the end of the stream");
    }
    wakeUp.run();
  }

  /** Ends the thread, as soon as a read that does not listen to interrupts returns. */
  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    closeStream();
  }

  private void closeStream() {
    InputStream open = in;
    try {
      if (open != null) {
        open.close();
      }
    } catch (IOException e) {
      logger.atDebug().setCause(e).log("Stream did not close cleanly");
    }
  }
}
