package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Remembers which IPv6 networks were banned of late, so that an attacker who walks through a larger
 * allocation loses all of it: {@value #NEIGHBOURS} banned neighbours within the window widen the
 * ban, from /64 to /56 to /48.
 *
 * <p>It is fed with every ban of the log, so that a restart or another leader comes to the same
 * answer. It keeps at most {@value #MAX_PARENTS} larger networks, the most recently banned in. Safe
 * for any thread.
 */
final class PrefixWidening {
  /** Banned neighbours, the new one included, that widen a ban. */
  static final int NEIGHBOURS = 4;

  private static final int MAX_PARENTS = 16_384;
  private static final int[] STEPS = {64, 56, 48};

  private record Child(IpPrefix prefix, long bannedAtMillis) {}

  private final Map<IpPrefix, List<Child>> children =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<IpPrefix, List<Child>> eldest) {
          return size() > MAX_PARENTS;
        }
      };

  /** Takes note of a ban. */
  synchronized void banned(IpPrefix prefix, long evidenceAtMillis) {
    int step = step(prefix);
    if (step < 0 || step == STEPS.length - 1) {
      return;
    }
    List<Child> siblings =
        children.computeIfAbsent(prefix.truncate(STEPS[step + 1]), p -> new ArrayList<>());
    siblings.removeIf(child -> child.prefix().equals(prefix));
    siblings.add(new Child(prefix, evidenceAtMillis));
    if (siblings.size() > NEIGHBOURS) {
      siblings.removeFirst();
    }
  }

  /**
   * The prefix to ban instead of {@code prefix}: itself, or a wider one that has enough banned
   * neighbours within the window.
   */
  synchronized IpPrefix widest(IpPrefix prefix, long evidenceAtMillis, long windowMillis) {
    IpPrefix widened = prefix;
    for (int step = step(prefix); step >= 0 && step < STEPS.length - 1; step++) {
      IpPrefix parent = widened.truncate(STEPS[step + 1]);
      if (neighbours(parent, widened, evidenceAtMillis, windowMillis) + 1 < NEIGHBOURS) {
        break;
      }
      widened = parent;
    }
    return widened;
  }

  private int neighbours(IpPrefix parent, IpPrefix self, long at, long windowMillis) {
    int neighbours = 0;
    Iterator<Child> siblings = children.getOrDefault(parent, List.of()).iterator();
    while (siblings.hasNext()) {
      Child child = siblings.next();
      if (!child.prefix().equals(self) && Math.abs(at - child.bannedAtMillis()) < windowMillis) {
        neighbours++;
      }
    }
    return neighbours;
  }

  private static int step(IpPrefix prefix) {
    if (!prefix.isV4()) {
      for (int i = 0; i < STEPS.length; i++) {
        if (prefix.bits() == STEPS[i]) {
          return i;
        }
      }
    }
    return -1;
  }
}
