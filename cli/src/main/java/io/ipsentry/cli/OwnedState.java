package io.ipsentry.cli;

import io.grpc.Channel;
import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.follow.LogFollower;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.banlog.FollowedLog;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.security.SecureRandom;
import java.util.List;

/** The log of an {@code ip-sentry run}, by its admin API. */
final class OwnedState implements FollowedState {
  private final OpenParts opened = new OpenParts();
  private final ActiveBans bans = new ActiveBans();
  private final ForwardedNews news = new ForwardedNews();
  private final AdminChannel channel;
  private final LogFollower follower;

  OwnedState(AdminEndpoint owner) {
    channel = opened.add(AdminChannel.open(owner));
    follower =
        new LogFollower(
            new LogFollower.Parts(
                channel.channel(),
                channel::connectNow,
                bans,
                news,
                System::nanoTime,
                new SecureRandom()));
  }

  @Override
  public void follow(FollowedLog.Listener listener, Runnable sparedChanged) {
    news.to(listener);
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
    return FollowerMetrics.reasonsNotReady("owner", follower);
  }

  @Override
  public List<MetricSnapshot> metrics() {
    return FollowerMetrics.state(follower);
  }

  @Override
  public void close() {
    opened.close();
  }
}
