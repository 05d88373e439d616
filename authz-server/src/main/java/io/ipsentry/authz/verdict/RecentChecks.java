package io.ipsentry.authz.verdict;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * A few of the requests that were judged lately: the newest {@value #CAPACITY} of a sample, so that
 * an operator can see whether they name the same clients as the gateway's log. Safe for any thread.
 */
public final class RecentChecks {
  /** Requests that are kept. */
  public static final int CAPACITY = 128;

  private final ArrayDeque<CheckedRequest> newest = new ArrayDeque<>();
  private long taken;

  /**
   * Requests, and how many there were before and with them.
   *
   * @param checks oldest first
   * @param taken since the start
   */
  public record Part(List<CheckedRequest> checks, long taken) {
    public Part {
      checks = List.copyOf(checks);
    }
  }

  /** Keeps one more, and forgets the oldest if there is no room. */
  synchronized void add(CheckedRequest check) {
    if (newest.size() == CAPACITY) {
      newest.removeFirst();
    }
    newest.addLast(check);
    taken++;
  }

  /**
   * Those behind the first so many, as far as they are kept.
   *
   * @param behind {@link Part#taken} of before; 0: all that are kept
   */
  public synchronized Part since(long behind) {
    long wanted = Math.clamp(taken - behind, 0, newest.size());
    List<CheckedRequest> all = new ArrayList<>(newest);
    return new Part(all.subList(all.size() - (int) wanted, all.size()), taken);
  }
}
