package io.ipsentry.watcher;

import io.ipsentry.detection.ReportedHit;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * Hits of requests that were answered already, on their way to the thread that counts lines.
 *
 * <p>Holds at most {@value #MAX_HITS} of them; further ones are refused and counted as lost, or are
 * sent again by who waits for an answer. Safe for any thread.
 */
final class HitQueue {
  /** Hits that wait at most. */
  static final int MAX_HITS = 65_536;

  private final ArrayDeque<Batch> batches = new ArrayDeque<>();
  private final LongAdder lost = new LongAdder();
  private final Runnable wakeUp;
  private int hits;

  /** Hits that came together. */
  private record Batch(List<ReportedHit> hits, Runnable counted) {}

  /**
   * @param wakeUp called when the queue is no longer empty
   */
  HitQueue(Runnable wakeUp) {
    this.wakeUp = wakeUp;
  }

  /** Adds a hit; false: it is lost. */
  boolean offer(RuleSet rules, Hit hit) {
    boolean taken = offer(List.of(ReportedHit.of(rules, hit)), () -> {});
    if (!taken) {
      lost.increment();
    }
    return taken;
  }

  /**
   * Adds hits that came together, all or none.
   *
   * @param counted called once they are counted and what follows from them is in the log
   */
  boolean offer(List<ReportedHit> together, Runnable counted) {
    boolean first;
    synchronized (batches) {
      if (hits + together.size() > MAX_HITS) {
        return false;
      }
      first = batches.isEmpty();
      batches.addLast(new Batch(together, counted));
      hits += together.size();
    }
    if (first) {
      wakeUp.run();
    }
    return true;
  }

  /**
   * Hands out all that waits, in order.
   *
   * @return what is to be called when it is counted and what follows is in the log
   */
  List<Runnable> drain(Consumer<ReportedHit> sink) {
    List<Batch> taken;
    synchronized (batches) {
      if (batches.isEmpty()) {
        return List.of();
      }
      taken = new ArrayList<>(batches);
      batches.clear();
      hits = 0;
    }
    List<Runnable> counted = new ArrayList<>(taken.size());
    for (Batch batch : taken) {
      batch.hits().forEach(sink);
      counted.add(batch.counted());
    }
    return counted;
  }

  /** Hits that were lost because there was no room. */
  long lost() {
    return lost.sum();
  }
}
