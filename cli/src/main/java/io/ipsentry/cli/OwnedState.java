package io.ipsentry.cli;

import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.FeedParts;
import io.ipsentry.authz.follow.LogFollower;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.FeedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.banlog.FollowedLog;
import io.ipsentry.feed.FeedStoreException;
import io.ipsentry.kubernetes.feed.FeedFollower;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The log of an {@code ip-sentry run}, by its admin API, with its feeds. */
final class OwnedState implements FollowedState {
  private static final Duration PART_PATIENCE = Duration.ofSeconds(10);

  private final OpenParts opened = new OpenParts();
  private final ActiveBans bans = new ActiveBans();
  private final ForwardedNews news = new ForwardedNews();
  private final AdminChannel channel;
  private final LogFollower follower;
  private final FeedFollower feeds;
  private volatile Runnable feedsChanged = () -> {};

  OwnedState(AdminEndpoint owner) {
    channel = opened.add(AdminChannel.open(owner));
    feeds =
        new FeedFollower(
            new FeedFollower.Parts(
                this::prefixes,
                now -> feedsChanged.run(),
                FeedFollower.SPREAD,
                System::nanoTime,
                new SecureRandom()));
    follower =
        new LogFollower(
            new LogFollower.Parts(
                channel.channel(),
                channel::connectNow,
                bans,
                new WithFeeds(feeds, bans, news),
                System::nanoTime,
                new SecureRandom()));
  }

  /** The prefixes of a feed, asked for in parts. */
  private PrefixSet prefixes(String feed, String digest) {
    BanEvent.Feed announced = new BanEvent.Feed(Instant.EPOCH, feed, digest, 1, "");
    try {
      return FeedParts.read(
              announced,
              request ->
                  BanServiceGrpc.newBlockingStub(channel.channel())
                      .withDeadlineAfter(PART_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                      .feedPart(request))
          .orElseThrow(
              () -> new FeedStoreException("the owner has no prefixes of the feed " + feed, null));
    } catch (StatusRuntimeException e) {
      throw new FeedStoreException(
          "the owner does not give the feed " + feed + ": " + e.getStatus(), e);
    }
  }

  @Override
  public void follow(FollowedLog.Listener listener, Runnable sparedChanged) {
    news.to(listener);
    feedsChanged = sparedChanged;
    opened.add(feeds.start());
    opened.add(follower.start());
  }

  @Override
  public FollowedLog log() {
    return follower;
  }

  @Override
  public ActiveBans bans() {
    return bans;
  }

  @Override
  public FeedPrefixes feeds() {
    return feeds.feeds();
  }

  @Override
  public boolean isSynced() {
    return follower.isSynced() && feeds.isSettled();
  }

  @Override
  public Channel hits() {
    return channel.channel();
  }

  @Override
  public void connectNow() {
    channel.connectNow();
  }

  @Override
  public List<Part> protectedParts() {
    return List.of();
  }

  @Override
  public List<String> reasonsNotReady() {
    List<String> reasons = new ArrayList<>(FollowerMetrics.reasonsNotReady("owner", follower));
    if (follower.isSynced() && !feeds.isSettled()) {
      reasons.add("feeds: they are being loaded");
    }
    return reasons;
  }

  @Override
  public List<MetricSnapshot> metrics() {
    List<MetricSnapshot> all = new ArrayList<>(FollowerMetrics.state(follower));
    if (!feeds.feeds().feeds().isEmpty() || !feeds.problems().isEmpty()) {
      all.addAll(FeedReport.inForce(feeds.feeds(), feeds.problems().size()));
    }
    return all;
  }

  @Override
  public void close() {
    opened.close();
  }
}
