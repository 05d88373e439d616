package io.ipsentry.watcher.source;

import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a stream on a thread of its own, {@link #BLOCKS} blocks of {@value #BLOCK_BYTES} bytes
 * ahead; then it waits, and so does whoever writes into the stream.
 *
 * <p>The blocks go round: one that was taken comes back with {@link #recycle}. One thread takes.
 */
final class ReadAhead implements AutoCloseable {
  static final int BLOCK_BYTES = 128 * 1024;
  static final int BLOCKS = 4;

  private static final Logger logger = LoggerFactory.getLogger(ReadAhead.class);

  private final InputStream in;
  private final Thread thread;
  private final BlockingQueue<Block> full = new ArrayBlockingQueue<>(BLOCKS + 1);
  private final BlockingQueue<byte[]> empty = new ArrayBlockingQueue<>(BLOCKS);
  private volatile Runnable wakeUp = () -> {};
  private volatile boolean closed;

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

  private ReadAhead(String name, InputStream in) {
    this.in = in;
    for (int i = 0; i < BLOCKS; i++) {
      empty.add(new byte[BLOCK_BYTES]);
    }
    // Not a virtual thread: a read of standard input would keep a carrier to itself.
    thread = Thread.ofPlatform().daemon().name(name).unstarted(this::read);
  }

  /** Starts reading; {@code name} is the thread's. */
  static ReadAhead start(String name, InputStream in) {
    ReadAhead ahead = new ReadAhead(name, in);
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
    try {
      while (!closed) {
        byte[] bytes = empty.take();
        int n = in.read(bytes, 0, bytes.length);
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
    try {
      in.close();
    } catch (IOException e) {
      logger.atDebug().setCause(e).log("Stream did not close cleanly");
    }
  }
}
