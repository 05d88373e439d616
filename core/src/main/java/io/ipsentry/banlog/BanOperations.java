package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What people and programs do with bans by hand: the operator commands and the admin API.
 *
 * <p>Outcomes that must be expected (refused, not banned) are results. A change is durable when its
 * method returns, and repeating one is harmless. Safe for any thread. Every implementation passes
 * {@code BanOperationsContract}.
 *
 * <p>Methods throw {@link BanLogException} when the log, or whoever keeps it, cannot be reached or
 * used, and {@link IllegalArgumentException} for an argument outside its limits.
 */
public interface BanOperations extends AutoCloseable {
  /** Length of a ban when none is given. */
  Duration DEFAULT_LENGTH = Duration.ofHours(24);

  /** Most entries that lists beside an outcome have ({@code coveredBy} and the like). */
  int MAX_SHOWN = 16;

  /** Most entries of a page. */
  int MAX_PAGE_ENTRIES = 10_000;

  /**
   * Bans exactly this address or prefix from now on, or extends its ban. An IPv6 address is not
   * widened.
   *
   * <p>A ban is never shortened: if one stands that ends later, nothing is written (unless it holds
   * for less, one policy or one layer; then it is widened and keeps its end).
   *
   * @param length positive; null: permanent
   * @param reason a person's words; may be empty
   * @param by who asks
   */
  BanOutcome ban(IpPrefix ip, @Nullable Duration length, String reason, String by);

  /** Ends the bans of exactly this address or prefix; hits from before never count again. */
  UnbanOutcome unban(IpPrefix ip, String reason, String by);

  /**
   * Puts an address or prefix on the allowlist: no ban has force on it.
   *
   * @param length positive; null: until it is disallowed
   */
  AllowOutcome allow(IpPrefix ip, @Nullable Duration length, String reason, String by);

  /** Takes exactly this address or prefix off the allowlist. */
  DisallowOutcome disallow(IpPrefix ip, String reason, String by);

  /** What holds for an address or prefix now. */
  Standing get(IpPrefix ip);

  /**
   * Bans that stand at a moment, in order of their prefixes.
   *
   * @param at null: now; a moment in the past is shown as it was, from the events up to then; one
   *     in the future shows which of today's bans will still stand
   * @param size most entries of the page, 1 to {@value #MAX_PAGE_ENTRIES}
   * @param token {@link Page#next} of the page before; empty: the first page
   */
  Page<ListedBan> list(@Nullable Instant at, int size, String token);

  /** Entries of the allowlist at a moment, in order of their prefixes; see {@link #list}. */
  Page<Allowance> listAllowed(@Nullable Instant at, int size, String token);

  /**
   * The feeds that the log had at a moment, in order of their names, all on one page; see {@link
   * #list}.
   */
  Page<FeedState> listFeeds(@Nullable Instant at);

  /**
   * The prefixes of a feed, as its source has them: with those that are protected or allowed.
   *
   * @param feed as the log announced it
   * @return empty: they cannot be had at the moment
   */
  Optional<PrefixSet> feedPrefixes(BanEvent.Feed feed);

  /**
   * Events, newest first; none: there are no more.
   *
   * @param ip events about it, about prefixes that contain it and about those in it; null: all
   *     events
   * @param before only events with a smaller number; {@link BanHistory#FROM_NEWEST} for the first
   *     page
   * @param size most entries of the page, 1 to {@value #MAX_PAGE_ENTRIES}
   */
  List<SequencedEvent> history(@Nullable IpPrefix ip, long before, int size);

  /**
   * Delivers events in order without gaps, as {@link BanLog#follow}.
   *
   * @param from number of the first event wanted; 0: only events that are still to come
   */
  BanLog.Subscription watch(long from, BanLog.Sink sink);

  /** Lets go of the log or the connection; the log itself stays as it is. */
  @Override
  void close();
}
