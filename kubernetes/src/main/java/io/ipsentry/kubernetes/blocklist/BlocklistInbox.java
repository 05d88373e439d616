package io.ipsentry.kubernetes.blocklist;

import io.ipsentry.kubernetes.blocklist.BlocklistStore.Found;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What watches tell, until it is taken. Not bounded: a change is a document that somebody wrote,
 * and no change may be dropped; whoever takes them also writes most of them. Safe for any thread.
 */
final class BlocklistInbox implements BlocklistStore.Watcher {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();
  private List<Signal> signals = new ArrayList<>();
  private boolean woken;

  /** Something that happened. */
  sealed interface Signal {}

  /** The blocklist is now this. */
  record Changed(Found found) implements Signal {}

  /** It was deleted. */
  record Deleted() implements Signal {}

  /** It must be looked at anew. */
  record WatchEnded() implements Signal {}

  /** The log must be followed anew. */
  record LogLost() implements Signal {}

  @Override
  public void changed(Found found) {
    add(new Changed(found));
  }

  @Override
  public void deleted() {
    add(new Deleted());
  }

  @Override
  public void ended() {
    add(new WatchEnded());
  }

  void add(Signal signal) {
    lock.lock();
    try {
      signals.add(signal);
      arrived.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Ends a wait: there may be something to do. */
  void wake() {
    lock.lock();
    try {
      woken = true;
      arrived.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes what is there; waits if nothing is.
   *
   * @return in order; empty: woken, or nothing came in time
   */
  List<Signal> await(Duration patience) throws InterruptedException {
    lock.lock();
    try {
      long left = patience.toNanos();
      while (signals.isEmpty() && !woken && left > 0) {
        left = arrived.awaitNanos(left);
      }
      woken = false;
      List<Signal> taken = signals;
      signals = new ArrayList<>();
      return taken;
    } finally {
      lock.unlock();
    }
  }
}
