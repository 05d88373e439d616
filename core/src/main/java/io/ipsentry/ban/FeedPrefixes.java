package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The prefixes of all feeds, as far as they are known here: banned without an event each. What is
 * protected or allowed is not taken out; who asks looks at that first. Immutable.
 */
public final class FeedPrefixes {
  /** No feed. */
  public static final FeedPrefixes NONE = new FeedPrefixes(List.of());

  private final List<Feed> feeds;
  private final PrefixSet all;

  /**
   * One feed.
   *
   * @param seq number of the event that announced this content
   */
  public record Feed(String name, String digest, long seq, PrefixSet prefixes) {}

  private FeedPrefixes(List<Feed> feeds) {
    this.feeds = feeds;
    PrefixSet together = PrefixSet.empty();
    for (Feed feed : feeds) {
      together = together.union(feed.prefixes());
    }
    all = together;
  }

  /** Of these feeds; each name once. */
  public static FeedPrefixes of(Collection<Feed> feeds) {
    return feeds.isEmpty()
        ? NONE
        : new FeedPrefixes(feeds.stream().sorted(Comparator.comparing(Feed::name)).toList());
  }

  /** In order of their names. */
  public List<Feed> feeds() {
    return feeds;
  }

  /** The prefixes of all of them, and none that lies in another. */
  public PrefixSet all() {
    return all;
  }

  /** Whether a feed holds the address. One search, allocates nothing. */
  public boolean contains(long hi, long lo) {
    return all.contains(hi, lo);
  }

  /** The feed that holds the address; of several, the first by name. */
  public Optional<Feed> holding(long hi, long lo) {
    for (Feed feed : feeds) {
      if (feed.prefixes().contains(hi, lo)) {
        return Optional.of(feed);
      }
    }
    return Optional.empty();
  }

  /** Those that hold all of a prefix. */
  public List<Feed> covering(IpPrefix ip) {
    return feeds.stream().filter(feed -> feed.prefixes().covers(ip)).toList();
  }
}
