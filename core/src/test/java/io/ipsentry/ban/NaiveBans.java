package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What {@link ActiveBans} must do, written in the plainest way: maps and lists, all looked through.
 */
final class NaiveBans {
  record Key(IpPrefix ip, @Nullable String scope) {}

  static final class Entry {
    long seq;
    BanEvent.@Nullable Ban ban;
    boolean unbanned;
    long until;

    BanEvent.Ban held() {
      return Objects.requireNonNull(ban);
    }
  }

  private final ActiveBans.Limits limits;
  private final Map<Key, Entry> entries = new HashMap<>();
  private final Map<IpPrefix, ActiveBans.Allowance> allows = new HashMap<>();
  private long now = Long.MIN_VALUE;
  @Nullable String lastEdit;

  NaiveBans(ActiveBans.Limits limits) {
    this.limits = limits;
  }

  void apply(SequencedEvent sequenced) {
    switch (sequenced.event()) {
      case BanEvent.Ban ban -> {
        ban(sequenced.seq(), ban);
        lastEdit = ban.edit() == null ? lastEdit : ban.edit();
      }
      case BanEvent.Unban unban -> {
        lastEdit = unban.edit() == null ? lastEdit : unban.edit();
        entries.computeIfAbsent(new Key(unban.ip(), null), k -> new Entry());
        entries.forEach((key, entry) -> {
          if (key.ip().equals(unban.ip())) {
            entry.unbanned = true;
            entry.until = unban.at().toEpochMilli();
          }
        });
      }
      case BanEvent.Allow allow ->
          allows.put(allow.ip(), new ActiveBans.Allowance(sequenced.seq(), allow));
      case BanEvent.Disallow disallow -> allows.remove(disallow.ip());
      case BanEvent.Feed feed -> {}
    }
    now = Math.max(now, sequenced.event().at().toEpochMilli());
    forget();
  }

  private void ban(long seq, BanEvent.Ban ban) {
    Entry entry = entries.computeIfAbsent(new Key(ban.ip(), ban.scope()), k -> new Entry());
    SeenAs seenAs = ban.seenAs();
    BanEvent.Ban old = entry.ban;
    if (old != null
        && !entry.unbanned
        && ban.at().toEpochMilli() < entry.until
        && seenAs == SeenAs.FORWARDED) {
      seenAs = old.seenAs();
    }
    entry.seq = seq;
    entry.until = ActiveBans.millisOf(ban.until());
    entry.unbanned = false;
    entry.ban =
        new BanEvent.Ban(
            ban.at(),
            ban.ip(),
            ban.until(),
            ban.rule(),
            ban.reason(),
            ban.hits(),
            seenAs,
            ban.by(),
            ban.offence(),
            ban.evidenceAt(),
            ban.scope());
  }

  private void forget() {
    entries
        .values()
        .removeIf(e -> now - e.until >= limits.rememberEnded().toMillis() && e.until <= now);
    while (entries.size() > limits.maxRemembered()) {
      Key first =
          entries.entrySet().stream()
              .filter(e -> e.getValue().until <= now)
              .min(
                  Comparator.comparingLong((Map.Entry<Key, Entry> e) -> e.getValue().until)
                      .thenComparingLong(e -> e.getValue().seq))
              .map(Map.Entry::getKey)
              .orElse(null);
      if (first == null) {
        return;
      }
      entries.remove(first);
    }
  }

  List<ActiveBan> list(long at) {
    List<ActiveBan> active = new ArrayList<>();
    for (Entry entry : entries.values()) {
      if (entry.ban != null && !entry.unbanned && at < entry.until) {
        active.add(new ActiveBan(entry.seq, entry.held()));
      }
    }
    active.sort(
        Comparator.comparing((ActiveBan ban) -> ban.ban().ip()).thenComparingLong(ActiveBan::seq));
    return active;
  }

  /** The lengths of the bans that may be the verdict; none if allowed. */
  List<ActiveBan> verdicts(long hi, long lo, long at, @Nullable String scope) {
    boolean allowed =
        allows.values().stream()
            .anyMatch(a ->
                a.allow().ip().contains(hi, lo) && at < ActiveBans.millisOf(a.allow().until()));
    if (allowed) {
      return List.of();
    }
    List<ActiveBan> holding =
        list(at).stream()
            .filter(b -> b.ban().ip().contains(hi, lo))
            .filter(b -> b.ban().scope() == null || Objects.equals(b.ban().scope(), scope))
            .toList();
    int longest = holding.stream().mapToInt(b -> b.ban().ip().length()).max().orElse(-1);
    return holding.stream().filter(b -> b.ban().ip().length() == longest).toList();
  }

  long floor(long hi, long lo, @Nullable String scope) {
    return entries.entrySet().stream()
        .filter(e -> e.getKey().ip().contains(hi, lo))
        .filter(e -> e.getKey().scope() == null || Objects.equals(e.getKey().scope(), scope))
        .mapToLong(e -> e.getValue().until)
        .max()
        .orElse(ActiveBans.NO_FLOOR);
  }

  @Nullable ActiveBan lastBan(IpPrefix ip) {
    return entries.entrySet().stream()
        .filter(e -> e.getKey().ip().equals(ip) && e.getValue().ban != null)
        .map(e -> new ActiveBan(e.getValue().seq, e.getValue().held()))
        .max(Comparator.comparingLong(ActiveBan::seq))
        .orElse(null);
  }

  List<Long> allows(Instant at) {
    return allows.values().stream()
        .filter(a -> at.toEpochMilli() < ActiveBans.millisOf(a.allow().until()))
        .sorted(Comparator.comparing(a -> a.allow().ip()))
        .map(ActiveBans.Allowance::seq)
        .toList();
  }

  int remembered() {
    return entries.size();
  }
}
