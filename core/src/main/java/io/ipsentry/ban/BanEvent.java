package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A fact in the ban log: somebody was banned, unbanned, allowed, disallowed, or a feed was
 * replaced.
 *
 * <p>The state of all bans is a pure function of these events in their order ({@link ActiveBans}).
 * That a ban ends is not an event: it ends when its {@code until} passes.
 *
 * <p>Times are whole milliseconds from 1970 to the year 9999; constructors cut finer ones and
 * refuse others. Texts that are too long are cut and end with {@code …}. {@link BanEventJson} is
 * the form on the wire.
 */
public sealed interface BanEvent {
  /** Longest {@code rule}, {@code by}, {@code scope} and feed name, in characters. */
  int MAX_NAME_CHARS = 64;

  /** Longest {@code edit}, in characters. */
  int MAX_EDIT_CHARS = 128;

  /** Longest {@code reason}, in characters. */
  int MAX_REASON_CHARS = 512;

  /** Last moment an event can name; a ban that would end later is permanent. */
  Instant MAX_TIME = Instant.parse("9999-12-31T23:59:59Z");

  /** A reason as an event keeps it: cut to {@link #MAX_REASON_CHARS}. */
  static String cutReason(String reason) {
    return EventLimits.text(reason, MAX_REASON_CHARS);
  }

  /** When it was decided, by the clock of the writer (by event time in a replay). */
  Instant at();

  /** Who decided: a component ({@code watcher}) or a person's tool ({@code cli}); may be empty. */
  String by();

  /**
   * An address or prefix is banned. Replaces an earlier ban of the same {@code ip} and {@code
   * scope}, also one that would last longer.
   *
   * @param until when the ban ends (exclusive); null: permanent
   * @param rule name of the rule, or {@code manual} or a feed's name
   * @param reason the pattern that was hit, or a person's words; may be empty
   * @param hits number of hits that led to it; 0 if none were counted
   * @param seenAs how the address came to be known, which decides where the ban is enforced
   * @param offence 1 for the first ban within the rule's {@code forget}, 2 for the next, …
   * @param evidenceAt event time of the hit that decided; null if there is none
   * @param scope the policy whose routes alone the ban holds for; null: it holds everywhere
   * @param edit which change of a shared document asked for it, so that it is not carried out
   *     twice: what {@link ActiveBans#lastEdit} gives; null: none did
   */
  record Ban(
      Instant at,
      IpPrefix ip,
      @Nullable Instant until,
      String rule,
      String reason,
      int hits,
      SeenAs seenAs,
      String by,
      int offence,
      @Nullable Instant evidenceAt,
      @Nullable String scope,
      @Nullable String edit)
      implements BanEvent {
    /** Cuts texts and times to their limits. */
    public Ban {
      at = EventLimits.time(at);
      until = EventLimits.until(until);
      rule = EventLimits.text(rule, MAX_NAME_CHARS);
      reason = EventLimits.text(reason, MAX_REASON_CHARS);
      by = EventLimits.text(by, MAX_NAME_CHARS);
      evidenceAt = evidenceAt == null ? null : EventLimits.time(evidenceAt);
      scope = scope == null ? null : EventLimits.text(scope, MAX_NAME_CHARS);
      edit = edit == null ? null : EventLimits.edit(edit);
      if (hits < 0) {
        throw new IllegalArgumentException("hits must not be negative, is " + hits);
      }
      if (offence < 1) {
        throw new IllegalArgumentException("offence counts from 1, is " + offence);
      }
    }

    /** One that no change of a shared document asked for. */
    public Ban(
        Instant at,
        IpPrefix ip,
        @Nullable Instant until,
        String rule,
        String reason,
        int hits,
        SeenAs seenAs,
        String by,
        int offence,
        @Nullable Instant evidenceAt,
        @Nullable String scope) {
      this(at, ip, until, rule, reason, hits, seenAs, by, offence, evidenceAt, scope, null);
    }

    /** Whether it ends at some time. */
    public boolean isPermanent() {
      return until == null;
    }

    /**
     * Whether packets of the address can be dropped: it holds everywhere, and the address is one
     * that stands in packets (not one that a proxy forwarded for).
     */
    public boolean isVisibleAtL3() {
      return scope == null && seenAs != SeenAs.FORWARDED;
    }
  }

  /**
   * Every ban of exactly this address or prefix ends, whatever its scope. Bans of wider or narrower
   * prefixes stay.
   *
   * @param reason a person's words; may be empty
   * @param edit as of a {@link Ban}
   */
  record Unban(Instant at, IpPrefix ip, String by, String reason, @Nullable String edit)
      implements BanEvent {
    /** Cuts texts and times to their limits. */
    public Unban {
      at = EventLimits.time(at);
      by = EventLimits.text(by, MAX_NAME_CHARS);
      reason = EventLimits.text(reason, MAX_REASON_CHARS);
      edit = edit == null ? null : EventLimits.edit(edit);
    }

    /** One that no change of a shared document asked for. */
    public Unban(Instant at, IpPrefix ip, String by, String reason) {
      this(at, ip, by, reason, null);
    }
  }

  /**
   * Nobody in the prefix is refused, whatever bans there are. Replaces an earlier allow of the same
   * prefix.
   *
   * @param until when it ends (exclusive); null: never
   * @param reason a person's words; may be empty
   */
  record Allow(Instant at, IpPrefix ip, @Nullable Instant until, String by, String reason)
      implements BanEvent {
    /** Cuts texts and times to their limits. */
    public Allow {
      at = EventLimits.time(at);
      until = EventLimits.until(until);
      by = EventLimits.text(by, MAX_NAME_CHARS);
      reason = EventLimits.text(reason, MAX_REASON_CHARS);
    }
  }

  /**
   * The allow of exactly this prefix ends.
   *
   * @param reason a person's words; may be empty
   */
  record Disallow(Instant at, IpPrefix ip, String by, String reason) implements BanEvent {
    /** Cuts texts and times to their limits. */
    public Disallow {
      at = EventLimits.time(at);
      by = EventLimits.text(by, MAX_NAME_CHARS);
      reason = EventLimits.text(reason, MAX_REASON_CHARS);
    }
  }

  /**
   * A feed has a new content, which is kept beside the log and named by its digest.
   *
   * @param feed name of the feed
   * @param digest of the content, such as {@code sha256:…}
   * @param entries number of its prefixes; 0: the feed is gone
   */
  record Feed(Instant at, String feed, String digest, int entries, String by) implements BanEvent {
    /** Longest digest, in characters. */
    public static final int MAX_DIGEST_CHARS = 136;

    /** Cuts texts and times to their limits. */
    public Feed {
      at = EventLimits.time(at);
      feed = EventLimits.text(feed, MAX_NAME_CHARS);
      by = EventLimits.text(by, MAX_NAME_CHARS);
      if (feed.isEmpty()) {
        throw new IllegalArgumentException("a feed needs a name");
      }
      if (digest.isEmpty() || digest.length() > MAX_DIGEST_CHARS) {
        throw new IllegalArgumentException(
            "digest must have 1 to " + MAX_DIGEST_CHARS + " characters, has " + digest.length());
      }
      if (entries < 0) {
        throw new IllegalArgumentException("entries must not be negative, is " + entries);
      }
    }
  }
}
