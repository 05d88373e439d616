package io.ipsentry.detection;

import java.util.List;
import java.util.function.LongConsumer;

/** Counts hits that other processes found, where the windows are. Safe for any thread. */
public interface HitOwner {
  /**
   * Counts hits, of rules for requests and for logs alike; those of rules that this process does
   * not have are left out. Does not wait. Who sends hits again counts them again: the caller counts
   * each once.
   *
   * @param hits in the order in which they happened, or nearly so
   * @param settled is told the number of the log's last event, once all that follows from the hits
   *     is in the log, or will never be; called by a thread of the owner, must not wait
   * @return false: there is no room now, and none of them was counted
   */
  boolean take(List<ReportedHit> hits, LongConsumer settled);
}
