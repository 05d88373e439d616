package io.ipsentry.sink;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ActiveBans.KernelBan;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.Function;

/**
 * What a {@link StateSink} ought to hold at a moment: the bans that hold everywhere, without those
 * that touch what is allowed or protected, the newest where there are too many.
 *
 * @param targets with the numbers of their bans
 * @param leftOut bans that are not there: spared, not to be expressed, or too many
 * @param changesAt when it is another by the mere course of time; {@link Instant#MAX}: never
 */
public record DesiredBans(Map<IpPrefix, Long> targets, long leftOut, Instant changesAt) {

  public DesiredBans {
    targets = Map.copyOf(targets);
  }

  private record Target(IpPrefix ip, long ban) {}

  /**
   * Works it out, with a look at every ban; takes the memory of {@code capacity} targets.
   *
   * @param express how the sink expresses a prefix; see {@link StateSink#targets}
   * @param capacity most targets
   */
  public static DesiredBans of(
      ActiveBans state,
      ProtectedPrefixes protection,
      Instant now,
      Function<IpPrefix, List<IpPrefix>> express,
      int capacity) {
    List<ActiveBans.Allowance> allows = state.allows(now);
    PrefixSet allowed = PrefixSet.of(allows.stream().map(each -> each.allow().ip()).toList());
    PrefixSet spared = protection.prefixes();
    Collector collector = new Collector(capacity);
    for (ActiveBans.Allowance each : allows) {
      Instant until = each.allow().until();
      collector.ends(until == null ? ActiveBans.FOR_EVER : until.toEpochMilli());
    }
    state.forEachBanEverywhere(
        now.toEpochMilli(),
        ban -> {
          collector.ends(ban.untilMillis());
          boolean isSpared = allowed.overlaps(ban.ip()) || spared.overlaps(ban.ip());
          collector.add(ban, isSpared ? List.of() : express.apply(ban.ip()));
        });
    return collector.done();
  }

  /** Keeps the newest. */
  private static final class Collector {
    private final PriorityQueue<Target> newest =
        new PriorityQueue<>(Comparator.comparingLong(Target::ban).thenComparing(Target::ip));
    private final int capacity;
    private long leftOut;
    private long endMillis = ActiveBans.FOR_EVER;

    Collector(int capacity) {
      this.capacity = capacity;
    }

    void ends(long millis) {
      endMillis = Math.min(endMillis, millis);
    }

    void add(KernelBan ban, List<IpPrefix> targets) {
      if (targets.isEmpty()) {
        leftOut++;
      }
      for (IpPrefix target : targets) {
        newest.add(new Target(target, ban.seq()));
        if (newest.size() > capacity) {
          newest.poll();
          leftOut++;
        }
      }
    }

    DesiredBans done() {
      Map<IpPrefix, Long> targets = new HashMap<>();
      newest.forEach(target -> targets.merge(target.ip(), target.ban(), Math::max));
      return new DesiredBans(
          targets,
          leftOut,
          endMillis == ActiveBans.FOR_EVER ? Instant.MAX : Instant.ofEpochMilli(endMillis));
    }
  }
}
