package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.banlog.LogCompaction;
import io.ipsentry.banlog.RunLock;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.banlog.SqliteCheckpoints;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigProblem;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.config.ConfigWatcher;
import io.ipsentry.config.ListenAddress;
import io.ipsentry.watcher.Watcher;
import io.ipsentry.watcher.WatcherStatistics;
import io.ipsentry.watcher.WatcherStatus;
import io.ipsentry.watcher.host.HostAddressFollower;
import io.ipsentry.watcher.host.HostAddressReader;
import io.ipsentry.watcher.host.HostAddresses;
import io.ipsentry.watcher.metrics.HealthServer;
import io.ipsentry.watcher.metrics.LatencyHistogram;
import io.ipsentry.watcher.metrics.RunMetrics;
import io.ipsentry.watcher.metrics.TimedBanLog;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything of {@code run} on one host, wired: store, detection, admin socket, metrics, reload of
 * the configuration, addresses of the host. What was opened last is closed first.
 */
final class HostRun implements AutoCloseable {
  /** The process ends after this time even if closing is not done. */
  private static final long MAX_STOP_SECONDS = 20;

  private static final Logger logger = LoggerFactory.getLogger(HostRun.class);

  private final Deque<AutoCloseable> opened;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final AtomicReference<Config> config;
  private final AtomicReference<HostAddresses> addresses;
  private final AtomicReference<ProtectedPrefixes> protection;
  private final AtomicReference<RunStatus.ConfigState> configState;
  private final BanPolicy policy;
  private final long jitterSeed = new SecureRandom().nextLong();
  private final Watcher watcher;
  private final WatcherStatistics statistics;

  private HostRun(Locations locations, Shell shell, Deque<AutoCloseable> opened)
      throws IOException {
    this.opened = opened;
    InstantSource clock = shell.clock();
    Config first = locations.config();
    HostAddressReader addressReader = HostAddressReader.linux();
    config = new AtomicReference<>(first);
    addresses = new AtomicReference<>(addressReader.read());
    protection = new AtomicReference<>(Protections.of(first, addresses.get()));
    configState =
        new AtomicReference<>(
            new RunStatus.ConfigState(
                locations.configFile().map(Object::toString).orElse(""), clock.instant(), ""));
    SqliteBanLog log = opened(SqliteBanLog.open(locations.store()));
    opened(RunLock.take(locations.store()));
    SqliteCheckpoints checkpoints =
        opened(SqliteCheckpoints.open(SqliteCheckpoints.pathBeside(locations.store())));
    policy = new BanPolicy(Watcher.policySettings(first, jitterSeed));
    LatencyHistogram appendLatency = new LatencyHistogram();
    LatencyHistogram banLatency = new LatencyHistogram();
    BanWriter writer =
        BanWriter.start(
            new TimedBanLog(log, appendLatency, System::nanoTime), clock, policy::observe);
    ActiveBans state = writer.state();
    LogBanOperations operations = new LogBanOperations(log, log, writer, protection::get, clock);
    watcher =
        new Watcher(
            first,
            protection.get(),
            new Watcher.Parts(
                writer,
                policy,
                checkpoints,
                ZoneId.systemDefault(),
                shell.in(),
                clock,
                System::nanoTime,
                banLatency));
    statistics = new WatcherStatistics(watcher, state, clock);
    RunStatus status = new RunStatus(watcher, state, locations.store(), configState::get, clock);
    opened(LogCompaction.start(log, writer, this::keepHistory, clock));
    watcher.begin();
    opened(AdminServer.builder(operations, status::report).start(locations.socket()));
    RunMetrics metrics =
        new RunMetrics(statistics, appendLatency, banLatency, clock, Version.text());
    if (first.metrics().isPresent()) {
      opened(
          HealthServer.start(
              address(first.metrics().get()), metrics::collect, this::reasonsNotReady));
    }
    opened(
        HostAddressFollower.start(
            addresses.get(),
            addressReader::read,
            this::addressesChanged,
            HostAddressFollower.INTERVAL));
    if (locations.configFile().isPresent()) {
      ConfigWatcher configWatcher = opened(new ConfigWatcher(locations.configFile().get()));
      configWatcher.start(result -> configChanged(result, clock));
    }
  }

  /** Opens everything, or nothing; nothing is read before {@link #run}. */
  static HostRun open(Locations locations, Shell shell) throws IOException {
    Deque<AutoCloseable> opened = new ArrayDeque<>();
    boolean ready = false;
    try {
      HostRun run = new HostRun(locations, shell, opened);
      ready = true;
      return run;
    } finally {
      if (!ready) {
        closeAll(opened);
      }
    }
  }

  private Optional<Duration> keepHistory() {
    return Optional.ofNullable(config.get().store().keepHistory());
  }

  private <T extends AutoCloseable> T opened(T part) {
    opened.push(part);
    return part;
  }

  private static InetSocketAddress address(ListenAddress listen) {
    return listen.host().isEmpty()
        ? new InetSocketAddress(listen.port())
        : new InetSocketAddress(listen.host(), listen.port());
  }

  /** Follows the sources until the process is told to end, or they have all ended. */
  void run() {
    Thread onSignal = Thread.ofPlatform().name("stop").unstarted(this::stopAndHalt);
    Runtime.getRuntime().addShutdownHook(onSignal);
    logger
        .atInfo()
        .addKeyValue("version", Version.text())
        .addKeyValue("sources", config.get().sources().size())
        .addKeyValue("rules", config.get().rules().size())
        .log("started");
    try {
      watcher.run();
    } finally {
      close();
      removeHook(onSignal);
    }
  }

  /** A signal is an orderly end, exit code 0; the JVM's own would be 128 + its number. */
  private void stopAndHalt() {
    watcher.stop();
    try {
      boolean done = closed.await(MAX_STOP_SECONDS, TimeUnit.SECONDS);
      Runtime.getRuntime().halt(done ? ExitCode.DONE : ExitCode.FAILED);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void removeHook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      logger.atDebug().log("stopped by a signal");
    }
  }

  private List<String> reasonsNotReady() {
    List<String> reasons = new ArrayList<>();
    for (WatcherStatus.Source source : watcher.status().sources()) {
      for (String problem : source.status().problems()) {
        reasons.add("source " + source.status().name() + ": " + problem);
      }
    }
    String storeProblem = watcher.storeProblem();
    if (!storeProblem.isEmpty()) {
      reasons.add("store: " + storeProblem);
    }
    return reasons;
  }

  private void addressesChanged(HostAddresses now) {
    addresses.set(now);
    protect();
  }

  private void protect() {
    ProtectedPrefixes now = Protections.of(config.get(), addresses.get());
    protection.set(now);
    watcher.protect(now);
  }

  private void configChanged(ConfigResult result, InstantSource clock) {
    switch (result) {
      case ConfigResult.Valid valid -> {
        config.set(valid.config());
        policy.reload(Watcher.policySettings(valid.config(), jitterSeed));
        protect();
        watcher.reload(valid.config());
        statistics.reloaded();
        configState.updateAndGet(
            before -> new RunStatus.ConfigState(before.file(), clock.instant(), ""));
        for (ConfigProblem warning : valid.warnings()) {
          logger.atWarn().addKeyValue("problem", warning).log("configuration");
        }
      }
      case ConfigResult.Invalid invalid -> {
        String errors =
            invalid.errors().stream()
                .map(ConfigProblem::toString)
                .collect(Collectors.joining("; "));
        statistics.reloadRefused();
        configState.updateAndGet(before -> before.refused(errors));
        logger
            .atError()
            .addKeyValue("errors", errors)
            .log("the new configuration is invalid; the old one stays in force");
      }
    }
  }

  private static void closeAll(Deque<AutoCloseable> opened) {
    while (!opened.isEmpty()) {
      AutoCloseable part = opened.pop();
      try {
        part.close();
      } catch (Exception e) { // AutoCloseable allows any; the others must be closed all the same
        logger.atError().setCause(e).addKeyValue("part", part.getClass()).log("cannot close");
      }
    }
  }

  @Override
  public void close() {
    closeAll(opened);
    if (closed.getCount() > 0) {
      logger.atInfo().log("stopped");
      closed.countDown();
    }
  }
}
