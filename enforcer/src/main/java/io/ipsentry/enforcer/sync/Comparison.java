package io.ipsentry.enforcer.sync;

import io.ipsentry.enforcer.desired.DesiredSet;
import io.ipsentry.enforcer.desired.KnownElements;
import io.ipsentry.enforcer.kernel.PacketFilter;
import io.ipsentry.net.IpPrefix;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/**
 * What is in the kernel beside what is to be, while changes go on.
 *
 * <p>A prefix that is changed after the listing began ({@link #changed}) may be listed as it was
 * before or as it is since. So what is listed of it counts for nothing: it is as the change has
 * made it. For that, a removal must be carried out whether or not the prefix is known to be there.
 * Of all others the listing is true.
 *
 * <p>Confined to the thread of the loop.
 */
final class Comparison {
  /** Ends are told in seconds. */
  static final long TOLERANCE_MILLIS = 2_000;

  /**
   * An end that is off by no more is put right and is nobody's doing: the kernel counts from when
   * it takes an element and tells what is left when it is asked, and a program between it and us
   * may take so long for either on a machine that has much to do. After that it is killed.
   */
  static final long SLOW_MILLIS = PacketFilter.TIMEOUT.toMillis();

  /** Prefixes that may be changed; what comes then has to wait for the end. */
  static final int MAX_CHANGED = 1 << 18;

  private final DesiredSet desired;
  private final KnownElements known;
  private final long now;
  private final long maxTimeout;
  private final ChangeBatch found = new ChangeBatch();

  /** Ends that are off by as much as a slow machine makes. What does not fit is found again. */
  private final ChangeBatch slow = new ChangeBatch();

  private final Set<IpPrefix> changed = new HashSet<>();
  private int moreForeign;
  private int moreWrongEnds;

  /**
   * @param known is told what is there; knows nothing yet
   * @param now as of when elements are wanted
   * @param maxTimeout of the kernel, see {@link PacketFilter#maxTimeoutMillis}
   */
  Comparison(DesiredSet desired, KnownElements known, long now, long maxTimeout) {
    this.desired = desired;
    this.known = known;
    this.now = now;
    this.maxTimeout = maxTimeout;
  }

  /**
   * What has to be set right, besides what is missing.
   *
   * @param foreign how much of it others have put there
   * @param wrongEnd how much of it ends at another time because of others
   */
  record Fixes(ChangeBatch changes, int foreign, int wrongEnd, boolean isAll) {}

  /** Prefixes are about to be changed in the kernel. */
  void changed(Collection<IpPrefix> prefixes) {
    changed.addAll(prefixes);
  }

  boolean isChanged(IpPrefix prefix) {
    return !changed.isEmpty() && changed.contains(prefix);
  }

  /** How many prefixes were changed. */
  int size() {
    return changed.size();
  }

  /** Whether anything was changed. */
  boolean isDisturbed() {
    return !changed.isEmpty();
  }

  boolean takesChanges() {
    return changed.size() < MAX_CHANGED;
  }

  /** An element that is listed. */
  void element(IpPrefix ip, long kernelEnd) {
    if (isChanged(ip)) {
      return;
    }
    long wanted = desired.endOf(ip, now);
    if (wanted != DesiredSet.NONE) {
      known.add(ip);
      if (isWrong(kernelEnd, wanted)) {
        wrongEnd(ip, kernelEnd, wanted);
      }
    } else if (kernelEnd - now > TOLERANCE_MILLIS) {
      if (found.isFull()) {
        moreForeign++;
      } else {
        found.remove(ip);
      }
    }
  }

  private void wrongEnd(IpPrefix ip, long kernelEnd, long wanted) {
    boolean isSlow =
        kernelEnd != PacketFilter.FOR_EVER
            && wanted != DesiredSet.FOR_EVER
            && Math.abs(kernelEnd - wanted) <= SLOW_MILLIS;
    if (!(isSlow ? slow : found).isFull()) {
      (isSlow ? slow : found).put(ip, wanted);
    } else if (!isSlow) {
      moreWrongEnds++;
    }
  }

  private boolean isWrong(long kernelEnd, long wanted) {
    if (kernelEnd == wanted) {
      return false;
    }
    if (kernelEnd == PacketFilter.FOR_EVER || wanted == DesiredSet.FOR_EVER) {
      return true;
    }
    // Not put again as long as half of what the kernel grants is left.
    boolean granted =
        maxTimeout != PacketFilter.FOR_EVER
            && kernelEnd < wanted
            && kernelEnd - now > maxTimeout / 2;
    return !granted && Math.abs(kernelEnd - wanted) > TOLERANCE_MILLIS;
  }

  /**
   * What was found when all is listed and what had happened to the bans by then was carried out: an
   * event that is in the bans already but was not told yet looks like something to be mended.
   */
  Fixes fixes() {
    ChangeBatch fixes = new ChangeBatch();
    PacketFilter.ChangeVisitor unchanged =
        new PacketFilter.ChangeVisitor() {
          @Override
          public void put(IpPrefix prefix, long untilMillis) {
            if (!isChanged(prefix) && !fixes.isFull()) {
              fixes.put(prefix, untilMillis);
            }
          }

          @Override
          public void remove(IpPrefix prefix) {
            if (!isChanged(prefix)) {
              fixes.remove(prefix);
            }
          }
        };
    found.forEach(unchanged);
    int foreign = fixes.removals() + moreForeign;
    int wrongEnd = fixes.size() - fixes.removals() + moreWrongEnds;
    slow.forEach(unchanged);
    return new Fixes(fixes, foreign, wrongEnd, !found.isFull());
  }
}
