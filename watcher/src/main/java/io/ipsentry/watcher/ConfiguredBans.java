package io.ipsentry.watcher;

import io.ipsentry.ban.ActiveBan;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Keeps the permanent bans of {@code alwaysBan} in the log equal to the configuration: appends what
 * is missing, ends what is no longer listed. Protected prefixes are left out.
 */
final class ConfiguredBans {
  /** Rule of these bans. */
  static final String RULE = "alwaysBan";

  private static final String BY = "config";

  private ConfiguredBans() {}

  /** Appends the difference, in as many appends as it needs. */
  static BanWriter.Outcome reconcile(
      BanWriter writer, PrefixSet alwaysBan, ProtectedPrefixes protection) {
    while (true) {
      BanWriter.Outcome outcome =
          writer.write((state, now) -> difference(state, now, alwaysBan, protection));
      if (!(outcome instanceof BanWriter.Outcome.Written written) || written.events().isEmpty()) {
        return outcome;
      }
    }
  }

  private static List<BanEvent> difference(
      ActiveBans state, Instant now, PrefixSet alwaysBan, ProtectedPrefixes protection) {
    Set<IpPrefix> present = new HashSet<>();
    List<BanEvent> events = new ArrayList<>();
    Set<IpPrefix> wanted = new HashSet<>(alwaysBan.prefixes());
    for (ActiveBan active : state.list(now)) {
      BanEvent.Ban ban = active.ban();
      if (ban.rule().equals(RULE) && ban.by().equals(BY)) {
        present.add(ban.ip());
        if (!wanted.contains(ban.ip()) && events.size() < BanLog.MAX_BATCH_EVENTS) {
          events.add(new BanEvent.Unban(now, ban.ip(), BY, "no longer in alwaysBan"));
        }
      }
    }
    for (IpPrefix prefix : alwaysBan.prefixes()) {
      if (events.size() == BanLog.MAX_BATCH_EVENTS) {
        break;
      }
      if (!present.contains(prefix) && protection.protects(prefix).isEmpty()) {
        events.add(
            new BanEvent.Ban(
                now,
                prefix,
                null,
                RULE,
                "listed in the configuration",
                0,
                SeenAs.MANUAL,
                BY,
                1,
                null,
                null));
      }
    }
    return events;
  }
}
