package io.ipsentry.enforcer.sync;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.net.IpPrefix;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What has happened since the loop looked last. Safe for any thread; whoever tells something never
 * waits for the kernel.
 */
final class PendingEvents {
  /** With more events than that, everything is compared instead. */
  static final int MAX_EVENTS = 1 << 16;

  /**
   * What has happened.
   *
   * @param banned prefixes whose bans have changed; empty if everything is to be compared
   * @param everything whether it is not known what has changed
   * @param spared whether allows, protected prefixes or feeds may have changed
   * @param closed whether the loop is to end
   * @param head number of the last event that was told, these included
   * @param since when the first of it happened, nanoseconds of the ticker; 0: nothing has
   */
  record News(
      List<IpPrefix> banned,
      boolean everything,
      boolean spared,
      boolean closed,
      long head,
      long since) {
    /** Whether something is to be carried out, but for an end of the loop. */
    boolean hasChanges() {
      return !banned.isEmpty() || everything || spared;
    }

    /** The same as if nobody waited for it. */
    News rehearsed() {
      return new News(banned, everything, spared, closed, head, 0);
    }
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition told = lock.newCondition();
  private List<IpPrefix> banned = new ArrayList<>();
  private boolean everything;
  private boolean spared;
  private boolean closed;
  private long head;
  private long since;

  void event(BanEvent event, long seq, long nanos) {
    lock.lock();
    try {
      head = seq;
      happened(nanos);
      switch (event) {
        case BanEvent.Ban ban -> keep(ban.ip());
        case BanEvent.Unban unban -> keep(unban.ip());
        case BanEvent.Allow allow -> spared = true;
        case BanEvent.Disallow disallow -> spared = true;
        case BanEvent.Feed feed -> spared = true;
      }
    } finally {
      lock.unlock();
    }
  }

  private void keep(IpPrefix ip) {
    if (banned.size() < MAX_EVENTS) {
      banned.add(ip);
    } else {
      everything = true;
    }
  }

  /** The bans up to an event are known, and not what has changed. */
  void everything(long seq, long nanos) {
    lock.lock();
    try {
      head = Math.max(head, seq);
      happened(nanos);
      everything = true;
    } finally {
      lock.unlock();
    }
  }

  void spared(long nanos) {
    lock.lock();
    try {
      happened(nanos);
      spared = true;
    } finally {
      lock.unlock();
    }
  }

  void close() {
    lock.lock();
    try {
      closed = true;
      told.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void happened(long nanos) {
    since = since == 0 ? Math.max(1, nanos) : since;
    told.signalAll();
  }

  /** How many events wait. */
  int size() {
    lock.lock();
    try {
      return banned.size();
    } finally {
      lock.unlock();
    }
  }

  /** Since when something waits; 0: nothing does. */
  long since() {
    lock.lock();
    try {
      return since;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until something happens, at most so long, and takes it. */
  News await(long nanos) throws InterruptedException {
    lock.lock();
    try {
      long left = nanos;
      while (left > 0 && banned.isEmpty() && !everything && !spared && !closed) {
        left = told.awaitNanos(left);
      }
      return take();
    } finally {
      lock.unlock();
    }
  }

  /** What else somebody waits for; looked at with the lock held. */
  @FunctionalInterface
  interface Other {
    boolean isThere();
  }

  /** Has {@link #awaitChanges} look again whether the other thing is there. */
  void wake() {
    lock.lock();
    try {
      told.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until something has changed of which is known what, or the other thing is there, or the
   * loop is to end; takes the changes. What is not known stays, and everything behind it.
   *
   * @param takes false: all changes stay
   */
  News awaitChanges(boolean takes, Other other) throws InterruptedException {
    lock.lock();
    try {
      while (!closed && !(takes && hasKnown()) && !other.isThere()) {
        told.await();
      }
      return takes && hasKnown() ? take() : nothing();
    } finally {
      lock.unlock();
    }
  }

  /** Takes bans and unbans, if there is nothing else; never waits. */
  News takeBans() {
    lock.lock();
    try {
      return hasKnown() && !spared && !closed ? take() : nothing();
    } finally {
      lock.unlock();
    }
  }

  private boolean hasKnown() {
    return !everything && (!banned.isEmpty() || spared);
  }

  private News nothing() {
    return new News(List.of(), false, false, closed, head, 0);
  }

  /** Waits until an event is told, at most so long; returns whether it is. */
  boolean awaitHead(long seq, long nanos) throws InterruptedException {
    lock.lock();
    try {
      long left = nanos;
      while (left > 0 && head < seq && !closed) {
        left = told.awaitNanos(left);
      }
      return head >= seq;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until closed, at most so long, whatever else happens; returns whether it is closed. */
  boolean awaitClosed(long nanos) throws InterruptedException {
    lock.lock();
    try {
      long left = nanos;
      while (left > 0 && !closed) {
        left = told.awaitNanos(left);
      }
      return closed;
    } finally {
      lock.unlock();
    }
  }

  private News take() {
    News news = new News(everything ? List.of() : banned, everything, spared, closed, head, since);
    banned = new ArrayList<>();
    everything = false;
    spared = false;
    since = 0;
    return news;
  }
}
