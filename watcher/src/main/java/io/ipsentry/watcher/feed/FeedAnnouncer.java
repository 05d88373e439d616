package io.ipsentry.watcher.feed;

import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.feed.FeedCodec;
import io.ipsentry.feed.FeedStore;
import io.ipsentry.feed.FeedStoreException;
import io.ipsentry.net.PrefixSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tells the log which content a feed has; nothing, if it says so already. Safe for any thread. */
final class FeedAnnouncer {
  /** Who announces, in events. */
  static final String BY = "feeds";

  private static final String DIGEST_OF_NOTHING =
      FeedCodec.digest(FeedCodec.bytes(PrefixSet.empty()));

  private final BanWriter writer;

  FeedAnnouncer(BanWriter writer) {
    this.writer = writer;
  }

  /**
   * Announces a content.
   *
   * @throws FeedStoreException if the log does not take it; to be tried again
   */
  void announce(String feed, FeedStore.Stored content) {
    write((state, now) -> {
      @Nullable FeedState known = state.feeds().get(feed);
      boolean isSame =
          known != null
              && known.feed().digest().equals(content.digest())
              && known.feed().entries() == content.entries();
      return isSame || known == null && content.entries() == 0
          ? List.of()
          : List.of(new BanEvent.Feed(now, feed, content.digest(), content.entries(), BY));
    });
  }

  /** Announces that a feed has no content any more. */
  void withdraw(String feed) {
    announce(feed, new FeedStore.Stored(DIGEST_OF_NOTHING, 0));
  }

  private void write(BanWriter.Decision decision) {
    try {
      switch (writer.write(decision)) {
        case BanWriter.Outcome.Written written -> {}
        case BanWriter.Outcome.Full full ->
            throw new FeedStoreException("the ban log takes no event: " + full.reason(), null);
        case BanWriter.Outcome.Contended contended ->
            throw new FeedStoreException("others write to the ban log all the time", null);
      }
    } catch (BanLogException e) {
      throw new FeedStoreException("the ban log takes no event: " + e.getMessage(), e);
    }
  }
}
