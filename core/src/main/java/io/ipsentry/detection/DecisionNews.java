package io.ipsentry.detection;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy.Decision;
import io.ipsentry.rule.Verdict;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decisions on their way to the observer, who may write to a log of the process and so wait for a
 * pipe, which requests must not. Bounded: further ones are dropped, and their number is said.
 */
final class DecisionNews {
  private static final Logger logger = LoggerFactory.getLogger(DecisionNews.class);

  private final DetectionObserver observer;
  private final int capacity;
  private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger size = new AtomicInteger();
  private final AtomicInteger dropped = new AtomicInteger();

  DecisionNews(DetectionObserver observer, int capacity) {
    this.observer = observer;
    this.capacity = capacity;
  }

  void decided(Verdict.Reached reached, Decision decision) {
    add(() -> observer.decided(reached, decision));
  }

  void noRoom(Verdict.Reached reached) {
    add(() -> observer.noRoom(reached));
  }

  void provisional(BanEvent.Ban ban) {
    add(() -> observer.provisional(ban));
  }

  private void add(Runnable telling) {
    if (size.get() >= capacity) {
      dropped.incrementAndGet();
    } else {
      size.incrementAndGet();
      waiting.add(telling);
    }
  }

  boolean isWaiting() {
    return size.get() > 0;
  }

  DetectionObserver observer() {
    return observer;
  }

  /** Tells the observer all that waits. */
  void tell() {
    for (Runnable next = waiting.poll(); next != null; next = waiting.poll()) {
      size.decrementAndGet();
      next.run();
    }
    int lost = dropped.getAndSet(0);
    if (lost > 0) {
      logger.atError().addKeyValue("decisions", lost).log("too many decisions to tell of each");
    }
  }
}
