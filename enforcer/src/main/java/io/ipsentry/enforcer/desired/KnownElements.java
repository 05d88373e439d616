package io.ipsentry.enforcer.desired;

import io.ipsentry.ban.ActiveBans.KernelBan;
import io.ipsentry.net.IpPrefix;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which elements are known to be in the kernel: one bit for a ban or a member of a feed, so that a
 * million cost 125 KB, and the prefix itself for a piece.
 *
 * <p>A ban that is forgotten keeps its bit until the next read-back: counts are as exact as that.
 * Confined to the thread of its {@link DesiredSet}.
 */
public final class KnownElements {
  private final DesiredSet desired;
  private final BitSet bans;
  private final BitSet feeds = new BitSet();
  private final Set<IpPrefix> pieces = new HashSet<>();
  private int count;

  /** Nothing is known yet. */
  public KnownElements(DesiredSet desired) {
    this.desired = desired;
    bans = new BitSet(desired.bans().slots());
  }

  /** How many there are. */
  public int count() {
    return count;
  }

  /** The element is there. */
  public void add(IpPrefix ip) {
    KernelBan ban = ban(ip);
    int fed = desired.feeds().indexOf(ip);
    if (has(ip, ban, fed)) {
      return;
    }
    count++;
    if (ban != null) {
      bans.set(ban.slot());
    } else if (fed >= 0) {
      feeds.set(fed);
    } else {
      pieces.add(ip);
    }
  }

  /** The element is not there. */
  public void remove(IpPrefix ip) {
    KernelBan ban = ban(ip);
    int fed = desired.feeds().indexOf(ip);
    if (!has(ip, ban, fed)) {
      return;
    }
    count--;
    if (ban != null) {
      bans.clear(ban.slot());
    }
    if (fed >= 0) {
      feeds.clear(fed);
    }
    pieces.remove(ip);
  }

  /** Remembered under this prefix; whether it still holds does not matter here. */
  private @Nullable KernelBan ban(IpPrefix ip) {
    return desired.bans().kernelBan(ip, 0);
  }

  private boolean has(IpPrefix ip, @Nullable KernelBan ban, int fed) {
    return (ban != null && bans.get(ban.slot()))
        || (fed >= 0 && feeds.get(fed))
        || (!pieces.isEmpty() && pieces.contains(ip));
  }

  /** Whether the element is there, as far as is known. */
  public boolean has(IpPrefix ip) {
    return has(ip, ban(ip), desired.feeds().indexOf(ip));
  }

  /**
   * Shows elements that are whole bans or members of feeds, desired, and not known to be there. The
   * visitor may tell of changes to bans ({@link DesiredSet#changed}), not of what is spared.
   *
   * @param head bans of later events are left out: those are on their way
   */
  public void forEachMissing(long now, long head, DesiredSet.ElementVisitor visitor) {
    desired.forEachBan(
        now,
        (ban, untilMillis) -> {
          if (ban.seq() <= head && !has(ban.ip(), ban, desired.feeds().indexOf(ban.ip()))) {
            visitor.element(ban.ip(), untilMillis);
          }
        });
    desired.forEachFed((index, ip) -> {
      if (!feeds.get(index) && !has(ip)) {
        visitor.element(ip, DesiredSet.FOR_EVER);
      }
    });
  }

  /** Shows elements that are pieces, desired, and not known to be there. */
  public void forEachMissingPiece(long now, DesiredSet.ElementVisitor visitor) {
    desired.forEachPiece(
        now,
        (ip, untilMillis) -> {
          if (!has(ip)) {
            visitor.element(ip, untilMillis);
          }
        });
  }
}
