package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.rule.Verdict;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Bounds the new bans of one rule to a number a minute, so that a wrong rule, or a flood of forged
 * evidence, cannot lock out everybody at once.
 *
 * <p>Beyond the limit candidates wait, and the strongest (most hits) go first when there is room
 * again. At most {@value #MAX_WAITING} wait; a weaker one than those is let go, and must hit again.
 * Times are wall clock in milliseconds, given by the caller. Confined to one thread, but for the
 * counts, which any may read.
 */
final class BanRate {
  /** Candidates of one rule that wait at most. */
  static final int MAX_WAITING = 10_000;

  private static final long MINUTE = 60_000;

  /** Strongest first; among equals the one that waits longest. */
  private record Candidate(IpPrefix address, Verdict.Reached reached, long order) {
    static final Comparator<Candidate> STRONGEST_FIRST =
        Comparator.comparingInt((Candidate c) -> -c.reached().hits())
            .thenComparingLong(Candidate::order);
  }

  private final int limit;
  private final ArrayDeque<Long> recent = new ArrayDeque<>();
  private final Map<IpPrefix, Candidate> waiting = new HashMap<>();
  private final TreeSet<Candidate> ranking = new TreeSet<>(Candidate.STRONGEST_FIRST);
  private volatile int waitingNow;
  private volatile long deferred;

  BanRate(int limit) {
    this.limit = limit;
  }

  /** True when one more ban may be made now. */
  boolean hasRoom(long now) {
    while (!recent.isEmpty() && now - recent.peekFirst() >= MINUTE) {
      recent.removeFirst();
    }
    return recent.size() < limit;
  }

  /** Takes note of a ban. */
  void made(IpPrefix address, long now) {
    recent.addLast(now);
    remove(address);
  }

  /** Lets a candidate wait; one that waits already is brought up to date. */
  void wait(IpPrefix address, Verdict.Reached reached) {
    Candidate before = waiting.get(address);
    long order = before == null ? deferred : before.order();
    deferred = Math.max(deferred, order + 1);
    remove(address);
    Candidate candidate = new Candidate(address, reached, order);
    waiting.put(address, candidate);
    ranking.add(candidate);
    if (waiting.size() > MAX_WAITING) {
      remove(ranking.last().address());
    }
    waitingNow = waiting.size();
  }

  /** Takes out the strongest candidates for which there is room now. */
  List<Verdict.Reached> release(long now) {
    if (ranking.isEmpty() || !hasRoom(now)) {
      return List.of();
    }
    List<Verdict.Reached> released = new ArrayList<>();
    for (int room = limit - recent.size(); room > 0 && !ranking.isEmpty(); room--) {
      Candidate strongest = ranking.first();
      remove(strongest.address());
      released.add(strongest.reached());
    }
    return released;
  }

  private void remove(IpPrefix address) {
    Candidate candidate = waiting.remove(address);
    if (candidate != null) {
      ranking.remove(candidate);
      waitingNow = waiting.size();
    }
  }

  int waiting() {
    return waitingNow;
  }

  /** Candidates that ever had to wait. */
  long deferred() {
    return deferred;
  }
}
