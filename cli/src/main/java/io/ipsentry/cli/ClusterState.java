package io.ipsentry.cli;

import io.grpc.Channel;
import io.ipsentry.authz.forward.LeaderChannel;
import io.ipsentry.authz.forward.LeaderView;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.FeedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.banlog.FollowedLog;
import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.ReadingConnection;
import io.ipsentry.kubernetes.feed.FeedBlobs;
import io.ipsentry.kubernetes.feed.FeedFollower;
import io.ipsentry.kubernetes.follow.ClusterFollower;
import io.ipsentry.kubernetes.follow.LeaderAddress;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.kubernetes.policy.PolicyFollower;
import io.ipsentry.kubernetes.protect.ProtectedFollower;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The log of a cluster, in its ConfigMaps, with its feeds; hits go to the leader. The classes of
 * the Kubernetes client are loaded only where this is used.
 */
final class ClusterState implements FollowedState {
  private final OpenParts opened = new OpenParts();
  private final ActiveBans bans = new ActiveBans();
  private final ForwardedNews news = new ForwardedNews();
  private final ClusterStoreConfig config;
  private final ReadingConnection connection;
  private final ClusterFollower follower;
  private final FeedFollower feeds;
  private volatile @Nullable ProtectedFollower protection;
  private volatile @Nullable PolicyFollower policies;
  private volatile Runnable sparedChanged = () -> {};
  private @Nullable Way way;

  /** How the leader is reached; made when it is first asked for. */
  private record Way(LeaderAddress lease, LeaderChannel channel) {}

  ClusterState(ClusterStoreConfig config, InstantSource clock) {
    this.config = config;
    connection = opened.add(ReadingConnection.open(config));
    ConfigMaps api = connection.configMaps();
    SecureRandom random = new SecureRandom();
    FeedBlobs blobs = new FeedBlobs(api, config.release(), Duration.ZERO, System::nanoTime);
    feeds =
        new FeedFollower(
            new FeedFollower.Parts(
                blobs::get,
                now -> sparedChanged.run(),
                FeedFollower.SPREAD,
                System::nanoTime,
                random));
    follower =
        new ClusterFollower(
            new ClusterFollower.Parts(
                () -> KubernetesBanLog.openToRead(api, config.release(), clock),
                bans,
                new WithFeeds(feeds, bans, news),
                System::nanoTime,
                random));
  }

  @Override
  public void follow(FollowedLog.Listener listener, Runnable whenSparedChanged) {
    news.to(listener);
    sparedChanged = whenSparedChanged;
    protection =
        opened.add(
            ProtectedFollower.start(
                connection.configMaps(), config.release(), parts -> sparedChanged.run()));
    opened.add(feeds.start());
    opened.add(follower.start());
  }

  @Override
  public void followPolicies(Consumer<Map<String, String>> listener) {
    if (config.banPolicies()) {
      policies =
          opened.add(PolicyFollower.start(connection.configMaps(), config.release(), listener));
    }
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

  /**
   * Without the feeds, and without what is protected, others would be banned than should be;
   * without the policies, others refused.
   */
  @Override
  public boolean isSynced() {
    ProtectedFollower known = protection;
    return follower.isSynced()
        && feeds.isSettled()
        && known != null
        && known.isRead()
        && arePoliciesRead();
  }

  private boolean arePoliciesRead() {
    PolicyFollower known = policies;
    return known == null || known.isRead();
  }

  private synchronized Way way() {
    Way known = way;
    if (known == null) {
      LeaderAddress lease =
          opened.add(
              new LeaderAddress(connection.requests(), config.release(), new SecureRandom())
                  .start());
      known = new Way(lease, opened.add(LeaderChannel.of(config.leader(), () -> view(lease))));
      way = known;
    }
    return known;
  }

  private static LeaderView view(LeaderAddress lease) {
    Optional<LeaderAddress.Holder> leader = lease.holder();
    if (leader.isEmpty()) {
      String why = lease.problem();
      return new LeaderView.Nobody(why.isEmpty() ? "no ip-sentry watcher leads" : why);
    }
    String identity = leader.get().identity();
    Optional<String> address = leader.get().address();
    return address.isPresent()
        ? new LeaderView.Other(identity, address.get())
        : new LeaderView.Nobody(
            "the leader " + identity + " serves no admin API to others; set admin.listen there");
  }

  @Override
  public Channel hits() {
    return way().channel().channel();
  }

  @Override
  public void connectNow() {
    Way known = way();
    known.lease().lookSoon();
    known.channel().connectNow();
  }

  @Override
  public List<Part> protectedParts() {
    ProtectedFollower known = protection;
    return known == null ? List.of() : known.parts();
  }

  @Override
  public List<String> reasonsNotReady() {
    List<String> reasons = new ArrayList<>(FollowerMetrics.reasonsNotReady("cluster", follower));
    ProtectedFollower known = protection;
    if (known != null && !known.isRead()) {
      reasons.add("protected: " + (known.problem().isEmpty() ? "not read yet" : known.problem()));
    }
    PolicyFollower told = policies;
    if (told != null && !told.isRead()) {
      reasons.add("policies: " + (told.problem().isEmpty() ? "not read yet" : told.problem()));
    }
    if (follower.isSynced() && !feeds.isSettled()) {
      reasons.add("feeds: they are being loaded");
    }
    return reasons;
  }

  @Override
  public List<MetricSnapshot> metrics() {
    List<MetricSnapshot> all = new ArrayList<>(FollowerMetrics.state(follower));
    all.addAll(FeedReport.inForce(feeds.feeds(), feeds.problems().size()));
    return all;
  }

  @Override
  public void close() {
    opened.close();
  }
}
