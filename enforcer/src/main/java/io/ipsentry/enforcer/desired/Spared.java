package io.ipsentry.enforcer.desired;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Addresses that no element in the kernel may hold.
 *
 * <p>Two sets and not their union: the protected ones may be millions and seldom change, the
 * allowed ones are few and change at any time.
 */
record Spared(PrefixSet protectedPrefixes, PrefixSet allowed) {
  static final Spared NONE = new Spared(PrefixSet.empty(), PrefixSet.empty());

  /** Stands for more pieces than were asked for. */
  static final int TOO_MANY = -1;

  /** Everybody counts as holding something spared: a kernel does not take that as an element. */
  boolean overlaps(IpPrefix prefix) {
    return prefix.bits() == 0 || protectedPrefixes.overlaps(prefix) || allowed.overlaps(prefix);
  }

  /** Whether one of the prefixes contains all of this one. */
  boolean holds(IpPrefix prefix) {
    return holds(protectedPrefixes, prefix) || holds(allowed, prefix);
  }

  private static boolean holds(PrefixSet set, IpPrefix prefix) {
    return set.firstOverlap(prefix).filter(member -> member.contains(prefix)).isPresent();
  }

  /** Prefixes that are in one of the two and not in the other. */
  List<IpPrefix> differences(Spared other) {
    List<IpPrefix> differences = new ArrayList<>();
    differences(protectedPrefixes, other.protectedPrefixes, Integer.MAX_VALUE, differences);
    differences(allowed, other.allowed, Integer.MAX_VALUE, differences);
    return differences;
  }

  /**
   * Adds the prefixes that are in one of the two and not in the other.
   *
   * @param max once there are so many, the rest is left out: a feed may have a million
   */
  static void differences(PrefixSet left, PrefixSet right, int max, List<IpPrefix> differences) {
    if (left.equals(right)) {
      return;
    }
    onlyIn(left, right, max, differences);
    onlyIn(right, left, max, differences);
  }

  private static void onlyIn(PrefixSet left, PrefixSet right, int max, List<IpPrefix> differences) {
    for (IpPrefix prefix : left.prefixes()) {
      if (differences.size() >= max) {
        return;
      }
      if (right.indexOf(prefix) < 0) {
        differences.add(prefix);
      }
    }
  }

  /**
   * Shows the longest prefixes that together are all of one but for what is spared: those that hold
   * nothing spared, while the prefix one bit shorter does.
   *
   * @param max most pieces
   * @return how many there are; {@link #TOO_MANY} as soon as they are more, and some were shown
   */
  int carve(IpPrefix prefix, int max, Consumer<? super IpPrefix> pieces) {
    if (!overlaps(prefix)) {
      pieces.accept(prefix);
      return max < 1 ? TOO_MANY : 1;
    }
    if (holds(prefix) || prefix.isAddress()) {
      return 0;
    }
    int lower = carveHalf(prefix, false, max, pieces);
    if (lower == TOO_MANY) {
      return TOO_MANY;
    }
    int upper = carveHalf(prefix, true, max - lower, pieces);
    return upper == TOO_MANY ? TOO_MANY : lower + upper;
  }

  private int carveHalf(IpPrefix whole, boolean upper, int max, Consumer<? super IpPrefix> pieces) {
    IpPrefix half = whole.half(upper);
    // The IPv6 range in which IPv4 addresses are written here holds no IPv6 address.
    return half.isV4() == whole.isV4() ? carve(half, max, pieces) : 0;
  }
}
