package io.ipsentry.watcher;

import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.Checkpoints;
import io.ipsentry.config.Config;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleEngine;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.watcher.DetectionStatistics.RuleCounters;
import io.ipsentry.watcher.metrics.LatencyHistogram;
import io.ipsentry.watcher.source.SourceLoop;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the sources, counts, and appends bans, until it is stopped.
 *
 * <p>One thread does all of it, so counting is exact and a checkpoint (positions and windows,
 * stored together) is a moment between two rounds. A restart goes on at the last checkpoint: lines
 * behind it are read again and counted as they were, and those that led to a ban lie below that
 * ban's floor.
 *
 * <p>When the log of bans cannot be written, decided bans are kept and tried again; reading waits
 * only when {@link Detection#MAX_PENDING} of them are kept. {@link #reload}, {@link #protect},
 * {@link #status} and {@link #stop} may be called by any thread.
 */
public final class Watcher implements AutoCloseable {
  /** A checkpoint is due this long after the last, or later when storing one takes long. */
  private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(1);

  /** Storing checkpoints takes at most one part in this many of the time. */
  private static final int CHECKPOINT_SHARE = 50;

  private static final Duration UPKEEP_INTERVAL = Duration.ofSeconds(1);
  private static final Duration CATCH_UP_INTERVAL = Duration.ofMillis(250);
  private static final Duration RETRY_PAUSE = Duration.ofMillis(100);

  private static final Logger logger = LoggerFactory.getLogger(Watcher.class);

  private final InstantSource clock;
  private final LongSupplier nanoTicker;
  private final BanWriter writer;
  private final BanPolicy policy;
  private final CheckpointStore checkpoints;
  private final Detection detection;
  private final DetectionStatistics statistics;
  private final Sources sources;
  private final SourceLoop loop;
  private final Instant startedAt;
  private final AtomicReference<@Nullable Change> change = new AtomicReference<>();
  private final AtomicReference<ProtectedPrefixes> protection;
  private final CountDownLatch finished = new CountDownLatch(1);
  private volatile boolean stopped;
  private volatile EngineNumbers engineNumbers = new EngineNumbers(0, 0, 0);
  private volatile Config config;

  private long checkpointDue;
  private long upkeepDue;
  private long catchUpDue;

  private record Change(Config config, RuleSet rules) {}

  private record EngineNumbers(int trackedAddresses, long trackedBytes, long evictions) {}

  /**
   * What a watcher works with.
   *
   * @param writer appends to the log of bans; shows every event to {@code policy}
   * @param checkpoints where positions and windows are kept
   * @param zone of stamps that name none
   * @param stdin standard input, for a source that reads it
   * @param clock wall clock
   * @param nanoTicker elapsed time, nanoseconds
   * @param banLatency is told the time from reading a line to its ban being durable
   */
  public record Parts(
      BanWriter writer,
      BanPolicy policy,
      Checkpoints checkpoints,
      ZoneId zone,
      InputStream stdin,
      InstantSource clock,
      LongSupplier nanoTicker,
      LatencyHistogram banLatency) {}

  /**
   * Opens the sources and takes up the last checkpoint.
   *
   * @param config sources and rules
   * @param protection what is never banned
   * @throws IOException when the system gives no means to watch files
   * @throws BanLogException when the log or the checkpoints cannot be read
   */
  public Watcher(Config config, ProtectedPrefixes protection, Parts parts) throws IOException {
    this.config = config;
    this.clock = parts.clock();
    this.nanoTicker = parts.nanoTicker();
    this.writer = parts.writer();
    this.policy = parts.policy();
    this.protection = new AtomicReference<>(protection);
    RuleSet rules = RuleSet.compile(config.rules());
    RuleEngine engine =
        new RuleEngine(rules, config.limits().trackedAddressesBytes(), config.ipv6().countPrefix());
    statistics = new DetectionStatistics(nanoTicker, parts.banLatency());
    statistics.rules(rules);
    detection =
        new Detection(engine, policy, writer, protection, statistics, reached -> clock.instant());
    PipelineFactory pipelines = new PipelineFactory(parts.zone(), clock, Watcher::sayFormat);
    sources = new Sources(pipelines, detection::hit, rules, parts.stdin(), clock);
    checkpoints = new CheckpointStore(parts.checkpoints());
    writer.catchUp();
    sources.replace(config.sources(), rules);
    checkpoints.restore(engine, sources.open());
    loop = new SourceLoop(sources.open());
    startedAt = clock.instant();
  }

  private static void sayFormat(String label, String format) {
    logger.atInfo().addKeyValue("stream", label).addKeyValue("format", format).log("format found");
  }

  /** The settings of the policy that a configuration asks for. */
  public static BanPolicy.Settings policySettings(Config config, long jitterSeed) {
    return new BanPolicy.Settings(
        "watcher",
        config.limits().maxNewBansPerMinute(),
        config.ipv6().banPrefix(),
        config.ipv6().widen(),
        jitterSeed);
  }

  /**
   * Takes the first look at the sources, and reads a little. After it, no line that is written is
   * missed, so this comes before anybody is told that the watcher is there. To be called once, by
   * the thread that calls {@link #run} then.
   */
  public void begin() {
    statistics.reading();
    loop.poll();
    append();
  }

  /** Reads until {@link #stop}, or until every source has ended; then stores a last checkpoint. */
  public void run() {
    try {
      reconcileConfiguredBans();
      while (!stopped && !sources.allEnded()) {
        round();
      }
      lastRound();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      loop.close();
      sources.close();
      finished.countDown();
    }
  }

  private void round() throws InterruptedException {
    takeChange();
    boolean more = false;
    if (detection.canRead()) {
      statistics.reading();
      more = loop.poll();
    }
    boolean written = append();
    upkeep();
    if (!more || !written) {
      loop.awaitWork(written ? CATCH_UP_INTERVAL : RETRY_PAUSE);
    }
  }

  private boolean append() {
    try {
      detection.release(clock.instant());
      return detection.flush();
    } catch (BanLogException e) {
      statistics.appendFailed(String.valueOf(e.getMessage()));
      return false;
    }
  }

  private void upkeep() {
    long now = nanoTicker.getAsLong();
    try {
      if (now - catchUpDue >= 0) {
        catchUpDue = now + CATCH_UP_INTERVAL.toNanos();
        writer.catchUp();
      }
      if (now - upkeepDue >= 0) {
        upkeepDue = now + UPKEEP_INTERVAL.toNanos();
        RuleEngine engine = detection.engine();
        engine.expire();
        engineNumbers =
            new EngineNumbers(engine.trackedAddresses(), engine.trackedBytes(), engine.evictions());
      }
      if (now - checkpointDue >= 0) {
        checkpoint();
        if (!detection.hasPending()) {
          statistics.storeWorks();
        }
      }
    } catch (BanLogException e) {
      statistics.appendFailed(String.valueOf(e.getMessage()));
    }
  }

  /** Stores positions and windows, unless bans that follow from them are not in the log yet. */
  private void checkpoint() {
    long began = nanoTicker.getAsLong();
    if (detection.hasPending()) {
      return;
    }
    checkpoints.save(detection.engine(), sources.open());
    long took = nanoTicker.getAsLong() - began;
    checkpointDue = began + Math.max(CHECKPOINT_INTERVAL.toNanos(), took * CHECKPOINT_SHARE);
  }

  private void lastRound() {
    if (append()) {
      try {
        checkpoint();
      } catch (BanLogException e) {
        logger.atError().setCause(e).log("cannot store the last checkpoint; lines are read again");
      }
    }
  }

  private void reconcileConfiguredBans() {
    try {
      BanWriter.Outcome outcome =
          ConfiguredBans.reconcile(writer, config.alwaysBan(), protection.get());
      if (!(outcome instanceof BanWriter.Outcome.Written)) {
        statistics.appendFailed("alwaysBan: " + outcome);
      }
    } catch (BanLogException e) {
      statistics.appendFailed(String.valueOf(e.getMessage()));
    }
  }

  // ---- changes while running

  /**
   * Puts another configuration in force with the next round: rules that keep their names keep their
   * hits, sources that are the same read on. The memory limit and the IPv6 prefix that is counted
   * stay as they were until a restart.
   */
  public void reload(Config newConfig) {
    change.set(new Change(newConfig, RuleSet.compile(newConfig.rules())));
    loop.wakeUp();
  }

  /** Puts another never-ban set in force. */
  public void protect(ProtectedPrefixes now) {
    protection.set(now);
    loop.wakeUp();
  }

  private void takeChange() {
    detection.protection(protection.get());
    Change now = change.getAndSet(null);
    if (now == null) {
      return;
    }
    detection.engine().reload(now.rules());
    statistics.rules(now.rules());
    sources.replace(now.config().sources(), now.rules());
    loop.replaceSources(sources.open());
    config = now.config();
    reconcileConfiguredBans();
    logger
        .atInfo()
        .addKeyValue("rules", now.config().rules().size())
        .addKeyValue("sources", now.config().sources().size())
        .log("configuration in force");
  }

  /** Ends {@link #run} after the round at hand. */
  public void stop() {
    stopped = true;
    loop.wakeUp();
  }

  /** Stops and waits until {@link #run} has ended; call it only if that was called. */
  @Override
  public void close() {
    stop();
    try {
      finished.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- what it does

  /** As of now; engine numbers are at most a second old. */
  public WatcherStatus status() {
    Config inForce = config;
    EngineNumbers engine = engineNumbers;
    List<WatcherStatus.RuleStatus> rules =
        inForce.rules().stream()
            .map(rule -> {
              RuleCounters counters = statistics.rule(rule);
              return new WatcherStatus.RuleStatus(
                  rule.id().name(),
                  rule.mode() == Rule.Mode.SHADOW,
                  counters.hits.get(),
                  counters.belowFloor.get(),
                  counters.bans.get(),
                  counters.shadowBans.get(),
                  counters.refused.get(),
                  policy.waiting(rule.id()),
                  counters.deferred.get());
            })
            .toList();
    return new WatcherStatus(
        startedAt,
        sources.status(),
        rules,
        engine.trackedAddresses(),
        engine.trackedBytes(),
        inForce.limits().trackedAddressesBytes(),
        engine.evictions(),
        statistics.refused(),
        statistics.appendFailures(),
        writer.state().head());
  }

  /** Why the store cannot be used at the moment; empty: it can. At most a moment old. */
  public String storeProblem() {
    return statistics.storeProblem();
  }

  /** The configuration in force. */
  public Config config() {
    return config;
  }

  /** Sources as configured, for those who show them. */
  public List<SourceConfig> sourceConfigs() {
    return config.sources();
  }
}
