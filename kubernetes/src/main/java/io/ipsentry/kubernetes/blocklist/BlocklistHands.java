package io.ipsentry.kubernetes.blocklist;

import io.ipsentry.ban.ActiveBan;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.Protection;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.kubernetes.blocklist.WrittenDocument.Entry;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Turns what people made of the blocklist into events, given the state of the log.
 *
 * <p>A document that tells which state it was made from is merged three ways: base is what was
 * shown of that state, theirs the document, ours the state now. What is gone from it is unbanned,
 * what was added or changed is banned that way. What the log has got about an address since then
 * stays; of two ends the later one holds. A document that does not tell is additive: its entries
 * are added or changed, null unbans, no other ban is touched.
 *
 * <p>Deciding again on the state that the events lead to gives no event, so an edit may come twice,
 * and in pieces.
 */
final class BlocklistHands {
  private static final String REMOVED = "removed by hand";

  private final Edit edit;
  private final ActiveBans now;
  private final Instant at;
  private final ProtectedPrefixes protection;
  private final PrefixSet allowed;
  private final List<BanEvent> events = new ArrayList<>();
  private final Complaints complaints = new Complaints();

  /**
   * A change of the document.
   *
   * @param name of it alone, for {@link ActiveBans#lastEdit}
   * @param by who made it
   */
  record Edit(String name, String by) {}

  /**
   * What follows from a change.
   *
   * @param events to append, at most {@link BanLog#MAX_BATCH_EVENTS}; the last piece of a change
   *     names it
   * @param complaints what of it is not done
   * @param more whether there are further events, to be asked for when these are appended
   */
  record Outcome(List<BanEvent> events, Complaints complaints, boolean more) {
    Outcome {
      events = List.copyOf(events);
    }
  }

  private BlocklistHands(Edit edit, ActiveBans now, Instant at, ProtectedPrefixes protection) {
    this.edit = edit;
    this.now = now;
    this.at = at;
    this.protection = protection;
    this.allowed = PrefixSet.of(now.allows(at).stream().map(entry -> entry.allow().ip()).toList());
  }

  /**
   * Decides what is to be done.
   *
   * @param written what they made of it
   * @param base what was shown of the state that the document names; null: it names none
   * @param now the fold of the log; nobody changes it meanwhile
   * @param at wall clock
   * @param protection what must not be banned
   */
  static Outcome absorb(
      WrittenDocument written,
      @Nullable ShownBans base,
      Edit edit,
      ActiveBans now,
      Instant at,
      ProtectedPrefixes protection) {
    BlocklistHands hands = new BlocklistHands(edit, now, at, protection);
    hands.complaints.addAll(written.complaints());
    if (written.usable()) {
      if (base == null) {
        hands.add(written);
      } else {
        hands.merge(written, base);
      }
    }
    return hands.outcome();
  }

  private Outcome outcome() {
    if (events.size() <= BanLog.MAX_BATCH_EVENTS) {
      return new Outcome(events, complaints, false);
    }
    // Named by its last piece only: else a successor would take a piece for the whole.
    List<BanEvent> piece =
        events.subList(0, BanLog.MAX_BATCH_EVENTS).stream()
            .map(BlocklistHands::withoutEdit)
            .toList();
    return new Outcome(piece, complaints, true);
  }

  private static BanEvent withoutEdit(BanEvent event) {
    return switch (event) {
      case BanEvent.Ban ban ->
          new BanEvent.Ban(
              ban.at(),
              ban.ip(),
              ban.until(),
              ban.rule(),
              ban.reason(),
              ban.hits(),
              ban.seenAs(),
              ban.by(),
              ban.offence(),
              ban.evidenceAt(),
              ban.scope());
      case BanEvent.Unban unban ->
          new BanEvent.Unban(unban.at(), unban.ip(), unban.by(), unban.reason());
      case BanEvent.Allow allow -> allow;
      case BanEvent.Disallow disallow -> disallow;
      case BanEvent.Feed feed -> feed;
    };
  }

  // ---- a document that does not tell what it was made from

  private void add(WrittenDocument written) {
    written
        .entries()
        .forEach((ip, entry) -> {
          if (entry == null) {
            unban(ip);
          } else if (!entry.hasEnded(at)) {
            ban(ip, entry, everywhere(ip));
          }
        });
  }

  // ---- a document that does

  private void merge(WrittenDocument written, ShownBans base) {
    SortedSet<IpPrefix> all = new TreeSet<>(base.bans().keySet());
    all.addAll(written.entries().keySet());
    all.removeAll(written.unclear());
    long version = base.stamp().version();
    for (IpPrefix ip : all) {
      ActiveBan shown = base.bans().get(ip);
      @Nullable Entry entry = written.entries().get(ip);
      if (shown == null) {
        if (entry == null) {
          unban(ip);
        } else if (!entry.hasEnded(at)) {
          prolong(ip, entry, everywhere(ip));
        }
      } else if (entry == null) {
        removed(ip, version);
      } else if (!says(entry, shown)) {
        changed(ip, entry, shown, version);
      }
    }
  }

  private void removed(IpPrefix ip, long version) {
    ActiveBan standing = everywhere(ip);
    if (standing == null) {
      return;
    }
    if (standing.seq() > version) {
      complaints.add(
          ip
              + " was banned anew after version "
              + version
              + " and stays banned; open the blocklist again and remove it there");
    } else {
      unban(ip);
    }
  }

  private void changed(IpPrefix ip, Entry entry, ActiveBan shown, long version) {
    ActiveBan standing = everywhere(ip);
    boolean renewed = standing != null && standing.seq() > version;
    if (entry.hasEnded(at)) {
      // An end in the past is another way to write: not any more.
      removed(ip, version);
    } else if (renewed) {
      prolong(ip, entry, standing);
    } else if (standing != null) {
      ban(ip, entry, standing);
    } else if (isOver(shown)) {
      ban(ip, entry, null);
    } else {
      complaints.add(
          ip
              + " was unbanned after version "
              + version
              + " and stays so; open the blocklist again and add it there");
    }
  }

  private boolean isOver(ActiveBan shown) {
    Instant until = shown.ban().until();
    return until != null && !until.isAfter(at);
  }

  // ---- one address

  private void unban(IpPrefix ip) {
    if (!now.get(ip, at).isEmpty()) {
      events.add(new BanEvent.Unban(at, ip, edit.by(), REMOVED, edit.name()));
    }
  }

  /** Bans unless a ban stands that ends as late. */
  private void prolong(IpPrefix ip, Entry entry, @Nullable ActiveBan standing) {
    if (standing == null || ShownBans.end(standing.ban().until()).isBefore(entry.end())) {
      ban(ip, entry, standing);
    }
  }

  /** Bans as it is written, unless it is so. */
  private void ban(IpPrefix ip, Entry entry, @Nullable ActiveBan standing) {
    if (standing != null && says(entry, standing)) {
      return;
    }
    Optional<Protection> refusal = refusal(ip);
    if (refusal.isPresent()) {
      complaints.add(ip + " was not banned: " + refusal.get().description() + " is protected");
      return;
    }
    events.add(
        new BanEvent.Ban(
            at,
            ip,
            until(entry, standing),
            LogBanOperations.RULE,
            entry.reason(),
            entry.hits(),
            SeenAs.MANUAL,
            edit.by(),
            // A ban by hand is no further offence, but it must not hide those there were.
            now.lastOffence(ip).map(ActiveBans.Offence::number).orElse(1),
            null,
            null,
            edit.name()));
  }

  /** As it is written; to the millisecond where that is what is shown. */
  private static @Nullable Instant until(Entry entry, @Nullable ActiveBan standing) {
    boolean same = standing != null && ShownBans.end(standing.ban().until()).equals(entry.end());
    return standing != null && same ? standing.ban().until() : entry.until();
  }

  /** Whether the entry is what is shown of a ban; only its end and reason are for people. */
  private static boolean says(Entry entry, ActiveBan active) {
    BanEvent.Ban ban = active.ban();
    return ShownBans.end(ban.until()).equals(entry.end())
        && ban.reason().equals(BanEvent.cutReason(entry.reason()));
  }

  private @Nullable ActiveBan everywhere(IpPrefix ip) {
    return now.get(ip, at).stream()
        .filter(ban -> ban.ban().scope() == null)
        .findFirst()
        .orElse(null);
  }

  private Optional<Protection> refusal(IpPrefix ip) {
    return protection
        .protects(ip)
        .or(() ->
            allowed
                .firstOverlap(ip)
                .map(prefix -> new Protection(Protection.Kind.ALLOW, prefix, "")));
  }
}
