package io.ipsentry.rule;

import static io.ipsentry.rule.Chunks.at;
import static io.ipsentry.rule.Chunks.set;

import io.ipsentry.rule.HitWindows.Terms;

/**
 * Hits, each an event time in epoch milliseconds and a pattern, in rings: one for each window, in
 * the order of time, from the newest on to the oldest and so forth. A ring is known by its newest
 * hit; {@link #NIL} is the empty one. {@link HitWindows} keeps that, decides when there is room for
 * more, and removes.
 *
 * <p>A hit costs {@value HitWindows#BYTES_PER_HIT} bytes, free or not. Confined to one thread.
 */
final class HitRings {
  /** No hit, and the ring without one. */
  static final int NIL = -1;

  private long[][] times = new long[0][];
  private int[][] patterns = new int[0][];

  /** The next newer one; of the newest, the oldest; of a free one, the next free one. */
  private int[][] nexts = new int[0][];

  private int free = NIL;

  // The answer of the last reaches.
  private int count;
  private int distinctCount;
  private long decidedAt;

  /** Pieces of {@link Chunks#SIZE} hits that there is room for. */
  int chunks() {
    return times.length;
  }

  /** Whether there is no place for another hit. */
  boolean isFull() {
    return free == NIL;
  }

  /** Makes room for {@link Chunks#SIZE} more. */
  void grow() {
    times = Chunks.grown(times);
    patterns = Chunks.grown(patterns);
    nexts = Chunks.grown(nexts);
    int first = (times.length - 1) << Chunks.BITS;
    for (int hit = first + Chunks.MASK; hit >= first; hit--) {
      free(hit);
    }
  }

  private void free(int hit) {
    set(nexts, hit, free);
    free = hit;
  }

  /** Frees all hits of a ring. */
  void freeAll(int newest) {
    if (newest != NIL) {
      int oldest = at(nexts, newest);
      set(nexts, newest, free);
      free = oldest;
    }
  }

  long time(int hit) {
    return at(times, hit);
  }

  int pattern(int hit) {
    return at(patterns, hit);
  }

  /** The oldest; {@link #NIL}: there is none. */
  int oldest(int newest) {
    return newest == NIL ? NIL : at(nexts, newest);
  }

  /** The next newer one; {@link #NIL} behind the newest. */
  int after(int newest, int hit) {
    return hit == newest ? NIL : at(nexts, hit);
  }

  /**
   * Adds a hit, behind those of its time. It must not be full.
   *
   * @return the newest then
   */
  int insert(int newest, long time, int pattern) {
    int hit = free;
    free = at(nexts, hit);
    set(times, hit, time);
    set(patterns, hit, pattern);
    if (newest == NIL) {
      set(nexts, hit, hit);
      return hit;
    }
    int before = newest;
    boolean isNewest = at(times, newest) <= time;
    while (!isNewest && at(times, at(nexts, before)) <= time) {
      before = at(nexts, before);
    }
    set(nexts, hit, at(nexts, before));
    set(nexts, before, hit);
    return isNewest ? hit : newest;
  }

  /**
   * Removes the hit behind one in the ring; behind the newest is the oldest.
   *
   * @return the newest then
   */
  int removeBehind(int newest, int before) {
    int hit = at(nexts, before);
    set(nexts, before, at(nexts, hit));
    free(hit);
    if (hit != newest) {
      return newest;
    }
    return hit == before ? NIL : before;
  }

  /** The hit before the oldest whose pattern comes again later, or before the oldest of all. */
  int beforeOldestRepeated(int newest) {
    int before = newest;
    int victim = oldest(newest);
    while (victim != NIL && !isRepeatedLater(newest, victim)) {
      before = victim;
      victim = after(newest, victim);
    }
    return victim == NIL ? newest : before;
  }

  private boolean isRepeatedLater(int newest, int hit) {
    int pattern = at(patterns, hit);
    for (int h = after(newest, hit); h != NIL; h = after(newest, h)) {
      if (at(patterns, h) == pattern) {
        return true;
      }
    }
    return false;
  }

  // ---- deciding

  /** Hits in the window of the hit that was asked for last, or of the one that decided. */
  int count() {
    return count;
  }

  /** Different patterns among {@link #count()}. */
  int distinctCount() {
    return distinctCount;
  }

  /** Event time of the hit that reached the rule, after {@link #reaches} said true. */
  long decidedAtMillis() {
    return decidedAt;
  }

  /**
   * Whether a ring reaches a rule by a hit of this time, which is in it.
   *
   * @param size hits in the ring
   */
  boolean reaches(int newest, int size, Terms t, long time) {
    if (size < t.fewest()) {
      count = size;
      distinctCount = 0;
      return false;
    }
    // Only windows that end at this hit or later can have gained by it.
    int end = oldest(newest);
    while (at(times, end) < time) {
      end = after(newest, end);
    }
    while (end != NIL && at(times, end) - time < t.windowMillis()) {
      long endTime = at(times, end);
      if (reachesAt(newest, endTime, t)) {
        decidedAt = endTime;
        return true;
      }
      while (end != NIL && at(times, end) == endTime) {
        end = after(newest, end);
      }
    }
    reachesAt(newest, time, t);
    return false;
  }

  private boolean reachesAt(int newest, long end, Terms t) {
    int hits = 0;
    int different = 0;
    int first = oldest(newest);
    while (first != NIL && at(times, first) <= end - t.windowMillis()) {
      first = after(newest, first);
    }
    for (int h = first; h != NIL && at(times, h) <= end; h = after(newest, h)) {
      hits++;
      if (t.distinct() > 0 && different < t.distinct() && !seenBefore(first, h)) {
        different++;
      }
    }
    count = hits;
    distinctCount = different;
    return t.threshold() > 0 && hits >= t.threshold()
        || t.distinct() > 0 && different >= t.distinct();
  }

  private boolean seenBefore(int first, int hit) {
    int pattern = at(patterns, hit);
    for (int h = first; h != hit; h = at(nexts, h)) {
      if (at(patterns, h) == pattern) {
        return true;
      }
    }
    return false;
  }
}
