package io.ipsentry.watcher.feed;

import io.ipsentry.config.FeedConfig;
import io.ipsentry.feed.FeedAction;
import io.ipsentry.net.PrefixSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the feeds say must never be banned.
 *
 * @param known prefixes by the name of the feed
 * @param unread feeds whose prefixes could not be read yet: what was known of them holds
 */
public record FeedRanges(Map<String, PrefixSet> known, Set<String> unread) {
  /** No feed protects anything. */
  public static final FeedRanges NONE = new FeedRanges(Map.of(), Set.of());

  public FeedRanges {
    known = Map.copyOf(known);
    unread = Set.copyOf(unread);
  }

  /** Of feeds of which nothing could be read yet. */
  public static FeedRanges unread(List<FeedConfig> feeds) {
    return new FeedRanges(
        Map.of(),
        feeds.stream()
            .filter(feed -> feed.action() == FeedAction.PROTECT)
            .map(FeedConfig::name)
            .collect(Collectors.toSet()));
  }

  /** This, with what was known before of feeds that could not be read yet. */
  public FeedRanges after(FeedRanges before) {
    Map<String, PrefixSet> all = new HashMap<>(known);
    Set<String> still = new HashSet<>();
    for (String feed : unread) {
      PrefixSet held = before.known().get(feed);
      if (held == null) {
        still.add(feed);
      } else {
        all.put(feed, held);
      }
    }
    return new FeedRanges(all, still);
  }
}
