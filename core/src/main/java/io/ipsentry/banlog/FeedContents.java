package io.ipsentry.banlog;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.net.PrefixSet;
import java.util.Optional;

/**
 * The prefixes of feeds, which the log only names; for who asks which feed holds an address. May
 * wait until they are loaded. Safe for any thread.
 */
@FunctionalInterface
public interface FeedContents {
  /** Knows no feed. */
  FeedContents NONE = feed -> Optional.empty();

  /**
   * The prefixes of a feed.
   *
   * @param feed as the log announced it
   * @return empty: they cannot be had at the moment
   */
  Optional<PrefixSet> prefixes(BanEvent.Feed feed);
}
