package io.ipsentry.cli;

import io.ipsentry.authz.admin.ClusterAccess;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.authz.checks.CheckServiceEndpoint;
import io.ipsentry.authz.cluster.ClusterCallers;
import io.ipsentry.authz.forward.ForwardingBanOperations;
import io.ipsentry.authz.forward.ForwardingHitService;
import io.ipsentry.authz.forward.LeaderChannel;
import io.ipsentry.authz.forward.LeaderView;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.Checkpoints;
import io.ipsentry.banlog.InMemoryCheckpoints;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.banlog.SqliteCheckpoints;
import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.FeedConfig;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.feed.FeedStore;
import io.ipsentry.feed.FeedStoreException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ClusterConnection;
import io.ipsentry.kubernetes.api.ClusterEvents;
import io.ipsentry.kubernetes.auth.AccessReviews;
import io.ipsentry.kubernetes.auth.ClientCertificates;
import io.ipsentry.kubernetes.auth.TokenReviews;
import io.ipsentry.kubernetes.blocklist.BlocklistDuty;
import io.ipsentry.kubernetes.duty.Duty;
import io.ipsentry.kubernetes.duty.DutyStatus;
import io.ipsentry.kubernetes.feed.ClusterFeedStore;
import io.ipsentry.kubernetes.feed.FeedBlobs;
import io.ipsentry.kubernetes.feed.FeedSweep;
import io.ipsentry.kubernetes.feed.KeptFeeds;
import io.ipsentry.kubernetes.leader.Leader;
import io.ipsentry.kubernetes.leader.Leadership;
import io.ipsentry.kubernetes.leader.LeaseTimes;
import io.ipsentry.kubernetes.log.FullLogWatch;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.kubernetes.log.LogUpkeep;
import io.ipsentry.kubernetes.pods.ClusterPodLogs;
import io.ipsentry.kubernetes.pods.PodLogs;
import io.ipsentry.kubernetes.policy.PolicyDuty;
import io.ipsentry.kubernetes.policy.PolicyFollower;
import io.ipsentry.kubernetes.protect.ClusterAddresses;
import io.ipsentry.kubernetes.protect.ProtectedConfigMap;
import io.ipsentry.kubernetes.protect.ProtectedDuty;
import io.ipsentry.kubernetes.sink.ClusterSinkPositions;
import io.ipsentry.kubernetes.sink.StoredSinkPositions;
import io.ipsentry.proto.v1.ClusterStatus;
import io.ipsentry.proto.v1.LeaderDuty;
import io.ipsentry.sink.SinkParts;
import io.ipsentry.sink.SinkStatus;
import io.ipsentry.watcher.RequestWatch;
import io.ipsentry.watcher.Watcher;
import io.ipsentry.watcher.WatcherStatus;
import io.ipsentry.watcher.feed.FeedRanges;
import io.ipsentry.watcher.feed.FeedRunner;
import io.ipsentry.watcher.feed.FeedStatus;
import io.ipsentry.watcher.metrics.LatencyHistogram;
import io.ipsentry.watcher.metrics.RunMetrics;
import io.ipsentry.watcher.metrics.TimedBanLog;
import io.ipsentry.watcher.sink.Sinks;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A watcher's part in its cluster once it has read the log: it knows who is banned and answers,
 * takes part in the election, and while it leads has a {@link LeaderTerm}. Safe for any thread.
 */
final class ClusterMember implements Leadership.Duties, AutoCloseable {
  /** How long a leader's last bans are waited for when the process ends. */
  private static final Duration END_PATIENCE = Duration.ofSeconds(5);

  /** How often it is made sure that the log is still the one that was read. */
  private static final Duration CHECK_INTERVAL = Duration.ofSeconds(30);

  /** How long a follower may still read a feed's content that was replaced. */
  private static final Duration FEED_GRACE = Duration.ofHours(1);

  private static final Logger logger = LoggerFactory.getLogger(ClusterMember.class);

  private final OpenParts opened = new OpenParts();
  private final Parts parts;
  private final KubernetesBanLog log;
  private final FullLogWatch full;
  private final BanWriter writer;
  private final Checkpoints checkpoints;
  private final LatencyHistogram banLatency = new LatencyHistogram();
  private final LeaderChannel leaderChannel;
  private final ForwardingHitService hits;
  private final ClusterAddresses clusterAddresses;
  private final ProtectedConfigMap protectedMap;
  private final RunAdmin admin;
  private final RunMetrics metrics;
  private final Leadership leadership;
  private final Optional<String> address;

  /** Guards that a term has the configuration in force. */
  private final Object terms = new Object();

  private volatile Optional<LeaderTerm> term = Optional.empty();
  private volatile Optional<PolicyDuty> policies = Optional.empty();
  private volatile Optional<ProtectedDuty> telling = Optional.empty();
  private volatile Optional<FeedRunner> feeds = Optional.empty();
  private volatile Optional<Sinks> sinks = Optional.empty();

  /** Whether this process is the one that tells the outside. Guarded by {@link #terms}. */
  private boolean tellsOutside;

  private volatile boolean closing;
  private Optional<String> knownLeader = Optional.empty();
  private String problem = "";
  private long checkAt = System.nanoTime();
  private BanLog.@Nullable Subscription following;

  /**
   * What it works with.
   *
   * @param identity of this process
   * @param policed the configuration of the file, and the policies of the cluster over it
   * @param policy shown every event of the log
   */
  record Parts(
      Locations locations,
      ClusterStoreConfig cluster,
      ClusterConnection connection,
      String identity,
      InForce inForce,
      PolicedConfig policed,
      BanPolicy policy,
      Supplier<RunStatus.ConfigState> configState,
      ConfigReloads reloads,
      Shell shell) {}

  private ClusterMember(Parts parts, KubernetesBanLog log) {
    this.parts = parts;
    this.log = log;
    Config first = parts.inForce().started();
    String release = parts.cluster().release();
    ClusterEvents events = new ClusterEvents(parts.connection(), parts.shell().clock());
    full =
        new FullLogWatch(
            log,
            reason ->
                Thread.startVirtualThread(
                    () -> events.warn(release + "-manifest", "LogFull", reason)),
            System::nanoTime);
    LatencyHistogram appendLatency = new LatencyHistogram();
    writer =
        BanWriter.start(
            new TimedBanLog(full, appendLatency, System::nanoTime),
            parts.shell().clock(),
            this::observe);
    checkpoints =
        parts
            .cluster()
            .checkpoints()
            .<Checkpoints>map(file -> opened.add(SqliteCheckpoints.open(file)))
            .orElseGet(InMemoryCheckpoints::new);
    clusterAddresses = new ClusterAddresses(parts.connection());
    protectedMap = new ProtectedConfigMap(parts.connection().configMaps(), release);
    address = ClusterProcess.address(parts.cluster(), first, parts.shell());
    leadership =
        Leadership.of(
            parts.connection(),
            release,
            parts.identity(),
            address,
            LeaseTimes.of(parts.cluster().leader().lease()),
            this,
            parts.shell().clock());
    sinks =
        Optional.of(
            opened.add(
                new Sinks(
                    new SinkParts(
                        writer.state(),
                        log,
                        parts.inForce()::protection,
                        new ClusterSinkPositions(
                            new StoredSinkPositions(parts.connection().configMaps(), release)),
                        parts.shell().clock(),
                        System::nanoTime,
                        new SecureRandom()),
                    parts.shell().out())));
    leaderChannel = opened.add(LeaderChannel.of(parts.cluster().leader(), this::leaderView));
    hits = new ForwardingHitService(leaderChannel);
    metrics =
        new RunMetrics(
            new TermStatistics(this::term, writer.state(), parts.reloads(), parts.shell().clock()),
            appendLatency,
            banLatency,
            parts.shell().clock(),
            Version.text());
    RunStatus status =
        new RunStatus(
            () -> term.map(LeaderTerm::watcher),
            writer.state(),
            "ConfigMaps " + release + "-* in " + parts.connection().namespace(),
            parts.configState(),
            new RunStatus.Servers(
                Optional::empty,
                hits::statistics,
                Optional::empty,
                this::clusterStatus,
                this::feedStatus,
                this::sinkStatus),
            parts.shell().clock());
    admin =
        opened.add(
            RunAdmin.start(
                parts.locations().socket(),
                first.admin(),
                new ForwardingBanOperations(
                    new LogBanOperations(
                        full,
                        log,
                        writer,
                        parts.inForce()::protection,
                        new KeptFeeds(feedBlobs()::get),
                        parts.shell().clock()),
                    leaderChannel,
                    new OwnLog(writer),
                    ForwardingBanOperations.Limits.DEFAULT,
                    System::nanoTime,
                    new SecureRandom()),
                status::report,
                hits,
                new CheckServiceEndpoint(List::of),
                writer,
                callers(first, parts),
                parts.shell().clock()));
    if (parts.cluster().banPolicies()) {
      opened.add(
          PolicyFollower.start(
              parts.connection().configMaps(), release, parts.policed()::policies));
    }
    logger
        .atInfo()
        .addKeyValue("identity", parts.identity())
        .addKeyValue("address", address.orElse("none"))
        .addKeyValue("head", writer.state().head())
        .log("the ban log was read; this process takes part in the election");
  }

  /**
   * Reads the log and takes part.
   *
   * @throws BanLogException if the log cannot be read; transient if the API server is away
   */
  static ClusterMember open(Parts parts) {
    KubernetesBanLog log =
        KubernetesBanLog.open(
            parts.connection().configMaps(),
            parts.cluster().release(),
            parts.identity(),
            limits(parts.inForce().started()),
            parts.shell().clock());
    boolean ready = false;
    try {
      ClusterMember member = new ClusterMember(parts, log);
      member.follow();
      Leadership ignored = member.leadership.start();
      ready = true;
      return member;
    } finally {
      if (!ready) {
        log.close();
      }
    }
  }

  private static KubernetesBanLog.Limits limits(Config config) {
    KubernetesBanLog.Limits defaults = KubernetesBanLog.Limits.DEFAULT;
    Duration keep = config.store().keepHistory();
    return new KubernetesBanLog.Limits(
        defaults.grace(), keep == null ? Duration.ofDays(36_500) : keep, defaults.historyBytes());
  }

  // ---- as everybody

  /**
   * Sees to it that the state follows the log; to be called now and then, by one thread.
   *
   * @throws BanLogException permanent, if the log is another one now, or cannot be read any more:
   *     only a process that reads everything anew can go on
   */
  void follow() {
    followLeader();
    try {
      boolean lost = log.contact().failure().filter(BanLogException.class::isInstance).isPresent();
      if (lost || System.nanoTime() - checkAt >= 0) {
        checkAt = System.nanoTime() + CHECK_INTERVAL.toNanos();
        long head = log.head();
        logger.atTrace().addKeyValue("head", head).log("the log is there");
      }
      if (!writer.isFollowing()) {
        writer.catchUp();
        BanLog.Subscription before = following;
        if (before != null) {
          before.close();
        }
        following = writer.follow();
      }
      problem = "";
    } catch (BanLogException e) {
      if (!e.isTransient()) {
        throw e;
      }
      String message = String.valueOf(e.getMessage());
      if (!message.equals(problem)) {
        logger
            .atWarn()
            .addKeyValue("cause", message)
            .log("the ban log cannot be followed; what is known stays in force");
      }
      problem = message;
    }
  }

  private void observe(BanEvent event) {
    parts.policy().observe(event);
    sinks.ifPresent(Sinks::wake);
  }

  private List<SinkStatus> sinkStatus() {
    return sinks.map(Sinks::status).orElse(List.of());
  }

  private Optional<LeaderTerm> term() {
    return term;
  }

  private boolean leads() {
    return term.isPresent() && leadership.leads();
  }

  /** Who is to be asked for what only the leader does. */
  private LeaderView leaderView() {
    if (leads()) {
      return new LeaderView.Self();
    }
    Optional<Leader> leader = leadership.leader();
    if (leader.isEmpty()) {
      return new LeaderView.Nobody("nobody leads at the moment");
    }
    if (leader.get().isSelf()) {
      return new LeaderView.Nobody("this watcher is about to lead");
    }
    String identity = leader.get().identity();
    return leader
        .get()
        .address()
        .<LeaderView>map(at -> new LeaderView.Other(identity, at))
        .orElseGet(() ->
            new LeaderView.Nobody(
                "the leader "
                    + identity
                    + " gives no address; set admin.listen, and store.leader.advertise or"
                    + " POD_IP"));
  }

  /** Who may call over TCP, where the cluster says so. */
  private static Optional<ClusterAccess> callers(Config config, Parts parts) {
    return config
        .admin()
        .kubernetesAuth()
        .map(auth ->
            new ClusterCallers(
                TokenReviews.of(parts.connection(), auth.audiences(), System::nanoTime),
                ClientCertificates.of(parts.connection(), parts.shell().clock(), System::nanoTime),
                AccessReviews.of(parts.connection(), System::nanoTime)));
  }

  /** What this process knows of the log. */
  private record OwnLog(BanWriter writer) implements ForwardingBanOperations.Replica {
    @Override
    public long head() {
      return writer.state().head();
    }

    @Override
    public void catchUp() {
      writer.catchUp();
    }
  }

  /** Streams of hits that lead to a leader of before are ended, so that they come again. */
  private void followLeader() {
    Optional<String> now = leadership.leader().map(Leader::identity);
    if (!now.equals(knownLeader)) {
      knownLeader = now;
      hits.leaderChanged();
    }
  }

  List<String> reasonsNotReady() {
    List<String> reasons = new ArrayList<>();
    term.ifPresent(leading -> {
      for (WatcherStatus.Source source : leading.watcher().status().sources()) {
        for (String problem : source.status().problems()) {
          reasons.add("source " + source.status().name() + ": " + problem);
        }
      }
      String store = leading.watcher().storeProblem();
      if (!store.isEmpty()) {
        reasons.add("store: " + store);
      }
    });
    if (!full.reason().isEmpty()) {
      reasons.add("store: " + full.reason());
    }
    return reasons;
  }

  List<MetricSnapshot> metrics() {
    List<MetricSnapshot> all = new ArrayList<>();
    metrics.collect().forEach(all::add);
    all.addAll(
        ClusterMetrics.of(
            leadership,
            !full.reason().isEmpty(),
            log.backlog(),
            duties(),
            parts.shell().clock().instant()));
    policies.ifPresent(duty -> all.addAll(PolicyMetrics.of(duty.report())));
    all.addAll(
        IntakeMetrics.pending(
            term.map(leading -> leading.watcher().pendingBans()).orElse(0),
            term.map(leading -> leading.watcher().lostHits()).orElse(0L)));
    all.addAll(IntakeMetrics.of(hits.statistics(), admin.refusedCalls()));
    all.addAll(FeedReport.metrics(feedStatus(), parts.shell().clock().instant()));
    all.addAll(SinkReport.metrics(sinkStatus()));
    return all;
  }

  private List<DutyStatus> duties() {
    return term.map(LeaderTerm::duties).orElse(List.of());
  }

  private List<FeedStatus> feedStatus() {
    return feeds.map(FeedRunner::status).orElse(List.of());
  }

  private Optional<ClusterStatus> clusterStatus() {
    KubernetesBanLog.Backlog backlog = log.backlog();
    Optional<Leader> leader = leadership.leader();
    ClusterStatus.Builder status =
        ClusterStatus.newBuilder()
            .setIdentity(parts.identity())
            .setLeads(leads())
            .setLeader(leader.map(Leader::identity).orElse(""))
            .setLeaderAddress(leader.flatMap(Leader::address).orElse(""))
            .setTerms(leadership.terms())
            .setLeaseProblem(leadership.problem())
            .setFull(full.reason())
            .setBacklogEntries(backlog.entries())
            .setBacklogBytes(backlog.bytes());
    for (DutyStatus duty : duties()) {
      LeaderDuty.Builder message =
          LeaderDuty.newBuilder()
              .setName(duty.name())
              .setFailures(duty.failures())
              .setProblem(duty.problem());
      duty.lastDone().ifPresent(done -> message.setLastDone(WireMessages.toProto(done)));
      status.addDuties(message);
    }
    return Optional.of(status.build());
  }

  // ---- changes while running

  /** What must not be banned is another. */
  void protect(ProtectedPrefixes now) {
    term.ifPresent(leading -> leading.watcher().protect(now));
    telling.ifPresent(ProtectedDuty::wake);
    sinks.ifPresent(Sinks::wake);
  }

  /** Another configuration is in force. */
  void reload(Config now) {
    synchronized (terms) {
      term.ifPresent(leading -> leading.reload(now));
      feeds.ifPresent(running -> running.reload(now.feeds()));
      if (tellsOutside) {
        sinks.ifPresent(running -> running.reload(now.sinks()));
      }
    }
    admin.reload(now);
  }

  // ---- as the leader

  @Override
  public void begin() {
    parts.inForce().found(clusterParts());
    ranges(keptRanges());
    synchronized (terms) {
      LeaderTerm begun =
          LeaderTerm.begin(
              parts.inForce().config(),
              parts.inForce().protection(),
              new Watcher.Parts(
                  writer,
                  parts.policy(),
                  checkpoints,
                  ZoneId.systemDefault(),
                  parts.shell().in(),
                  parts.shell().clock(),
                  System::nanoTime,
                  banLatency,
                  RequestWatch.NONE,
                  this::podLogs,
                  true),
              newDuties(),
              reason -> leadership.resign(reason));
      term = Optional.of(begun);
      feeds =
          Optional.of(
              FeedRunner.start(
                  new FeedRunner.Environment(
                      feedStore(),
                      begun.watcher()::tag,
                      this::ranges,
                      writer,
                      parts.inForce()::protection,
                      parts.shell().clock(),
                      new SecureRandom(),
                      "ip-sentry/" + Version.text()),
                  parts.inForce().config().feeds()));
      hits.lead(begun.hits());
      tellsOutside = true;
      sinks.ifPresent(idle -> idle.reload(parts.inForce().config().sinks()));
    }
    // What changed meanwhile.
    protect(parts.inForce().protection());
  }

  private void ranges(FeedRanges told) {
    parts.policed().ranges(parts.inForce().ranges(told));
  }

  /** What the leader before had of the feeds that protect; without it a CDN could be banned. */
  private FeedRanges keptRanges() {
    List<FeedConfig> configured = parts.inForce().config().feeds();
    try {
      return FeedRunner.kept(feedStore(), configured);
    } catch (FeedStoreException e) {
      logger
          .atWarn()
          .addKeyValue("cause", e.getMessage())
          .log("what feeds protect cannot be read; it is tried again");
      return FeedRanges.unread(configured);
    }
  }

  private PodLogs podLogs(SourceConfig.Input.Pods pods) {
    return ClusterPodLogs.start(
        parts.connection(),
        pods.namespace(),
        pods.selector(),
        pods.container(),
        new SplittableRandom());
  }

  /** Without them the first ban could be that of a node; the leader before may have told them. */
  private List<Part> clusterParts() {
    try {
      return clusterAddresses.read();
    } catch (ApiServerException e) {
      logger
          .atWarn()
          .addKeyValue("cause", e.getMessage())
          .log("the addresses of the cluster cannot be listed; those told before hold");
      return protectedMap.read().orElse(List.of()).stream()
          .filter(part -> part.kind() == Protection.Kind.CLUSTER)
          .toList();
    }
  }

  private FeedBlobs feedBlobs() {
    return new FeedBlobs(
        parts.connection().configMaps(), parts.cluster().release(), FEED_GRACE, System::nanoTime);
  }

  private FeedStore feedStore() {
    return new ClusterFeedStore(
        parts.connection().configMaps(), parts.cluster().release(), feedBlobs());
  }

  private List<Duty> newDuties() {
    List<Duty> duties = new ArrayList<>(duties(parts.cluster().release()));
    if (parts.cluster().banPolicies()) {
      PolicyDuty duty =
          new PolicyDuty(
              parts.connection(),
              parts.cluster().release(),
              parts.policed()::base,
              parts.shell().clock(),
              System::nanoTime);
      policies = Optional.of(duty);
      duties.add(duty);
    }
    return duties;
  }

  private List<Duty> duties(String release) {
    ProtectedDuty protectedDuty =
        new ProtectedDuty(
            protectedMap,
            clusterAddresses,
            parts.inForce()::found,
            parts.inForce()::protection,
            System::nanoTime);
    telling = Optional.of(protectedDuty);
    return List.of(
        new LogUpkeep(log, writer, LogUpkeep.Pace.DEFAULT, System::nanoTime),
        BlocklistDuty.of(
            parts.connection(),
            release,
            full,
            writer,
            parts.inForce()::protection,
            parts.shell().clock()),
        new FeedSweep(feedBlobs(), feedStore(), writer.state(), System::nanoTime),
        protectedDuty);
  }

  @Override
  public void end() {
    hits.standBy();
    feeds.ifPresent(FeedRunner::close);
    feeds = Optional.empty();
    synchronized (terms) {
      tellsOutside = false;
      sinks.ifPresent(running -> running.reload(List.of()));
    }
    Optional<LeaderTerm> ended = term;
    ended.ifPresent(leading ->
        leading.end(
            END_PATIENCE,
            () -> {
              if (closing) {
                log.close();
              }
            }));
    term = Optional.empty();
    policies = Optional.empty();
    telling = Optional.empty();
  }

  /** Ends what the leader does and gives the lead back, then the rest. */
  @Override
  public void close() {
    closing = true;
    leadership.close();
    opened.close();
    BanLog.Subscription running = following;
    if (running != null) {
      running.close();
    }
    log.close();
  }
}
