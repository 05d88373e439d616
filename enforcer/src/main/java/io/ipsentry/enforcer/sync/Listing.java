package io.ipsentry.enforcer.sync;

import io.ipsentry.enforcer.kernel.PacketFilter;
import io.ipsentry.enforcer.kernel.PacketFilter.ElementVisitor;
import io.ipsentry.net.IpPrefix;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * The elements that are in the kernel, read by a thread of its own and handed over in chunks, so
 * that who takes them can do other things in between. While nobody takes them, reading waits.
 *
 * <p>Each was there at some moment since the reading began, and need not be any more.
 */
final class Listing implements AutoCloseable {
  private static final int CHUNK_ELEMENTS = 1_024;
  private static final int MAX_CHUNKS = 4;

  private final PacketFilter filter;
  private final Runnable handedOver;
  private final BlockingQueue<Chunk> chunks = new ArrayBlockingQueue<>(MAX_CHUNKS);
  private final Thread thread;
  private Chunk filling = new Chunk();
  private volatile @Nullable RuntimeException failure;
  private volatile boolean abandoned;

  /** Elements; one without any is the last. */
  static final class Chunk {
    private final IpPrefix[] prefixes = new IpPrefix[CHUNK_ELEMENTS];
    private final long[] ends = new long[CHUNK_ELEMENTS];
    private int size;

    private boolean add(IpPrefix prefix, long untilMillis) {
      prefixes[size] = prefix;
      ends[size++] = untilMillis;
      return size == CHUNK_ELEMENTS;
    }

    boolean isLast() {
      return size == 0;
    }

    void forEach(ElementVisitor visitor) {
      for (int i = 0; i < size; i++) {
        visitor.element(prefixes[i], ends[i]);
      }
    }
  }

  /**
   * Begins to read.
   *
   * @param handedOver called by the reading thread whenever there is something to {@link #poll}
   */
  Listing(PacketFilter filter, Runnable handedOver) {
    this.filter = filter;
    this.handedOver = handedOver;
    thread = Thread.ofPlatform().name("enforcer-listing").daemon().start(this::read);
  }

  private void read() {
    try {
      filter.read(this::element);
      if (!filling.isLast()) {
        handOver();
      }
    } catch (RuntimeException e) {
      broken(e);
    } catch (Error e) {
      broken(new IllegalStateException("what is in the kernel cannot be read", e));
    }
    if (!abandoned) {
      handOver();
    }
  }

  private void broken(RuntimeException why) {
    failure = why;
    filling = new Chunk();
  }

  private void element(IpPrefix prefix, long untilMillis) {
    if (filling.add(prefix, untilMillis)) {
      handOver();
    }
  }

  private void handOver() {
    try {
      chunks.put(filling);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("nobody takes the elements any more");
    }
    filling = new Chunk();
    handedOver.run();
  }

  /** Whether {@link #poll} has something. */
  boolean hasNext() {
    return !chunks.isEmpty();
  }

  /**
   * The next elements; null: there are none yet.
   *
   * @throws io.ipsentry.enforcer.kernel.PacketFilterException in place of the last chunk, if not
   *     all could be read
   */
  @Nullable Chunk poll() {
    Chunk next = chunks.poll();
    RuntimeException broken = failure;
    if (next != null && next.isLast() && broken != null) {
      throw broken;
    }
    return next;
  }

  /** Reads no more than it must; a program that has not begun to answer yet goes on for a while. */
  @Override
  public void close() {
    abandoned = true;
    thread.interrupt();
  }

  /** Waits until nothing reads any more. */
  void awaitEnd(Duration longest) throws InterruptedException {
    thread.join(longest);
  }
}
