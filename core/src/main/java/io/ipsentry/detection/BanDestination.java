package io.ipsentry.detection;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.function.LongConsumer;

/**
 * Where bans of requests go once they are decided. {@link #work} and {@link #writeTo} are called by
 * one thread each, the others under the lock of {@link RequestDetection}, where they must not wait.
 */
interface BanDestination {
  /**
   * Takes note of a hit that is about to be counted.
   *
   * @return its number for {@link #decided}; 0: none
   */
  long report(RuleSet rules, Hit hit);

  /** Whether one more ban can be taken. */
  boolean hasRoom();

  /**
   * Takes a ban, which holds from now on.
   *
   * @param report number of the hit that decided; 0: unknown
   */
  void decided(BanEvent.Ban ban, long report);

  /**
   * Does what is to be done, away from the requests.
   *
   * @return false: it is to be tried again soon
   */
  boolean work();

  /** Calls back once everything decided so far is in the log or given up. */
  void whenSettled(LongConsumer settled);

  /** Takes note of how far the owner of the log has come; any thread. */
  void reconciled(long lastHit, long logHead);

  /** Writes the bans that would be lost with this process. */
  void writeTo(DataOutput out) throws IOException;

  /** Takes up what {@link #writeTo} wrote. */
  void readFrom(DataInput in) throws IOException;
}
