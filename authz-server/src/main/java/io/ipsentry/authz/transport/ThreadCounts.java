package io.ipsentry.authz.transport;

import io.netty.util.concurrent.FastThreadLocal;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * Numbers that every request adds to. Each thread has its own, so that adding needs no atomic
 * instruction: one of those waits for all that the thread wrote before, and a check has five
 * numbers. Reading adds up those of all threads.
 *
 * <p>Made once per process, server or policy, never per request: Netty keeps a place for it in each
 * of its threads. Quick on Netty's threads, right on all. Safe for any thread.
 */
public final class ThreadCounts {
  private static final VarHandle ELEMENT = MethodHandles.arrayElementVarHandle(long[].class);

  /** Guards itself and {@link #ended}. */
  private final List<long[]> running = new ArrayList<>();

  private final long[] ended;
  private final FastThreadLocal<long[]> own = new OwnCounts();

  private final class OwnCounts extends FastThreadLocal<long[]> {
    @Override
    protected long[] initialValue() {
      long[] counts = new long[ended.length];
      synchronized (running) {
        running.add(counts);
      }
      return counts;
    }

    /** The thread ends: its numbers stay, its memory does not. */
    @Override
    protected void onRemoval(long[] counts) {
      synchronized (running) {
        running.remove(counts);
        for (int i = 0; i < counts.length; i++) {
          ended[i] += counts[i];
        }
      }
    }
  }

  /**
   * @param size how many numbers; all are 0
   */
  public ThreadCounts(int size) {
    ended = new long[size];
  }

  /** The numbers of one thread. Only for that thread, and not when it is about to end. */
  public static final class OfThread {
    private final long[] counts;

    private OfThread(long[] counts) {
      this.counts = counts;
    }

    /** Adds one to a number. */
    public void increment(int number) {
      ThreadCounts.add(counts, number, 1);
    }
  }

  /** Those of the current thread: who counts at every request need not look them up again. */
  public OfThread ofThread() {
    return new OfThread(own.get());
  }

  /** Adds one to a number. */
  public void increment(int number) {
    add(number, 1);
  }

  /** Adds to a number. */
  public void add(int number, long by) {
    add(own.get(), number, by);
  }

  /** Adds to two numbers. */
  public void add(int number, long by, int other, long otherBy) {
    long[] counts = own.get();
    add(counts, number, by);
    add(counts, other, otherBy);
  }

  private static void add(long[] counts, int number, long by) {
    // Opaque: no other thread writes it, and one that reads sees all of the number, soon.
    ELEMENT.setOpaque(counts, number, counts[number] + by);
  }

  /** A number; what is being added meanwhile is in it or not. */
  public long sum(int number) {
    synchronized (running) {
      long sum = ended[number];
      for (long[] counts : running) {
        sum += (long) ELEMENT.getOpaque(counts, number);
      }
      return sum;
    }
  }
}
