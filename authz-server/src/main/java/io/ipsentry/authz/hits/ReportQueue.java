package io.ipsentry.authz.hits;

import io.ipsentry.detection.HitOutbox;
import io.ipsentry.detection.HitReporter;
import io.ipsentry.detection.ReportedHit;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Numbered hits on their way to the owner, kept until they survive a crash of the owner.
 *
 * <p>Holds a bounded number of hits. When it is full, hits that the owner has counted make room
 * first (they would be lost only if the owner crashed just then); else a new hit that is {@link
 * #report reported} is refused and counted as lost, and hits that are {@link #add added} are taken
 * all the same, for who adds them asks {@link #hasRoom} before. Safe for any thread; nobody waits
 * but for the lock.
 */
final class ReportQueue implements HitReporter, HitOutbox {
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
    this(capacity, onReport, 1, List.of());
  }

  /**
   * One that goes on where another was.
   *
   * @param from number of the first hit
   * @param kept hits that the other one kept
   */
  ReportQueue(int capacity, Runnable onReport, long from, List<ReportedHit> kept) {
    this.capacity = capacity;
    this.onReport = onReport;
    first = from;
    counted = from - 1;
    ring = new ReportedHit[Math.min(capacity, FIRST_SIZE)];
    kept.forEach(this::put);
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
      number = put(reported);
    }
    onReport.run();
    return number;
  }

  @Override
  public void add(List<ReportedHit> hits) {
    synchronized (this) {
      for (ReportedHit hit : hits) {
        if (size >= capacity) {
          boolean ignored = dropCounted();
        }
        put(hit);
      }
    }
    onReport.run();
  }

  private synchronized long put(ReportedHit hit) {
    if (size == ring.length) {
      grow();
    }
    long number = first + size;
    ring[place(number)] = hit;
    size++;
    return number;
  }

  @Override
  public synchronized long next() {
    return first + size;
  }

  @Override
  public synchronized boolean hasRoom() {
    return waiting() < capacity;
  }

  @Override
  public synchronized long firstKept() {
    return first;
  }

  /** Hits that the owner has not counted, as far as is known. */
  synchronized long waiting() {
    return first + size - 1 - Math.max(counted, first - 1);
  }

  /** Event time of the first hit that the owner has not counted; empty: there is none. */
  synchronized OptionalLong oldestWaitingMillis() {
    if (waiting() == 0) {
      return OptionalLong.empty();
    }
    long number = Math.max(counted + 1, first);
    return OptionalLong.of(Objects.requireNonNull(ring[place(number)]).eventTimeMillis());
  }

  /**
   * Goes on behind a number that the owner knows and this queue does not; what it holds is taken
   * for counted.
   *
   * @return false: it knows that number
   */
  synchronized boolean behind(long number) {
    if (number < first + size) {
      return false;
    }
    while (size > 0) {
      dropFirst();
    }
    first = number + 1;
    counted = number;
    return true;
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
    long wanted = size < capacity ? Math.min(capacity, before.length * 2L) : before.length * 2L;
    ring = new ReportedHit[Math.toIntExact(wanted)];
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
