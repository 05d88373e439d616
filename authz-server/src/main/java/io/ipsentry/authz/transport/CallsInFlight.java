package io.ipsentry.authz.transport;

import io.netty.util.concurrent.FastThreadLocal;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Calls that have begun and not ended, bounded. Each thread counts those that it began, for the
 * reason that {@link ThreadCounts} gives: a call begins and ends on one thread nearly always.
 *
 * <p>Threads that enter at one moment may not see each other: the bound is exceeded by one call a
 * thread at most (and, while a thread ends, by the calls that it leaves). Safe for any thread.
 */
public final class CallsInFlight {
  /** Of all threads that enter; replaced as a whole, under the lock of this. */
  private volatile OfThread[] threads = new OfThread[0];

  /** Of threads that have ended, less the calls that ended on another thread than they began. */
  private final AtomicInteger elsewhere = new AtomicInteger();

  private final FastThreadLocal<OfThread> own =
      new FastThreadLocal<>() {
        @Override
        protected OfThread initialValue() {
          OfThread added = new OfThread(Thread.currentThread());
          synchronized (CallsInFlight.this) {
            OfThread[] all = Arrays.copyOf(threads, threads.length + 1);
            all[all.length - 1] = added;
            threads = all;
          }
          return added;
        }

        @Override
        protected void onRemoval(OfThread removed) {
          synchronized (CallsInFlight.this) {
            threads =
                Arrays.stream(threads).filter(of -> !of.equals(removed)).toArray(OfThread[]::new);
            elsewhere.addAndGet(removed.count());
          }
        }
      };

  /** A place among the calls of the thread on which a call began. */
  public static final class OfThread {
    private static final VarHandle COUNT = count("count");

    private final Thread thread;

    @SuppressWarnings("UnusedVariable") // Through the handle.
    private int count;

    private int begun;

    private OfThread(Thread thread) {
      this.thread = thread;
    }

    private static VarHandle count(String field) {
      try {
        return MethodHandles.lookup().findVarHandle(OfThread.class, field, int.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    private int count() {
      return (int) COUNT.getOpaque(this);
    }

    private void add(int by) {
      COUNT.setOpaque(this, count + by);
    }

    /**
     * Calls that the thread has begun, with the last one; wraps around. Only for the thread itself.
     */
    public int begun() {
      return begun;
    }
  }

  /**
   * Begins a call.
   *
   * @param max how many may be in flight with it
   * @return what {@link #leave} is to be given once; null: there are so many already
   */
  public @Nullable OfThread enter(int max) {
    OfThread mine = own.get();
    if (count() >= max) {
      return null;
    }
    mine.add(1);
    mine.begun++;
    return mine;
  }

  /** Ends a call; to be called once, by any thread. */
  public void leave(OfThread place) {
    if (place.thread.equals(Thread.currentThread())) {
      place.add(-1);
    } else {
      elsewhere.decrementAndGet();
    }
  }

  /** Calls in flight now. */
  public int count() {
    int sum = elsewhere.get();
    for (OfThread thread : threads) {
      sum += thread.count();
    }
    return sum;
  }
}
