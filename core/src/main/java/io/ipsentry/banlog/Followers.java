package io.ipsentry.banlog;

import io.ipsentry.ban.SequencedEvent;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The subscriptions of one log: starts them, wakes them when events come, ends them. For whoever
 * implements {@link BanLog}. Safe for any thread.
 */
public final class Followers {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Set<FollowLoop> running = ConcurrentHashMap.newKeySet();
  private final long pollMillis;
  private long knownHead;
  private boolean closed;

  /**
   * @param pollMillis a waiting loop looks again after this time, as other processes may append
   */
  public Followers(long pollMillis) {
    this.pollMillis = pollMillis;
  }

  /** Reads events as {@link BanLog#read} does; may be behind what other processes appended. */
  @FunctionalInterface
  public interface Reader {
    /** Events in order; empty: none yet. */
    List<SequencedEvent> read(long from, int max);
  }

  /**
   * Begins to deliver, as {@link BanLog#follow} says.
   *
   * @throws IllegalArgumentException if {@code from} is below 1
   * @throws BanLogException after {@link #close}
   */
  public BanLog.Subscription follow(Reader log, long from, BanLog.Sink sink) {
    if (from < 1) {
      throw new IllegalArgumentException("events are numbered from 1, is " + from);
    }
    FollowLoop loop = new FollowLoop(log, from, sink, this);
    lock.lock();
    try {
      if (closed) {
        throw BanLogException.permanent("the ban log is closed");
      }
      running.add(loop);
    } finally {
      lock.unlock();
    }
    loop.start();
    return loop;
  }

  /** Tells the loops that the log goes up to a number. */
  public void appended(long head) {
    lock.lock();
    try {
      knownHead = Math.max(knownHead, head);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Ends all subscriptions and waits for them; new ones are refused. */
  public void close() {
    lock.lock();
    try {
      closed = true;
    } finally {
      lock.unlock();
    }
    for (FollowLoop loop : List.copyOf(running)) {
      loop.close();
    }
  }

  /** A loop has ended or is to end; called after it was marked so. */
  void ended(FollowLoop loop) {
    running.remove(loop);
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns when there may be an event with the number, the loop is closed, or it is time to look.
   */
  void awaitBeyond(FollowLoop loop, long next) {
    lock.lock();
    try {
      long left = TimeUnit.MILLISECONDS.toNanos(pollMillis);
      while (left > 0 && knownHead < next && !loop.isClosed()) {
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw BanLogException.permanent("following the ban log was interrupted", e);
    } finally {
      lock.unlock();
    }
  }
}
