package io.ipsentry.cli;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.FollowedLog;
import io.ipsentry.kubernetes.feed.FeedFollower;

/** Tells who loads the feeds what changes in a log, and then everybody else. */
record WithFeeds(FeedFollower feeds, ActiveBans bans, FollowedLog.Listener news)
    implements FollowedLog.Listener {
  @Override
  public void applied(SequencedEvent event) {
    feeds.applied(event.event(), bans);
    news.applied(event);
  }

  @Override
  public void replaced(ActiveBans state) {
    feeds.replaced(state);
    news.replaced(state);
  }
}
