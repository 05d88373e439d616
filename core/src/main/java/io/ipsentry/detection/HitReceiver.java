package io.ipsentry.detection;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import org.jspecify.annotations.Nullable;

/**
 * Takes hits that servers find: of requests that wait for their answer, and of access-log entries.
 *
 * <p>In the process that owns the windows it counts them; in another it counts them provisionally
 * and reports them to the owner. It never waits for the log, the disk or the network. Safe for any
 * thread.
 */
public interface HitReceiver {
  /**
   * Counts a hit of a request that waits for its answer.
   *
   * @param rules what {@link Hit#rule} is a number in
   * @return the ban that this hit led to, in force from now on, or because of which it did not
   *     count, as another thread's hit led to one a moment ago; null: none
   */
  BanEvent.@Nullable Ban request(RuleSet rules, Hit hit);

  /**
   * The ban of an address that is in force, but not in the log yet. Allocates nothing.
   *
   * <p>A ban leaves here only once the log's state shows it. So who asks here first and then there
   * misses none.
   *
   * @param scope policy whose route is asked for; null: none, only bans that hold everywhere count
   */
  BanEvent.@Nullable Ban pending(long hi, long lo, long atMillis, @Nullable String scope);

  /**
   * The ban that a rule in shadow mode would have made of an address. Allocates nothing.
   *
   * @param scope as for {@link #pending}
   */
  default BanEvent.@Nullable Ban shadow(long hi, long lo, long atMillis, @Nullable String scope) {
    return null;
  }

  /**
   * Takes a hit of a request that was answered already.
   *
   * @param rules what {@link Hit#rule} is a number in
   * @return false: there was no room, the hit is lost and counted as lost
   */
  boolean logged(RuleSet rules, Hit hit);
}
