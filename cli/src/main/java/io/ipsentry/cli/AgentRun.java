package io.ipsentry.cli;

import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.config.ConfigWatcher;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.watcher.metrics.HealthServer;
import io.ipsentry.watcher.metrics.ProcessMetrics;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything of {@code agent}, wired: the sources of the node, whose hits go to whoever counts
 * them, metrics, reload of the configuration. What was opened last is closed first.
 */
final class AgentRun implements AutoCloseable {
  private static final Logger logger = LoggerFactory.getLogger(AgentRun.class);

  /** Bytes of heap that a burst may leave for a moment. */
  private static final long BURST = 24L << 20;

  private final OpenParts opened;
  private final Config started;
  private final HostAgent agent;
  private final ConfigReloads reloads = new ConfigReloads();
  private final ProcessMetrics process = ProcessMetrics.linux();
  private final CountDownLatch stopped = new CountDownLatch(1);

  private AgentRun(
      Locations locations,
      FollowedState owner,
      @Nullable Path checkpoints,
      Shell shell,
      OpenParts opened)
      throws IOException {
    this.opened = opened;
    started = locations.config();
    opened.add(owner);
    if (started.readBy(SourceConfig.Reader.AGENT).sources().isEmpty()) {
      logger.atWarn().log("no source has reader: agent, so there is nothing to read on this node");
    }
    agent =
        opened.add(
            HostAgent.start(
                started,
                HostAgent.checkpoints(checkpoints, started),
                owner,
                shell,
                stopped::countDown));
    if (started.metrics().isPresent()) {
      opened.add(
          HealthServer.start(
              Addresses.of(started.metrics().get()), this::collect, agent::reasonsNotReady));
    }
    opened.add(HeapGrowth.watch(BURST, HeapGrowth.QUIET));
    if (locations.configFile().isPresent()) {
      ConfigWatcher watcher = opened.add(new ConfigWatcher(locations.configFile().get()));
      watcher.start(this::configChanged);
    }
  }

  /**
   * Opens everything, or nothing.
   *
   * @param checkpoints {@code --checkpoints}; null: not given
   */
  static AgentRun open(
      Locations locations, FollowedState owner, @Nullable Path checkpoints, Shell shell)
      throws IOException {
    OpenParts opened = new OpenParts();
    boolean ready = false;
    try {
      AgentRun run = new AgentRun(locations, owner, checkpoints, shell, opened);
      ready = true;
      return run;
    } finally {
      if (!ready) {
        opened.close();
      }
    }
  }

  /**
   * Reads until the process is told to end.
   *
   * @throws CommandException if the sources cannot be read any more
   */
  void run() {
    StopSignal signal = StopSignal.install(stopped::countDown);
    logger.atInfo().addKeyValue("version", Version.text()).log("started");
    try {
      stopped.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      close();
      signal.done();
    }
    agent.check();
  }

  private MetricSnapshots collect() {
    List<MetricSnapshot> all = new ArrayList<>(agent.metrics());
    all.addAll(FollowerMetrics.build(reloads, Version.text()));
    all.addAll(process.collect());
    return new MetricSnapshots(all);
  }

  private void configChanged(ConfigResult result) {
    reloads
        .take(result)
        .ifPresent(now -> {
          agent.reload(now);
          RestartKeys.say(RestartKeys.OF_AGENT, started, now);
          logger.atInfo().addKeyValue("rules", now.rules().size()).log("configuration in force");
        });
  }

  @Override
  public void close() {
    opened.close();
  }
}
