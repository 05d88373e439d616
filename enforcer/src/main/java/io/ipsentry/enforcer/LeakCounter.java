package io.ipsentry.enforcer;

import io.ipsentry.ban.ActiveBan;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.enforcer.sync.EnforcementLoop;
import io.ipsentry.net.IpPrefix;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;

/**
 * The proof of enforcement: requests of addresses that were in the kernel for more than a second
 * when they asked, and that came through nevertheless.
 *
 * <p>It is shown addresses that were the source of packets, by whoever saw a request of one that is
 * banned. One that is not banned costs a lookup and allocates nothing. A single request may have
 * been under way, or its line written late; many tell that packets pass by another way than the one
 * that is watched. Safe for any thread.
 */
public final class LeakCounter {
  private static final long GRACE_MILLIS = 1_000;

  private final ActiveBans bans;
  private final EnforcementLoop loop;
  private final LongAdder lines = new LongAdder();
  private final LongAdder checks = new LongAdder();
  private volatile String last = "";

  /**
   * What came through.
   *
   * @param lines requests in logs, whether they are hits or not
   * @param checks requests that gateways asked about, and that were refused there
   * @param last address of the last one; empty: there was none
   */
  public record Leaks(long lines, long checks, String last) {
    /** Of both kinds. */
    public long all() {
      return lines + checks;
    }
  }

  public LeakCounter(ActiveBans bans, EnforcementLoop loop) {
    this.bans = bans;
    this.loop = loop;
  }

  /** Whether requests can leak: while the kernel enforces. */
  public boolean watches() {
    return loop.enforcingSinceMillis() != Long.MAX_VALUE;
  }

  /** Whether requests of an address can leak: while it is banned. Allocates nothing. */
  public boolean isSuspect(long hi, long lo, long atMillis) {
    return bans.isBanned(hi, lo, atMillis, null);
  }

  /** A line tells of a request of an address that was the source of its packets. */
  public void line(long hi, long lo, long eventTimeMillis) {
    if (hasLeaked(hi, lo, eventTimeMillis)) {
      lines.increment();
    }
  }

  /** A gateway asks about a request of an address that is the source of its packets. */
  public void check(long hi, long lo, long atMillis) {
    if (hasLeaked(hi, lo, atMillis)) {
      checks.increment();
    }
  }

  private boolean hasLeaked(long hi, long lo, long atMillis) {
    if (atMillis - GRACE_MILLIS < loop.enforcingSinceMillis()
        || !bans.isBanned(hi, lo, atMillis, null)) {
      return false;
    }
    Optional<ActiveBan> ban = bans.verdict(hi, lo, atMillis, null);
    boolean leaked =
        ban.isPresent()
            && ban.get().ban().isVisibleAtL3()
            && ban.get().seq() <= loop.enforcedHead()
            && ban.get().ban().at().toEpochMilli() < atMillis - GRACE_MILLIS;
    if (leaked) {
      last = IpPrefix.address(hi, lo).toString();
    }
    return leaked;
  }

  /** Since the start. */
  public Leaks leaks() {
    return new Leaks(lines.sum(), checks.sum(), last);
  }
}
