package io.ipsentry.authz.hits;

import io.ipsentry.detection.HitReporter;
import io.ipsentry.detection.ReportedHit;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Numbered hits on their way to the owner, kept until they survive a crash of the owner.
 *
 * <p>Holds a bounded number of hits. When it is full, hits that the owner has counted make room
 * first (they would be lost only if the owner crashed just then); else new hits are refused and
 * counted as lost. Safe for any thread; nobody waits but for the lock.
 */
final class ReportQueue implements HitReporter {
  private static final int FIRST_SIZE = 64;

  private final int capacity;
  private final Runnable onReport;

  /** A ring: the hit of a number lies at the number modulo the length. */
  private @Nullable ReportedHit[] ring;

  private long first = 1;
  private int size;
  private long counted;
  private long lost;

  /**
   * @param capacity hits that are kept, at most
   * @param onReport called behind each hit; must not wait
   */
  ReportQueue(int capacity, Runnable onReport) {
    this.capacity = capacity;
    this.onReport = onReport;
    ring = new ReportedHit[Math.min(capacity, FIRST_SIZE)];
  }

  @Override
  public long report(RuleSet rules, Hit hit) {
    ReportedHit reported = ReportedHit.of(rules, hit);
    long number;
    synchronized (this) {
      if (size == capacity && !dropCounted()) {
        lost++;
        return 0;
      }
      if (size == ring.length) {
        grow();
      }
      number = first + size;
      ring[place(number)] = reported;
      size++;
    }
    onReport.run();
    return number;
  }

  private boolean dropCounted() {
    if (first > counted) {
      return false;
    }
    dropFirst();
    return true;
  }

  private void dropFirst() {
    ring[place(first)] = null;
    first++;
    size--;
  }

  private void grow() {
    @Nullable ReportedHit[] before = ring;
    ring = new ReportedHit[(int) Math.min(capacity, before.length * 2L)];
    for (long number = first; number < first + size; number++) {
      ring[place(number)] = before[(int) (number % before.length)];
    }
  }

  private int place(long number) {
    return (int) (number % ring.length);
  }

  /**
   * Takes what the owner says.
   *
   * @param ownerCounted hits up to this number were counted; smaller than before when the owner has
   *     forgotten some
   * @param stored hits up to this number need not be kept
   */
  synchronized void progress(long ownerCounted, long stored) {
    counted = ownerCounted;
    while (size > 0 && first <= stored) {
      dropFirst();
    }
    if (size == 0) {
      // Small again: a flood that is over must not keep its memory.
      if (ring.length > FIRST_SIZE) {
        ring = new ReportedHit[Math.min(capacity, FIRST_SIZE)];
      }
      Arrays.fill(ring, null);
    }
  }

  /** Hits beginning with a number, or with the first that is kept; at most so many. */
  synchronized Part from(long number, int max) {
    long begin = Math.max(number, first);
    List<ReportedHit> part = new ArrayList<>();
    for (long next = begin; next < first + size && part.size() < max; next++) {
      part.add(Objects.requireNonNull(ring[place(next)]));
    }
    return new Part(begin, part);
  }

  /**
   * Consecutive hits.
   *
   * @param first number of the first of them
   */
  record Part(long first, List<ReportedHit> hits) {}

  /** Whether there is a hit with this number or a later one. */
  synchronized boolean reaches(long number) {
    return first + size > number && size > 0;
  }

  /** Hits that are kept. */
  synchronized int size() {
    return size;
  }

  /** Number of the last hit that was taken; 0: none. */
  synchronized long last() {
    return first + size - 1;
  }

  /** Hits that were not taken because there was no room. */
  synchronized long lost() {
    return lost;
  }
}
