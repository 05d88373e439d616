package io.ipsentry.watcher;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.Protection;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the permanent bans of {@code alwaysBan} in the log equal to the configuration: appends what
 * is missing, ends what is no longer listed. Protected prefixes are left out, and said so. Confined
 * to the thread of the watcher.
 */
final class ConfiguredBans {
  /** Rule of these bans. */
  static final String RULE = "alwaysBan";

  private static final String BY = "config";

  /** Most prefixes that are named at once of those that are left out. */
  private static final int MAX_SAID = 10;

  private static final Logger logger = LoggerFactory.getLogger(ConfiguredBans.class);

  private SortedMap<IpPrefix, Protection> withheld = new TreeMap<>();

  /** What was protected when {@link #withheld} was worked out. */
  private ProtectedPrefixes under = ProtectedPrefixes.NONE;

  /** Head of the log then. */
  private long underHead;

  /** Makes the event that a prefix needs; null: none. */
  private interface Decision {
    @Nullable BanEvent event(ActiveBans state, Instant now, IpPrefix prefix);
  }

  /** Appends the difference, in as many appends as it needs; returns how the last one ended. */
  BanWriter.Outcome reconcile(BanWriter writer, PrefixSet alwaysBan, ProtectedPrefixes protection) {
    under = protection;
    underHead = writer.state().head();
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
    SortedMap<IpPrefix, Protection> refused = new TreeMap<>();
    outcome =
        write(
            writer,
            alwaysBan.prefixes(),
            (state, now, prefix) -> {
              if (isConfigured(state, now, prefix)) {
                return null;
              }
              Optional<Protection> refusal = refusal(protection, state, now, prefix);
              refusal.ifPresent(why -> refused.put(prefix, why));
              return refusal.isPresent() ? null : ban(now, prefix);
            });
    say(refused);
    withheld = refused;
    return outcome;
  }

  private static Optional<Protection> refusal(
      ProtectedPrefixes protection, ActiveBans state, Instant now, IpPrefix prefix) {
    return protection
        .protects(prefix)
        .or(() ->
            allowed(state, now)
                .firstOverlap(prefix)
                .map(allowed -> new Protection(Protection.Kind.ALLOW, allowed, "")));
  }

  private static PrefixSet allowed(ActiveBans state, Instant now) {
    return PrefixSet.of(state.allows(now).stream().map(each -> each.allow().ip()).toList());
  }

  private void say(SortedMap<IpPrefix, Protection> refused) {
    refused.entrySet().stream()
        .filter(entry -> !withheld.containsKey(entry.getKey()))
        .limit(MAX_SAID)
        .forEach(entry ->
            logger
                .atWarn()
                .addKeyValue("ip", entry.getKey())
                .addKeyValue("protected_by", entry.getValue())
                .addKeyValue("leftOut", refused.size())
                .log("alwaysBan lists what is protected, so it is not banned"));
  }

  /**
   * Whether it is to be reconciled again: something listed may be protected now, or not any more.
   * That an allow has ended by its time is seen when the log moves next.
   */
  boolean isAffected(
      PrefixSet alwaysBan, ProtectedPrefixes protection, ActiveBans state, Instant now) {
    if (alwaysBan.isEmpty()) {
      return false;
    }
    boolean isOther = protection != under;
    boolean hasMoved = state.head() != underHead;
    under = protection;
    underHead = state.head();
    if (isOther) {
      return !withheld.isEmpty()
          || protection.prefixes().prefixes().stream().anyMatch(alwaysBan::overlaps);
    }
    return hasMoved && !withheld.isEmpty() && isReleased(allowed(state, now));
  }

  private boolean isReleased(PrefixSet allowed) {
    return withheld.entrySet().stream()
        .anyMatch(entry ->
            entry.getValue().kind() == Protection.Kind.ALLOW && !allowed.overlaps(entry.getKey()));
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
