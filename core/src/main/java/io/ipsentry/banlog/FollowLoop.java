package io.ipsentry.banlog;

import io.ipsentry.ban.SequencedEvent;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The delivery of one subscription: reads the log from a position and waits at its end, on one
 * virtual thread.
 */
final class FollowLoop implements BanLog.Subscription {
  /** Most events handed to a sink at once. */
  static final int MAX_EVENTS = 1_000;

  private static final Logger LOGGER = LoggerFactory.getLogger(FollowLoop.class);

  private final Followers.Reader log;
  private final BanLog.Sink sink;
  private final Followers followers;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Thread thread;
  private volatile boolean closed;

  FollowLoop(Followers.Reader log, long from, BanLog.Sink sink, Followers followers) {
    this.log = log;
    this.sink = sink;
    this.followers = followers;
    this.thread = Thread.ofVirtual().name("ban-log-follow").unstarted(() -> run(from));
  }

  void start() {
    thread.start();
  }

  boolean isClosed() {
    return closed;
  }

  private void run(long from) {
    try {
      deliver(from);
    } catch (RuntimeException e) {
      // A sink or a log may fail in any way; the follower must hear of it, whatever it is.
      fail(e);
    } finally {
      followers.ended(this);
      ended.countDown();
    }
  }

  private void deliver(long from) {
    long next = from;
    while (!closed) {
      List<SequencedEvent> events = log.read(next, MAX_EVENTS);
      if (events.isEmpty()) {
        followers.awaitBeyond(this, next);
      } else if (!closed) {
        sink.events(events);
        next = events.getLast().seq() + 1;
      }
    }
  }

  private void fail(RuntimeException cause) {
    if (closed) {
      return;
    }
    closed = true;
    try {
      sink.failed(cause);
    } catch (RuntimeException e) {
      e.addSuppressed(cause);
      LOGGER.atError().setCause(e).log("ban log follower failed, and failed to hear of it");
    }
  }

  @Override
  public void close() {
    closed = true;
    followers.ended(this);
    if (!Thread.currentThread().equals(thread)) {
      awaitEnd();
    }
  }

  private void awaitEnd() {
    boolean interrupted = false;
    while (true) {
      try {
        ended.await();
        break;
      } catch (InterruptedException e) {
        // The promise that no call is running outweighs; the interrupt is handed on.
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
