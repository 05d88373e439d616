package io.ipsentry.watcher;

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
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the permanent bans of {@code alwaysBan} in the log equal to the configuration: appends what
 * is missing, ends what is no longer listed. Protected prefixes are left out.
 */
final class ConfiguredBans {
  /** Rule of these bans. */
  static final String RULE = "alwaysBan";

  private static final String BY = "config";

  private ConfiguredBans() {}

  /** Makes the event that a prefix needs; null: none. */
  private interface Decision {
    @Nullable BanEvent event(ActiveBans state, Instant now, IpPrefix prefix);
  }

  /** Appends the difference, in as many appends as it needs. */
  static BanWriter.Outcome reconcile(
      BanWriter writer, PrefixSet alwaysBan, ProtectedPrefixes protection) {
    BanWriter.Outcome outcome =
        write(
            writer,
            unlisted(writer.state(), alwaysBan),
            (state, now, prefix) ->
                isConfigured(state, now, prefix)
                    ? new BanEvent.Unban(now, prefix, BY, "no longer in alwaysBan")
                    : null);
    if (!(outcome instanceof BanWriter.Outcome.Written)) {
      return outcome;
    }
    return write(
        writer,
        alwaysBan.prefixes(),
        (state, now, prefix) ->
            isConfigured(state, now, prefix) || protection.protects(prefix).isPresent()
                ? null
                : ban(now, prefix));
  }

  /** Prefixes that were listed once, and are not. */
  private static List<IpPrefix> unlisted(ActiveBans state, PrefixSet alwaysBan) {
    List<IpPrefix> prefixes = new ArrayList<>();
    state.forEachRemembered(ban -> {
      if (isOurs(ban) && !alwaysBan.firstOverlap(ban.ip()).equals(Optional.of(ban.ip()))) {
        prefixes.add(ban.ip());
      }
    });
    return prefixes;
  }

  private static boolean isConfigured(ActiveBans state, Instant now, IpPrefix prefix) {
    return state.get(prefix, now).stream().anyMatch(active -> isOurs(active.ban()));
  }

  private static boolean isOurs(BanEvent.Ban ban) {
    return ban.rule().equals(RULE) && ban.by().equals(BY);
  }

  private static BanEvent ban(Instant now, IpPrefix prefix) {
    String reason = "listed in the configuration";
    return new BanEvent.Ban(now, prefix, null, RULE, reason, 0, SeenAs.MANUAL, BY, 1, null, null);
  }

  /** Goes through the prefixes once, however many appends that takes. */
  private static BanWriter.Outcome write(
      BanWriter writer, List<IpPrefix> prefixes, Decision decision) {
    int[] next = {0};
    BanWriter.Outcome outcome;
    do {
      int first = next[0];
      outcome =
          writer.write((state, now) -> {
            List<BanEvent> events = new ArrayList<>();
            int at = first;
            while (at < prefixes.size() && events.size() < BanLog.MAX_BATCH_EVENTS) {
              BanEvent event = decision.event(state, now, prefixes.get(at++));
              if (event != null) {
                events.add(event);
              }
            }
            next[0] = at;
            return events;
          });
    } while (outcome instanceof BanWriter.Outcome.Written && next[0] < prefixes.size());
    return outcome;
  }
}
