package io.ipsentry.authz.admin;

import com.google.protobuf.Timestamp;
import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.Refusal;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.proto.v1.ActiveBan;
import io.ipsentry.proto.v1.AllowChange;
import io.ipsentry.proto.v1.AllowEntry;
import io.ipsentry.proto.v1.BanChange;
import io.ipsentry.proto.v1.DisallowChange;
import io.ipsentry.proto.v1.Event;
import io.ipsentry.proto.v1.FeedChange;
import io.ipsentry.proto.v1.FeedEntry;
import io.ipsentry.proto.v1.Refused;
import io.ipsentry.proto.v1.UnbanChange;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Our values as messages of {@code ipsentry.v1} and back; both ways keep everything.
 *
 * <p>Reading a message of a newer version throws {@link IllegalArgumentException} where it holds
 * what this version does not know. Stateless.
 */
public final class WireMessages {
  /** Bounds of a valid {@code Timestamp}: 0001-01-01 to the end of 9999. */
  private static final long MIN_SECONDS = -62_135_596_800L;

  private static final long MAX_SECONDS = 253_402_300_799L;

  private WireMessages() {}

  /** A time; events have milliseconds. */
  public static Timestamp toProto(Instant time) {
    return Timestamp.newBuilder()
        .setSeconds(time.getEpochSecond())
        .setNanos(time.getNano())
        .build();
  }

  /** A time. */
  public static Instant time(Timestamp time) {
    if (time.getSeconds() < MIN_SECONDS
        || time.getSeconds() > MAX_SECONDS
        || time.getNanos() < 0
        || time.getNanos() >= 1_000_000_000) {
      throw new IllegalArgumentException("a time is outside the years 1 to 9999");
    }
    return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
  }

  /** An event with its number. */
  public static Event toProto(SequencedEvent sequenced) {
    BanEvent event = sequenced.event();
    Event.Builder message =
        Event.newBuilder().setSeq(sequenced.seq()).setAt(toProto(event.at())).setBy(event.by());
    switch (event) {
      case BanEvent.Ban ban -> message.setBan(change(ban));
      case BanEvent.Unban unban ->
          message.setUnban(
              UnbanChange.newBuilder().setIp(unban.ip().toString()).setReason(unban.reason()));
      case BanEvent.Allow allow -> {
        AllowChange.Builder change =
            AllowChange.newBuilder().setIp(allow.ip().toString()).setReason(allow.reason());
        if (allow.until() != null) {
          change.setUntil(toProto(allow.until()));
        }
        message.setAllow(change);
      }
      case BanEvent.Disallow disallow ->
          message.setDisallow(
              DisallowChange.newBuilder()
                  .setIp(disallow.ip().toString())
                  .setReason(disallow.reason()));
      case BanEvent.Feed feed ->
          message.setFeed(
              FeedChange.newBuilder()
                  .setFeed(feed.feed())
                  .setDigest(feed.digest())
                  .setEntries(feed.entries()));
    }
    return message.build();
  }

  private static BanChange change(BanEvent.Ban ban) {
    BanChange.Builder change =
        BanChange.newBuilder()
            .setIp(ban.ip().toString())
            .setRule(ban.rule())
            .setReason(ban.reason())
            .setHits(ban.hits())
            .setSeenAs(toProto(ban.seenAs()))
            .setOffence(ban.offence());
    if (ban.until() != null) {
      change.setUntil(toProto(ban.until()));
    }
    if (ban.evidenceAt() != null) {
      change.setEvidenceAt(toProto(ban.evidenceAt()));
    }
    if (ban.scope() != null) {
      change.setScope(ban.scope());
    }
    return change.build();
  }

  /** An event with its number. */
  public static SequencedEvent event(Event message) {
    Instant at = time(message.getAt());
    String by = message.getBy();
    BanEvent event =
        switch (message.getChangeCase()) {
          case BAN -> ban(message.getBan(), at, by);
          case UNBAN -> {
            UnbanChange change = message.getUnban();
            yield new BanEvent.Unban(at, IpPrefix.parse(change.getIp()), by, change.getReason());
          }
          case ALLOW -> {
            AllowChange change = message.getAllow();
            Instant until = change.hasUntil() ? time(change.getUntil()) : null;
            yield new BanEvent.Allow(
                at, IpPrefix.parse(change.getIp()), until, by, change.getReason());
          }
          case DISALLOW -> {
            DisallowChange change = message.getDisallow();
            yield new BanEvent.Disallow(at, IpPrefix.parse(change.getIp()), by, change.getReason());
          }
          case FEED -> {
            FeedChange change = message.getFeed();
            yield new BanEvent.Feed(
                at, change.getFeed(), change.getDigest(), (int) change.getEntries(), by);
          }
          case CHANGE_NOT_SET ->
              throw new IllegalArgumentException(
                  "event " + message.getSeq() + " is of a kind that this version does not know");
        };
    return new SequencedEvent(message.getSeq(), event);
  }

  private static BanEvent.Ban ban(BanChange change, Instant at, String by) {
    return new BanEvent.Ban(
        at,
        IpPrefix.parse(change.getIp()),
        change.hasUntil() ? time(change.getUntil()) : null,
        change.getRule(),
        change.getReason(),
        change.getHits(),
        seenAs(change.getSeenAs()),
        by,
        change.getOffence(),
        change.hasEvidenceAt() ? time(change.getEvidenceAt()) : null,
        change.getScope().isEmpty() ? null : change.getScope());
  }

  /** A ban that stands. */
  public static ActiveBan toProto(ListedBan active) {
    BanEvent.Ban ban = active.ban();
    ActiveBan.Builder message =
        ActiveBan.newBuilder()
            .setIp(ban.ip().toString())
            .setBannedAt(toProto(ban.at()))
            .setRule(ban.rule())
            .setReason(ban.reason())
            .setHitCount(ban.hits())
            .setSeenAs(toProto(ban.seenAs()))
            .setBy(ban.by())
            .setOffence(ban.offence())
            .setSeq(active.seq())
            .setInForce(active.inForce());
    if (ban.until() != null) {
      message.setExpiresAt(toProto(ban.until()));
    }
    if (ban.evidenceAt() != null) {
      message.setEvidenceAt(toProto(ban.evidenceAt()));
    }
    if (ban.scope() != null) {
      message.setScope(ban.scope());
    }
    return message.build();
  }

  /** A ban that stands. */
  public static ListedBan listedBan(ActiveBan message) {
    BanEvent.Ban ban =
        new BanEvent.Ban(
            time(message.getBannedAt()),
            IpPrefix.parse(message.getIp()),
            message.hasExpiresAt() ? time(message.getExpiresAt()) : null,
            message.getRule(),
            message.getReason(),
            message.getHitCount(),
            seenAs(message.getSeenAs()),
            message.getBy(),
            message.getOffence(),
            message.hasEvidenceAt() ? time(message.getEvidenceAt()) : null,
            message.getScope().isEmpty() ? null : message.getScope());
    return new ListedBan(message.getSeq(), ban, message.getInForce());
  }

  /** Bans that stand, in their order. */
  public static List<ActiveBan> toProto(List<ListedBan> bans) {
    return bans.stream().map(WireMessages::toProto).toList();
  }

  /** Bans that stand, in their order. */
  public static List<ListedBan> listedBans(List<ActiveBan> messages) {
    return messages.stream().map(WireMessages::listedBan).toList();
  }

  /** An entry of the allowlist. */
  public static AllowEntry toProto(Allowance entry) {
    BanEvent.Allow allow = entry.allow();
    AllowEntry.Builder message =
        AllowEntry.newBuilder()
            .setIp(allow.ip().toString())
            .setAllowedAt(toProto(allow.at()))
            .setReason(allow.reason())
            .setBy(allow.by())
            .setSeq(entry.seq());
    if (allow.until() != null) {
      message.setExpiresAt(toProto(allow.until()));
    }
    return message.build();
  }

  /** An entry of the allowlist. */
  public static Allowance allowEntry(AllowEntry message) {
    BanEvent.Allow allow =
        new BanEvent.Allow(
            time(message.getAllowedAt()),
            IpPrefix.parse(message.getIp()),
            message.hasExpiresAt() ? time(message.getExpiresAt()) : null,
            message.getBy(),
            message.getReason());
    return new Allowance(message.getSeq(), allow);
  }

  /** Entries of the allowlist, in their order. */
  public static List<Allowance> allowEntries(List<AllowEntry> messages) {
    return messages.stream().map(WireMessages::allowEntry).toList();
  }

  /** A feed. */
  public static FeedEntry toProto(FeedState state) {
    return FeedEntry.newBuilder()
        .setFeed(state.feed().feed())
        .setDigest(state.feed().digest())
        .setEntries(state.feed().entries())
        .setAnnouncedAt(toProto(state.feed().at()))
        .setBy(state.feed().by())
        .setSeq(state.seq())
        .build();
  }

  /** Feeds, in their order. */
  public static List<FeedState> feedEntries(List<FeedEntry> messages) {
    return messages.stream()
        .map(message ->
            new FeedState(
                message.getSeq(),
                new BanEvent.Feed(
                    time(message.getAnnouncedAt()),
                    message.getFeed(),
                    message.getDigest(),
                    message.getEntries(),
                    message.getBy())))
        .toList();
  }

  /** Why an address must not be banned. */
  public static Refused toProto(Refusal refusal) {
    return Refused.newBuilder()
        .setKind(refusal.kind())
        .setPrefix(refusal.prefix().toString())
        .setDescription(refusal.description())
        .build();
  }

  /** Why an address must not be banned. */
  public static Refusal refusal(Refused message) {
    return new Refusal(
        message.getKind(), IpPrefix.parse(message.getPrefix()), message.getDescription());
  }

  /** Why an address must not be banned; null stays null. */
  public static @Nullable Refusal refusal(boolean present, Refused message) {
    return present ? refusal(message) : null;
  }

  private static io.ipsentry.proto.v1.SeenAs toProto(SeenAs seenAs) {
    return switch (seenAs) {
      case PEER -> io.ipsentry.proto.v1.SeenAs.SEEN_AS_PEER;
      case FORWARDED -> io.ipsentry.proto.v1.SeenAs.SEEN_AS_FORWARDED;
      case MANUAL -> io.ipsentry.proto.v1.SeenAs.SEEN_AS_MANUAL;
      case FEED -> io.ipsentry.proto.v1.SeenAs.SEEN_AS_FEED;
    };
  }

  private static SeenAs seenAs(io.ipsentry.proto.v1.SeenAs seenAs) {
    return switch (seenAs) {
      case SEEN_AS_PEER -> SeenAs.PEER;
      case SEEN_AS_FORWARDED -> SeenAs.FORWARDED;
      case SEEN_AS_MANUAL -> SeenAs.MANUAL;
      case SEEN_AS_FEED -> SeenAs.FEED;
      case SEEN_AS_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("seen_as has a value that this version does not know");
    };
  }
}
