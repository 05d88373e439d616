package io.ipsentry.kubernetes.feed;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.FeedContents;
import io.ipsentry.feed.FeedStoreException;
import io.ipsentry.feed.InvalidFeedException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.net.PrefixSet;
import java.lang.ref.SoftReference;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The prefixes of feeds for a process that does not enforce them and is asked for them seldom: read
 * from the cluster when they are asked for, and kept until the memory is needed for something else.
 * Of each feed one content, the one that was asked for last.
 */
public final class KeptFeeds implements FeedContents {
  private static final Logger logger = LoggerFactory.getLogger(KeptFeeds.class);

  private final FeedFollower.Source source;

  /** Guarded by this. */
  private final Map<String, Kept> kept = new HashMap<>();

  private record Kept(String digest, SoftReference<PrefixSet> prefixes) {}

  /**
   * @param source asked by one thread at a time
   */
  public KeptFeeds(FeedFollower.Source source) {
    this.source = source;
  }

  @Override
  public synchronized Optional<PrefixSet> prefixes(BanEvent.Feed feed) {
    Kept known = kept.get(feed.feed());
    if (known != null && known.digest().equals(feed.digest())) {
      @Nullable PrefixSet prefixes = known.prefixes().get();
      if (prefixes != null) {
        return Optional.of(prefixes);
      }
    }
    try {
      PrefixSet read = source.get(feed.feed(), feed.digest());
      kept.put(feed.feed(), new Kept(feed.digest(), new SoftReference<>(read)));
      return Optional.of(read);
    } catch (ApiServerException | FeedStoreException | InvalidFeedException e) {
      logger
          .atWarn()
          .addKeyValue("feed", feed.feed())
          .addKeyValue("cause", e.getMessage())
          .log("a feed cannot be read; whether it holds an address is not known");
      return Optional.empty();
    }
  }
}
