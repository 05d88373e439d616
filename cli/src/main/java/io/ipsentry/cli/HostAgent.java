package io.ipsentry.cli;

import static io.ipsentry.cli.IntakeMetrics.gauge;

import io.ipsentry.authz.hits.HitReportClient;
import io.ipsentry.banlog.RunLock;
import io.ipsentry.banlog.SqliteCheckpoints;
import io.ipsentry.config.Config;
import io.ipsentry.watcher.AgentStore;
import io.ipsentry.watcher.NodeAgent;
import io.ipsentry.watcher.WatcherStatus;
import io.ipsentry.watcher.metrics.RunMetrics;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sources of this node, read on a thread of their own, and their hits on the way to whoever
 * counts them. Safe for any thread.
 */
final class HostAgent implements AutoCloseable {
  /** Where positions and hits are kept, when nobody says otherwise. */
  static final Path CHECKPOINTS = Path.of("/var/lib/ip-sentry/agent.db");

  /** Hits may wait for a leader for so long before the agent says that it is not ready. */
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final Logger logger = LoggerFactory.getLogger(HostAgent.class);

  private final OpenParts opened = new OpenParts();
  private final HitReportClient client;
  private final NodeAgent agent;
  private final InstantSource clock;
  private final Thread reading;
  private final Runnable ended;
  private volatile @Nullable Throwable failure;

  private HostAgent(
      Config config, Path checkpoints, FollowedState owner, Shell shell, Runnable ended)
      throws IOException {
    clock = shell.clock();
    this.ended = ended;
    SqliteCheckpoints file = opened.add(SqliteCheckpoints.open(checkpoints));
    opened.add(RunLock.takeForAgent(checkpoints));
    AgentStore store = AgentStore.open(file);
    client =
        opened.add(
            new HitReportClient(
                new HitReportClient.Parts(
                    owner.hits(),
                    owner::connectNow,
                    store.reporter(),
                    HitReportClient.DEFAULT_CAPACITY,
                    new SecureRandom(),
                    (lastHit, logHead) -> {}),
                new HitReportClient.Kept(store.firstKept(), store.kept())));
    logger
        .atInfo()
        .addKeyValue("checkpoints", checkpoints)
        .addKeyValue("reporter", store.reporter())
        .addKeyValue("kept", store.kept().size())
        .log("hits go on where they were");
    agent =
        new NodeAgent(
            config,
            store,
            client,
            new NodeAgent.Parts(ZoneId.systemDefault(), shell.in(), clock, System::nanoTime));
    reading =
        Thread.ofPlatform()
            .name("agent")
            .uncaughtExceptionHandler((_, cause) -> failed(cause))
            .unstarted(agent::run);
  }

  /**
   * Begins to read.
   *
   * @param config of which it reads the sources of nodes
   * @param checkpoints SQLite file of this agent alone
   * @param owner leads to whoever counts hits; stays the caller's to close
   * @param ended called when the sources cannot be read any more, whose cause {@link #check} then
   *     throws
   * @throws io.ipsentry.banlog.BanLogException if the checkpoints cannot be used
   */
  static HostAgent start(
      Config config, Path checkpoints, FollowedState owner, Shell shell, Runnable ended)
      throws IOException {
    HostAgent started = new HostAgent(config, checkpoints, owner, shell, ended);
    started.agent.begin();
    HitReportClient ignored = started.client.start();
    started.reading.start();
    return started;
  }

  /** Where the checkpoints are: as the command line says, else the configuration. */
  static Path checkpoints(@Nullable Path option, Config config) {
    if (option != null) {
      return option;
    }
    return config
        .store()
        .kubernetes()
        .flatMap(cluster -> cluster.checkpoints())
        .orElse(CHECKPOINTS);
  }

  /** Whatever ended the reading: what was read is not known then, so a new process begins anew. */
  private void failed(Throwable cause) {
    failure = cause;
    logger.atError().setCause(cause).log("the sources cannot be read any more");
    ended.run();
  }

  /**
   * Does nothing while the sources are read, or were until {@link #close}.
   *
   * @throws CommandException if they cannot be read any more; another process can
   */
  void check() {
    Throwable cause = failure;
    if (cause != null) {
      throw CommandException.failed("the sources cannot be read any more: " + cause, cause);
    }
  }

  /** Goes by another configuration. */
  void reload(Config now) {
    agent.reload(now);
  }

  /** Why not every hit is found and counted; empty: it is. */
  List<String> reasonsNotReady() {
    List<String> reasons = new ArrayList<>();
    NodeAgent.Status status = agent.status();
    for (WatcherStatus.Source source : status.sources()) {
      if (source.status().kind().equals("file") && source.status().streams().isEmpty()) {
        // Not every node has every file.
        continue;
      }
      for (String problem : source.status().problems()) {
        reasons.add("source " + source.status().name() + ": " + problem);
      }
    }
    Throwable cause = failure;
    if (cause != null) {
      reasons.add("sources: they cannot be read any more: " + cause);
    }
    if (!status.storeProblem().isEmpty()) {
      reasons.add("checkpoints: " + status.storeProblem());
    }
    HitReportClient.Statistics hits = client.statistics();
    long oldest = hits.oldestWaitingMillis().orElse(Long.MAX_VALUE);
    boolean waitsLong = clock.millis() - PATIENCE.toMillis() > oldest;
    if (!hits.connected() && (hits.connections() == 0 || waitsLong)) {
      reasons.add(
          "leader: "
              + (hits.problem().isEmpty() ? "it was not reached yet" : hits.problem())
              + "; hits that wait: "
              + hits.waiting());
    }
    if (status.full()) {
      reasons.add("leader: so many hits wait for it that no more lines are read");
    }
    return reasons;
  }

  List<MetricSnapshot> metrics() {
    NodeAgent.Status status = agent.status();
    List<MetricSnapshot> all = new ArrayList<>(RunMetrics.sources(status.statistics(), clock));
    all.addAll(FollowerMetrics.reporter(client.statistics(), clock));
    all.add(
        gauge(
            "ip_sentry_agent_paused",
            "1 while no lines are read, because too many hits wait or none can be stored",
            status.full() || !status.storeProblem().isEmpty() ? 1 : 0));
    return all;
  }

  /** Reads no further, and stores what was read. */
  @Override
  public void close() {
    agent.close();
    opened.close();
  }
}
