package io.ipsentry.sink;

import io.ipsentry.net.IpPrefix;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** From what is there to what ought to be there. Pure. */
public final class SinkPlan {
  private SinkPlan() {}

  /**
   * The changes, in the order in which they are to be made: first removals, which free whoever is
   * no longer banned and make room; then new entries, the newest bans first; then what only looks
   * different. Of several entries for one target the first by id stays.
   *
   * @param desired targets with the numbers of their bans
   * @param actual entries of ours
   */
  public static List<SinkChange> of(Map<IpPrefix, Long> desired, Collection<SinkEntry> actual) {
    Map<IpPrefix, SinkEntry> kept = new HashMap<>();
    for (SinkEntry entry : actual) {
      if (desired.containsKey(entry.target())) {
        kept.merge(entry.target(), entry, (a, b) -> a.id().compareTo(b.id()) <= 0 ? a : b);
      }
    }
    List<SinkChange> changes = new ArrayList<>();
    for (SinkEntry entry : actual) {
      if (!entry.equals(kept.get(entry.target()))) {
        changes.add(new SinkChange.Delete(entry));
      }
    }
    List<SinkChange.Create> creates = new ArrayList<>();
    List<SinkChange> updates = new ArrayList<>();
    desired.forEach((target, ban) -> {
      SinkEntry entry = kept.get(target);
      if (entry == null) {
        creates.add(new SinkChange.Create(target, ban));
      } else if (entry.ban() != ban || !entry.asConfigured()) {
        updates.add(new SinkChange.Update(entry, ban));
      }
    });
    creates.sort(
        Comparator.comparingLong(SinkChange.Create::ban)
            .reversed()
            .thenComparing(SinkChange.Create::target));
    updates.sort(Comparator.comparing(SinkChange::target));
    changes.addAll(creates);
    changes.addAll(updates);
    return changes;
  }
}
