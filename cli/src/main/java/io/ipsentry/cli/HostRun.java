package io.ipsentry.cli;

import io.ipsentry.authz.checks.CheckServiceEndpoint;
import io.ipsentry.authz.hits.HitServiceEndpoint;
import io.ipsentry.authz.verdict.BanState;
import io.ipsentry.authz.verdict.RecentChecks;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.FeedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.banlog.LogCompaction;
import io.ipsentry.banlog.RunLock;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.banlog.SqliteCheckpoints;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.config.ConfigWatcher;
import io.ipsentry.proto.v1.EnforcerStatus;
import io.ipsentry.sink.CheckpointSinkPositions;
import io.ipsentry.sink.SinkParts;
import io.ipsentry.sink.SinkStatus;
import io.ipsentry.watcher.PodLogsOpener;
import io.ipsentry.watcher.RequestWatch;
import io.ipsentry.watcher.WarmUp;
import io.ipsentry.watcher.Watcher;
import io.ipsentry.watcher.WatcherStatistics;
import io.ipsentry.watcher.WatcherStatus;
import io.ipsentry.watcher.feed.FeedRanges;
import io.ipsentry.watcher.host.HostAddressFollower;
import io.ipsentry.watcher.host.HostAddressReader;
import io.ipsentry.watcher.host.HostAddresses;
import io.ipsentry.watcher.metrics.HealthServer;
import io.ipsentry.watcher.metrics.LatencyHistogram;
import io.ipsentry.watcher.metrics.RunMetrics;
import io.ipsentry.watcher.metrics.TimedBanLog;
import io.ipsentry.watcher.sink.Sinks;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything of {@code run} on one host, wired: store, detection, admin socket, metrics, reload of
 * the configuration, addresses of the host. What was opened last is closed first.
 */
final class HostRun implements AutoCloseable {
  private static final Logger logger = LoggerFactory.getLogger(HostRun.class);

  /** Bytes of heap that a burst may leave for a moment. */
  private static final long BURST = 48L << 20;

  private final OpenParts opened;
  private final ConfigReloads reloads = new ConfigReloads();
  private final InForce inForce;
  private final PolicedConfig policed;
  private final AtomicReference<RunStatus.ConfigState> configState;
  private final BanPolicy policy;
  private final long jitterSeed = new SecureRandom().nextLong();
  private final Watcher watcher;
  private final WatcherStatistics statistics;
  private final HitServiceEndpoint hits;
  private final RunAdmin admin;
  private volatile Optional<GatewayServers> gateways = Optional.empty();
  private volatile Optional<HostEnforcer> enforcer = Optional.empty();
  private volatile Optional<HostFeeds> feeds = Optional.empty();
  private volatile Optional<Sinks> sinks = Optional.empty();

  private HostRun(Locations locations, Shell shell, OpenParts opened) throws IOException {
    this.opened = opened;
    InstantSource clock = shell.clock();
    Config written = locations.config();
    HostAddressReader addressReader = HostAddressReader.linux();
    HostAddresses addresses = addressReader.read();
    SqliteBanLog log = opened.add(SqliteBanLog.open(locations.store()));
    opened.add(RunLock.take(locations.store()));
    FeedRanges ranges = HostFeeds.kept(locations.store(), written.feeds());
    policed = new PolicedConfig(written, CdnRanges.parts(ranges), this::apply);
    Config first = policed.now();
    inForce = new InForce(first, ranges, addresses, this::protect);
    configState =
        new AtomicReference<>(
            new RunStatus.ConfigState(
                locations.configFile().map(Object::toString).orElse(""), clock.instant(), ""));
    SqliteCheckpoints checkpoints =
        opened.add(SqliteCheckpoints.open(SqliteCheckpoints.pathBeside(locations.store())));
    policy = new BanPolicy(Watcher.policySettings(first, jitterSeed));
    LatencyHistogram appendLatency = new LatencyHistogram();
    LatencyHistogram banLatency = new LatencyHistogram();
    BanWriter writer =
        BanWriter.start(
            new TimedBanLog(log, appendLatency, System::nanoTime), clock, this::observe);
    ActiveBans state = writer.state();
    watcher =
        new Watcher(
            first,
            inForce.protection(),
            new Watcher.Parts(
                writer,
                policy,
                checkpoints,
                ZoneId.systemDefault(),
                shell.in(),
                clock,
                System::nanoTime,
                banLatency,
                new LeakWatch(),
                PodLogsOpener.NONE,
                false));
    statistics = new WatcherStatistics(watcher, state, clock);
    HostFeeds kept =
        opened.add(
            new HostFeeds(
                new HostFeeds.Parts(
                    locations.store(),
                    writer,
                    inForce::protection,
                    watcher::tag,
                    this::ranges,
                    this::feedsChanged,
                    clock)));
    feeds = Optional.of(kept);
    LogBanOperations operations =
        new LogBanOperations(log, log, writer, inForce::protection, kept.contents(), clock);
    hits = new HitServiceEndpoint(watcher.ledger(), watcher);
    RunStatus status =
        new RunStatus(
            () -> Optional.of(watcher),
            state,
            locations.store().toString(),
            configState::get,
            new RunStatus.Servers(
                this::gatewayNumbers,
                hits::statistics,
                this::enforcerStatus,
                Optional::empty,
                kept::status,
                this::sinkStatus),
            clock);
    opened.add(HeapGrowth.watch(BURST, HeapGrowth.LONG_QUIET));
    opened.add(LogCompaction.start(log, writer, this::keepHistory, clock));
    watcher.begin();
    if (first.enforcer().isPresent()) {
      // The log is known: what is in the kernel is adopted, and what comes is told.
      enforcer =
          Optional.of(
              opened.add(
                  HostEnforcer.start(
                      first.enforcer().get(),
                      state,
                      kept::isSettled,
                      inForce::protection,
                      () -> kept.feeds().all(),
                      clock)));
    }
    if (!first.sources().isEmpty()) {
      // While the kernel is read. Lines that are written meanwhile wait in their files.
      int ignored = WarmUp.run(locations.store(), clock);
    }
    admin =
        opened.add(
            RunAdmin.start(
                locations.socket(),
                first.admin(),
                operations,
                status::report,
                hits,
                new CheckServiceEndpoint(this::recentChecks),
                writer,
                clock));
    sinks =
        Optional.of(
            opened.add(
                new Sinks(
                    new SinkParts(
                        state,
                        log,
                        inForce::protection,
                        new CheckpointSinkPositions(checkpoints),
                        clock,
                        System::nanoTime,
                        new SecureRandom()),
                    shell.out())));
    sinks.get().reload(first.sinks());
    // The classes of the servers are many, and are loaded only where they serve.
    if (GatewayConfig.isServed(first)) {
      gateways =
          GatewayServers.start(
              first,
              new GatewayServers.Parts(
                  new OwnState(state, kept, this::stillAsks),
                  inForce::protection,
                  watcher.hits(),
                  this::reasonsNotReady,
                  clock));
      gateways.ifPresent(opened::add);
      gateways.ifPresent(servers -> servers.ready(true));
    }
    kept.reload(first.feeds());
    RunMetrics metrics =
        new RunMetrics(statistics, appendLatency, banLatency, clock, Version.text());
    if (first.metrics().isPresent()) {
      opened.add(
          HealthServer.start(
              Addresses.of(first.metrics().get()),
              () -> collect(metrics, clock),
              this::reasonsNotReady));
    }
    opened.add(
        HostAddressFollower.start(
            addresses, addressReader::read, inForce::addresses, HostAddressFollower.INTERVAL));
    if (locations.configFile().isPresent()) {
      ConfigWatcher configWatcher = opened.add(new ConfigWatcher(locations.configFile().get()));
      configWatcher.start(result -> configChanged(result, clock));
    }
  }

  /** Opens everything, or nothing; nothing is read before {@link #run}. */
  static HostRun open(Locations locations, Shell shell) throws IOException {
    OpenParts opened = new OpenParts();
    boolean ready = false;
    try {
      HostRun run = new HostRun(locations, shell, opened);
      ready = true;
      return run;
    } finally {
      if (!ready) {
        opened.close();
      }
    }
  }

  /** Every request that is read of, whose packets the kernel should have refused. */
  private final class LeakWatch implements RequestWatch {
    @Override
    public boolean watches() {
      return enforcer.isPresent() && enforcer.get().leaks().watches();
    }

    @Override
    public boolean isSuspect(long hi, long lo, long observedAtMillis) {
      return enforcer.isPresent() && enforcer.get().leaks().isSuspect(hi, lo, observedAtMillis);
    }

    @Override
    public void request(long hi, long lo, long eventTimeMillis) {
      enforcer.ifPresent(kernel -> kernel.leaks().line(hi, lo, eventTimeMillis));
    }
  }

  private void stillAsks(long hi, long lo, long atMillis) {
    enforcer.ifPresent(kernel -> kernel.leaks().check(hi, lo, atMillis));
  }

  /** The log is in this process, and whoever still asks is told of. */
  private record OwnState(ActiveBans bans, HostFeeds kept, Asking asking) implements BanState {
    interface Asking {
      void stillAsks(long hi, long lo, long atMillis);
    }

    @Override
    public FeedPrefixes feeds() {
      return kept.feeds();
    }

    @Override
    public boolean isSynced() {
      return kept.isSettled();
    }

    @Override
    public Duration age() {
      return Duration.ZERO;
    }

    @Override
    public void stillAsks(long hi, long lo, long atMillis) {
      asking.stillAsks(hi, lo, atMillis);
    }
  }

  private void observe(BanEvent event) {
    policy.observe(event);
    feeds.ifPresent(kept -> kept.event(event));
    enforcer.ifPresent(kernel -> kernel.event(event));
    sinks.ifPresent(Sinks::wake);
  }

  private List<SinkStatus> sinkStatus() {
    return sinks.map(Sinks::status).orElse(List.of());
  }

  private Optional<EnforcerStatus> enforcerStatus() {
    return enforcer.map(kernel -> EnforcerReport.toProto(kernel.status(), kernel.leaks().leaks()));
  }

  private Optional<Duration> keepHistory() {
    return Optional.ofNullable(inForce.config().store().keepHistory());
  }

  private List<RecentChecks> recentChecks() {
    return gateways.map(GatewayServers::recentChecks).orElse(List.of());
  }

  private Optional<GatewayNumbers> gatewayNumbers() {
    return gateways.map(GatewayServers::numbers);
  }

  private void feedsChanged() {
    enforcer.ifPresent(HostEnforcer::protectionChanged);
  }

  private MetricSnapshots collect(RunMetrics metrics, InstantSource clock) {
    List<MetricSnapshot> all = new ArrayList<>();
    metrics.collect().forEach(all::add);
    gateways.ifPresent(servers -> {
      all.addAll(GatewayMetrics.of(servers.numbers()));
      all.addAll(IntakeMetrics.pending(watcher.pendingBans(), watcher.lostHits()));
    });
    enforcer.ifPresent(kernel -> all.addAll(kernel.metrics()));
    feeds
        .filter(HostFeeds::isOpen)
        .ifPresent(kept -> {
          all.addAll(FeedReport.metrics(kept.status(), clock.instant()));
          all.addAll(FeedReport.inForce(kept.feeds(), kept.problems().size()));
        });
    all.addAll(IntakeMetrics.of(hits.statistics(), admin.refusedCalls()));
    all.addAll(SinkReport.metrics(sinkStatus()));
    return new MetricSnapshots(all);
  }

  /** Follows the sources until the process is told to end, or they have all ended. */
  void run() {
    StopSignal signal = StopSignal.install(this::stop);
    logger
        .atInfo()
        .addKeyValue("version", Version.text())
        .addKeyValue("sources", inForce.config().sources().size())
        .addKeyValue("rules", inForce.config().rules().size())
        .log("started");
    try {
      watcher.run();
    } finally {
      close();
      signal.done();
    }
  }

  /** The servers before the watcher, so that hits of their last calls are in its checkpoint. */
  private void stop() {
    gateways.ifPresent(GatewayServers::close);
    watcher.stop();
  }

  private List<String> reasonsNotReady() {
    List<String> reasons = new ArrayList<>();
    if (!watcher.isFollowing()) {
      reasons.add("the sources are not followed yet");
    }
    for (WatcherStatus.Source source : watcher.status().sources()) {
      for (String problem : source.status().problems()) {
        reasons.add("source " + source.status().name() + ": " + problem);
      }
    }
    String storeProblem = watcher.storeProblem();
    if (!storeProblem.isEmpty()) {
      reasons.add("store: " + storeProblem);
    }
    enforcer.ifPresent(kernel -> reasons.addAll(kernel.reasonsNotReady()));
    return reasons;
  }

  private void protect(ProtectedPrefixes now) {
    watcher.protect(now);
    enforcer.ifPresent(HostEnforcer::protectionChanged);
    sinks.ifPresent(Sinks::wake);
  }

  private void ranges(FeedRanges told) {
    policed.ranges(inForce.ranges(told));
  }

  private void configChanged(ConfigResult result, InstantSource clock) {
    Optional<Config> taken = reloads.take(result);
    if (taken.isEmpty()) {
      statistics.reloadRefused();
      configState.updateAndGet(before -> before.refused(reloads.problem()));
      return;
    }
    Config now = taken.get();
    policed.base(now);
    feeds.ifPresent(kept -> kept.reload(now.feeds()));
    RestartKeys.say(RestartKeys.OF_RUN, inForce.started(), now);
    statistics.reloaded();
    configState.updateAndGet(
        before -> new RunStatus.ConfigState(before.file(), clock.instant(), ""));
  }

  private void apply(Config now) {
    policy.reload(Watcher.policySettings(now, jitterSeed));
    inForce.configure(now);
    watcher.reload(now);
    admin.reload(now);
    gateways.ifPresent(servers -> servers.reload(now));
    enforcer.ifPresent(kernel -> now.enforcer().ifPresent(kernel::reload));
    sinks.ifPresent(running -> running.reload(now.sinks()));
  }

  @Override
  public void close() {
    opened.close();
  }
}
