package io.ipsentry.cli;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.FollowedLog;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.config.ConfigWatcher;
import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.watcher.host.HostAddressFollower;
import io.ipsentry.watcher.host.HostAddressReader;
import io.ipsentry.watcher.host.HostAddresses;
import io.ipsentry.watcher.metrics.HealthServer;
import io.ipsentry.watcher.metrics.ProcessMetrics;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything of {@code enforcer}, wired: the log that is followed into the bans of this process,
 * those into the kernel, the logs of the node if it is asked to, metrics, reload of the
 * configuration. What was opened last is closed first.
 */
final class EnforcerRun implements AutoCloseable {
  private static final Duration LOOK_INTERVAL = Duration.ofMillis(250);

  /** Bytes of heap that a burst may leave for a moment. */
  private static final long BURST = 24L << 20;

  private static final Logger logger = LoggerFactory.getLogger(EnforcerRun.class);

  private final OpenParts opened;
  private final Config started;
  private final AtomicReference<Config> config;
  private final AtomicReference<HostAddresses> addresses;
  private final AtomicReference<ProtectedPrefixes> protection;
  private final FollowedState followed;
  private final HostEnforcer enforcer;
  private final Optional<HostAgent> agent;
  private final ConfigReloads reloads = new ConfigReloads();
  private final ProcessMetrics process = ProcessMetrics.linux();
  private final CountDownLatch stopped = new CountDownLatch(1);

  private EnforcerRun(
      Locations locations,
      FollowedState followed,
      @Nullable Path checkpoints,
      Shell shell,
      OpenParts opened)
      throws IOException {
    this.opened = opened;
    Config first = locations.config();
    HostAddressReader addressReader = HostAddressReader.linux();
    started = first;
    config = new AtomicReference<>(first);
    addresses = new AtomicReference<>(addressReader.read());
    protection = new AtomicReference<>(Protections.of(first, addresses.get()));
    this.followed = opened.add(followed);
    enforcer =
        opened.add(
            HostEnforcer.start(
                first.enforcer().orElse(EnforcerConfig.DEFAULT),
                followed.bans(),
                followed::isSynced,
                protection::get,
                () -> followed.feeds().all(),
                shell.clock()));
    followed.follow(new Told(enforcer), this::protect);
    agent =
        first.enforcer().orElse(EnforcerConfig.DEFAULT).agent()
            ? Optional.of(
                opened.add(
                    HostAgent.start(
                        first,
                        HostAgent.checkpoints(checkpoints, first),
                        followed,
                        shell,
                        stopped::countDown)))
            : Optional.empty();
    if (first.metrics().isPresent()) {
      opened.add(
          HealthServer.start(
              Addresses.of(first.metrics().get()), this::collect, this::reasonsNotReady));
    }
    opened.add(
        HostAddressFollower.start(
            addresses.get(),
            addressReader::read,
            this::addressesChanged,
            HostAddressFollower.INTERVAL));
    if (locations.configFile().isPresent()) {
      ConfigWatcher watcher = opened.add(new ConfigWatcher(locations.configFile().get()));
      watcher.start(this::configChanged);
    }
  }

  /** Tells the enforcer what the log tells. */
  private record Told(HostEnforcer enforcer) implements FollowedLog.Listener {
    @Override
    public void applied(SequencedEvent event) {
      enforcer.event(event.event());
    }

    @Override
    public void replaced(ActiveBans state) {
      enforcer.replaced();
    }
  }

  /**
   * Opens everything, or nothing.
   *
   * @param checkpoints {@code --checkpoints}; null: not given
   */
  static EnforcerRun open(
      Locations locations, FollowedState followed, @Nullable Path checkpoints, Shell shell)
      throws IOException {
    OpenParts opened = new OpenParts();
    boolean ready = false;
    try {
      EnforcerRun run = new EnforcerRun(locations, followed, checkpoints, shell, opened);
      ready = true;
      return run;
    } finally {
      if (!ready) {
        opened.close();
      }
    }
  }

  /**
   * Enforces until the process is told to end.
   *
   * @throws CommandException if it is an agent, too, and the sources cannot be read any more
   */
  void run() {
    StopSignal signal = StopSignal.install(stopped::countDown);
    logger.atInfo().addKeyValue("version", Version.text()).log("started");
    try {
      HeapGrowth heap = HeapGrowth.ofProcess(BURST, HeapGrowth.QUIET);
      long settled = 0;
      while (!stopped.await(LOOK_INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
        long taken = followed.log().snapshots();
        if (enforcer.status().lastSync().isEmpty()) {
          continue;
        }
        if (settled == taken) {
          heap.look();
        } else {
          // What a snapshot was read from, and a state before it, grew old.
          settled = taken;
          heap.collect();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      close();
      signal.done();
    }
    agent.ifPresent(HostAgent::check);
  }

  private List<String> reasonsNotReady() {
    List<String> reasons = new ArrayList<>(followed.reasonsNotReady());
    reasons.addAll(enforcer.reasonsNotReady());
    agent.ifPresent(reading -> reasons.addAll(reading.reasonsNotReady()));
    return reasons;
  }

  private MetricSnapshots collect() {
    List<MetricSnapshot> all = new ArrayList<>(enforcer.metrics());
    all.addAll(followed.metrics());
    agent.ifPresent(reading -> all.addAll(reading.metrics()));
    all.addAll(FollowerMetrics.build(reloads, Version.text()));
    all.addAll(process.collect());
    return new MetricSnapshots(all);
  }

  private void addressesChanged(HostAddresses now) {
    addresses.set(now);
    protect();
  }

  private synchronized void protect() {
    protection.set(Protections.of(config.get(), addresses.get(), followed.protectedParts()));
    enforcer.protectionChanged();
  }

  private void configChanged(ConfigResult result) {
    reloads
        .take(result)
        .ifPresent(now -> {
          config.set(now);
          protect();
          enforcer.reload(now.enforcer().orElse(EnforcerConfig.DEFAULT));
          agent.ifPresent(reading -> reading.reload(now));
          RestartKeys.say(RestartKeys.OF_ENFORCER, started, now);
          logger.atInfo().log("configuration in force");
        });
  }

  @Override
  public void close() {
    opened.close();
  }
}
