package io.ipsentry.enforcer.sync;

import io.ipsentry.enforcer.kernel.ForwardedForFilter;
import io.ipsentry.enforcer.kernel.PacketFilter.DropCounters;
import io.ipsentry.enforcer.kernel.PacketFilterException;
import io.ipsentry.net.IpPrefix;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How far the kernel is what it should be. Immutable.
 *
 * @param backend what enforces, such as {@code ipset}; empty: none could be opened yet
 * @param known whether the bans are known, so that the kernel may be changed
 * @param failure why the last attempt failed; empty: it did not
 * @param decided elements that should be in the kernel
 * @param enforced elements of these that are, as known from the last read-back and what was done
 *     since
 * @param missing elements that the last read-back did not find
 * @param foreign elements that the last read-back found and that should not be there
 * @param wrongEnd elements that the last read-back found to end at a wrong time
 * @param drops refused packets and bytes
 * @param lastSync when the kernel was last known to be as desired; empty: never yet
 * @param lastDuration how long the last read-back with its repairs took
 * @param syncs read-backs that ended well
 * @param repairs elements put, removed or given another end because a read-back asked for it, the
 *     first one of the process aside
 * @param mended tables, chains, rules and sets that had to be made again, the first time aside
 * @param lastMended the last of them, for people
 * @param failures failed attempts by cause
 * @param carvedBans bans that are enforced around an address that is spared
 * @param leftOut banned prefixes that are not enforced, since they would fall into too many pieces
 * @param mismatch why the backend does not go with the node's own rules; empty: it does
 * @param headersLeftOut how many bans are not looked for in headers although that is wanted: those
 *     beyond the newest {@value ForwardedForFilter#MAX_BANS}, and those that cannot be searched for
 * @param head number of the last event of the log that is in the kernel
 * @param waiting events that are not in the kernel yet
 * @param lag how long the oldest of them waits
 */
public record EnforcerStatus(
    String backend,
    boolean known,
    Optional<Failure> failure,
    int decided,
    int enforced,
    int missing,
    int foreign,
    int wrongEnd,
    DropCounters drops,
    Optional<Instant> lastSync,
    Duration lastDuration,
    long syncs,
    long repairs,
    long mended,
    List<String> lastMended,
    Map<PacketFilterException.Cause, Long> failures,
    int carvedBans,
    Collection<IpPrefix> leftOut,
    String mismatch,
    int headersLeftOut,
    long head,
    int waiting,
    Duration lag) {

  public EnforcerStatus {
    lastMended = List.copyOf(lastMended);
    failures = Map.copyOf(failures);
    leftOut = List.copyOf(leftOut);
  }

  /**
   * Why the kernel could not be changed.
   *
   * @param message what, where and how to mend it
   * @param since when the first of the attempts failed that have failed in a row
   */
  public record Failure(PacketFilterException.Cause cause, String message, Instant since) {}

  /** Whether what was decided is enforced, as far as is known. */
  public boolean isEnforcing() {
    return known && failure.isEmpty() && lastSync.isPresent();
  }
}
