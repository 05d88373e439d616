package io.ipsentry.kubernetes.leader;

import java.time.Duration;

/**
 * How long a Lease holds. All by clocks of elapsed time; no process reads another's wall clock.
 *
 * @param lease a Lease that nobody was seen to renew for so long may be taken
 * @param renewDeadline a leader that could not renew for so long leads no more; shorter, so that it
 *     has stopped before another begins
 * @param retry how often the leader renews and the others look
 */
public record LeaseTimes(Duration lease, Duration renewDeadline, Duration retry) {
  /** 15 s, 10 s and 2 s, as the controllers of Kubernetes have them. */
  public static final LeaseTimes DEFAULT = of(Duration.ofSeconds(15));

  public LeaseTimes {
    boolean inOrder =
        retry.isPositive()
            && retry.compareTo(renewDeadline) < 0
            && renewDeadline.compareTo(lease) < 0;
    if (!inOrder) {
      throw new IllegalArgumentException(
          "retry must be shorter than the renew deadline, and that than the lease");
    }
  }

  /** In the usual proportion to the length of the Lease. */
  public static LeaseTimes of(Duration lease) {
    return new LeaseTimes(
        lease, lease.multipliedBy(2).dividedBy(3), lease.multipliedBy(2).dividedBy(15));
  }
}
