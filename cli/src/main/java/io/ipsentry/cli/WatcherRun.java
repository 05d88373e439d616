package io.ipsentry.cli;

import io.ipsentry.ban.BanPolicy;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.config.ConfigWatcher;
import io.ipsentry.kubernetes.api.ClusterConnection;
import io.ipsentry.watcher.Watcher;
import io.ipsentry.watcher.host.HostAddressFollower;
import io.ipsentry.watcher.host.HostAddressReader;
import io.ipsentry.watcher.metrics.HealthServer;
import io.ipsentry.watcher.metrics.ProcessMetrics;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything of {@code watcher}, wired: health and metrics at once, and as soon as the log of the
 * cluster was read, a {@link ClusterMember}; reload of the configuration, addresses of the host.
 * What was opened last is closed first.
 */
final class WatcherRun implements AutoCloseable {
  private static final Duration LOOK_INTERVAL = Duration.ofMillis(500);

  /** Bytes of heap that a burst may leave for a moment. */
  private static final long BURST = 48L << 20;

  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
  private static final int MAX_DOUBLINGS = 5;
  private static final Logger logger = LoggerFactory.getLogger(WatcherRun.class);

  private final OpenParts opened;
  private final ClusterMember.Parts parts;
  private final InForce inForce;
  private final AtomicReference<RunStatus.ConfigState> configState;
  private final ConfigReloads reloads = new ConfigReloads();
  private final PolicedConfig policed;
  private final long jitterSeed = new SecureRandom().nextLong();
  private final BanPolicy policy;
  private final ProcessMetrics process = ProcessMetrics.linux();
  private final CountDownLatch stopped = new CountDownLatch(1);
  private volatile Optional<ClusterMember> member = Optional.empty();
  private volatile String whyNotRead = "it is being read";

  private WatcherRun(Locations locations, ClusterStoreConfig cluster, Shell shell, OpenParts opened)
      throws IOException {
    this.opened = opened;
    InstantSource clock = shell.clock();
    Config first = locations.config();
    HostAddressReader addressReader = HostAddressReader.linux();
    var addresses = addressReader.read();
    inForce = new InForce(first, addresses, now -> member.ifPresent(joined -> joined.protect(now)));
    configState =
        new AtomicReference<>(
            new RunStatus.ConfigState(
                locations.configFile().map(Object::toString).orElse(""), clock.instant(), ""));
    policy = new BanPolicy(Watcher.policySettings(first, jitterSeed));
    policed = new PolicedConfig(first, this::apply);
    parts =
        new ClusterMember.Parts(
            locations,
            cluster,
            opened.add(ClusterConnection.open(cluster)),
            ClusterProcess.identity(shell),
            inForce,
            policed,
            policy,
            configState::get,
            reloads,
            shell);
    if (first.metrics().isPresent()) {
      opened.add(
          HealthServer.start(
              Addresses.of(first.metrics().get()), this::collect, this::reasonsNotReady));
    }
    opened.add(
        HostAddressFollower.start(
            addresses, addressReader::read, inForce::addresses, HostAddressFollower.INTERVAL));
    if (locations.configFile().isPresent()) {
      ConfigWatcher configWatcher = opened.add(new ConfigWatcher(locations.configFile().get()));
      configWatcher.start(result -> configChanged(result, clock));
    }
  }

  /** Opens what needs no API server, or nothing; the rest comes with {@link #run}. */
  static WatcherRun open(Locations locations, ClusterStoreConfig cluster, Shell shell)
      throws IOException {
    OpenParts opened = new OpenParts();
    boolean ready = false;
    try {
      WatcherRun run = new WatcherRun(locations, cluster, shell, opened);
      ready = true;
      return run;
    } finally {
      if (!ready) {
        opened.close();
      }
    }
  }

  /**
   * Takes part until the process is told to end.
   *
   * @throws BanLogException permanent, if the log cannot be used
   */
  void run() {
    StopSignal signal = StopSignal.install(stopped::countDown);
    logger
        .atInfo()
        .addKeyValue("version", Version.text())
        .addKeyValue("identity", parts.identity())
        .addKeyValue("server", parts.connection().server())
        .addKeyValue("namespace", parts.connection().namespace())
        .addKeyValue("release", parts.cluster().release())
        .log("started");
    try {
      HeapGrowth heap = HeapGrowth.ofProcess(BURST, HeapGrowth.QUIET);
      Optional<ClusterMember> joined = join();
      while (joined.isPresent()
          && !stopped.await(LOOK_INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
        joined.get().follow();
        heap.look();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      close();
      signal.done();
    }
  }

  /** Reads the log, again and again while the API server is away; empty: the process ends. */
  private Optional<ClusterMember> join() throws InterruptedException {
    for (int attempt = 0; stopped.getCount() > 0; attempt++) {
      try {
        ClusterMember joined = opened.add(ClusterMember.open(parts));
        member = Optional.of(joined);
        // What changed meanwhile.
        joined.reload(inForce.config());
        return member;
      } catch (BanLogException e) {
        if (!e.isTransient()) {
          throw e;
        }
        whyNotRead = String.valueOf(e.getMessage());
        logger
            .atWarn()
            .addKeyValue("cause", whyNotRead)
            .log("the ban log cannot be read; it is tried again");
      }
      long millis = FIRST_PAUSE.toMillis() << Math.min(attempt, MAX_DOUBLINGS);
      if (stopped.await(
          millis / 2 + ThreadLocalRandom.current().nextLong(millis), TimeUnit.MILLISECONDS)) {
        break;
      }
    }
    return Optional.empty();
  }

  private List<String> reasonsNotReady() {
    return member
        .map(ClusterMember::reasonsNotReady)
        .orElseGet(() -> List.of("store: the ban log was not read yet: " + whyNotRead));
  }

  private MetricSnapshots collect() {
    return new MetricSnapshots(
        member.map(ClusterMember::metrics).orElseGet(() -> List.copyOf(process.collect())));
  }

  private void configChanged(ConfigResult result, InstantSource clock) {
    Optional<Config> taken = reloads.take(result);
    if (taken.isEmpty()) {
      configState.updateAndGet(before -> before.refused(reloads.problem()));
      return;
    }
    Config now = taken.get();
    policed.base(now);
    RestartKeys.say(RestartKeys.OF_WATCHER, inForce.started(), now);
    configState.updateAndGet(
        before -> new RunStatus.ConfigState(before.file(), clock.instant(), ""));
  }

  private void apply(Config now) {
    policy.reload(Watcher.policySettings(now, jitterSeed));
    inForce.configure(now);
    member.ifPresent(joined -> joined.reload(now));
  }

  @Override
  public void close() {
    stopped.countDown();
    opened.close();
  }
}
