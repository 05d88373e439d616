package io.ipsentry.banlog;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import java.util.List;
import java.util.Optional;

/**
 * What a log remembers about one address, found without reading the log from its beginning.
 *
 * <p>Safe for any thread; throws {@link BanLogException} if the log cannot be read.
 */
public interface BanHistory {
  /** Means "from the newest on" as {@code before}. */
  long FROM_NEWEST = Long.MAX_VALUE;

  /**
   * Events of the whole log, newest first.
   *
   * @param before only events with a smaller number; {@link #FROM_NEWEST} for the first page
   * @param max most events wanted, 1 or more
   */
  List<SequencedEvent> history(long before, int max);

  /**
   * Events about an address or prefix, newest first: about exactly it, about prefixes that contain
   * it and about those that lie in it. Feeds are not among them.
   *
   * @param before only events with a smaller number; {@link #FROM_NEWEST} for the first page
   * @param max most events wanted, 1 or more
   */
  List<SequencedEvent> history(IpPrefix ip, long before, int max);

  /** The last ban of exactly this address or prefix, ended or not: what escalation goes by. */
  Optional<BanEvent.Ban> lastBan(IpPrefix ip);
}
