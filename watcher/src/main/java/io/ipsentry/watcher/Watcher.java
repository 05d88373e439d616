package io.ipsentry.watcher;

import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.Checkpoints;
import io.ipsentry.config.Config;
import io.ipsentry.config.InlineRules;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.detection.Detection;
import io.ipsentry.detection.DetectionCounters;
import io.ipsentry.detection.DetectionCounters.RuleNumbers;
import io.ipsentry.detection.HitLedger;
import io.ipsentry.detection.HitOwner;
import io.ipsentry.detection.HitReceiver;
import io.ipsentry.detection.ReportedHit;
import io.ipsentry.detection.RequestDetection;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.HitWindows;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleEngine;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.rule.Tags;
import io.ipsentry.watcher.metrics.LatencyHistogram;
import io.ipsentry.watcher.source.SourceLoop;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;
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
 * only when {@link Detection#MAX_PENDING} of them are kept.
 *
 * <p>Hits that servers find come in beside the lines: those of requests that wait are counted at
 * once by their own thread ({@link #hits}, {@link RequestDetection}), those of requests that were
 * answered already, and those that other processes found ({@link #take}), are counted like lines.
 *
 * <p>{@link #reload}, {@link #protect}, {@link #status}, {@link #hits}, {@link #take} and {@link
 * #stop} may be called by any thread.
 */
public final class Watcher implements AutoCloseable, HitOwner {
  /** A checkpoint is due this long after the last, or later when storing one takes long. */
  private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(1);

  /** Storing checkpoints takes at most one part in this many of the time. */
  private static final int CHECKPOINT_SHARE = 50;

  private static final Duration UPKEEP_INTERVAL = Duration.ofSeconds(1);
  private static final Duration CATCH_UP_INTERVAL = Duration.ofMillis(250);
  private static final Duration RETRY_PAUSE = Duration.ofMillis(100);

  /** However long the windows are, reporters keep hits for a later leader no longer. */
  private static final Duration LONGEST_KEPT = Duration.ofHours(1);

  private static final int KEPT_STEPS = 60;

  /**
   * Hits of nodes that are behind each other by no more than this are counted exactly: it is longer
   * than a leader is missed for, and than an agent takes to start again.
   */
  private static final Duration BETWEEN_NODES = Duration.ofMinutes(1);

  private static final Logger logger = LoggerFactory.getLogger(Watcher.class);

  private final InstantSource clock;
  private final LongSupplier nanoTicker;
  private final BanWriter writer;
  private final BanPolicy policy;
  private final CheckpointStore checkpoints;
  private final Detection detection;
  private final DetectionCounters requestCounters;
  private final RequestDetection requests;
  private final HitQueue queue;
  private final List<Runnable> whenCounted = new ArrayList<>();
  private final DetectionStatistics statistics;
  private final RequestWatch watch;
  private final Sources sources;
  private final HitLedger ledger = new HitLedger();
  private final SourceLoop loop;
  private final Instant startedAt;
  private final boolean takesOver;
  private final ArrayDeque<Kept> kept = new ArrayDeque<>();
  private final AtomicReference<@Nullable Change> change = new AtomicReference<>();
  private final AtomicReference<ProtectedPrefixes> protection;
  private final ConfiguredBans configuredBans = new ConfiguredBans();
  private final CountDownLatch finished = new CountDownLatch(1);
  private volatile boolean stopped;
  private volatile boolean following;
  private volatile EngineNumbers engineNumbers = new EngineNumbers(0, 0, 0);
  private volatile Config config;
  private volatile RuleSet inlineRules;

  private long checkpointDue;
  private long upkeepDue;
  private long catchUpDue;

  private record Change(Config config, RuleSet rules, RuleSet inlineRules) {}

  /**
   * Hits of reporters that were counted.
   *
   * @param since when they were at the latest, nanoseconds
   * @param counted numbers of the last ones by reporter
   */
  private record Kept(long since, Map<String, Long> counted) {}

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
   * @param watch is shown who asks, by lines and by what others report
   * @param pods gives the logs of pods
   * @param takesOver whether another process read the sources before: then, where no position is
   *     stored, what was written within the longest window is read again. Others may take over from
   *     this one, too: so reporters keep their hits for as long
   */
  public record Parts(
      BanWriter writer,
      BanPolicy policy,
      Checkpoints checkpoints,
      ZoneId zone,
      InputStream stdin,
      InstantSource clock,
      LongSupplier nanoTicker,
      LatencyHistogram banLatency,
      RequestWatch watch,
      PodLogsOpener pods,
      boolean takesOver) {}

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
    RuleSet rules = logRules(config);
    RuleEngine engine =
        new RuleEngine(
            rules,
            config.limits().trackedAddressesBytes(),
            config.ipv6().countPrefix(),
            parts.takesOver() ? BETWEEN_NODES.toMillis() : HitWindows.OUT_OF_ORDER_MILLIS);
    statistics = new DetectionStatistics(nanoTicker, parts.banLatency());
    detection =
        new Detection(engine, policy, writer, protection, statistics, reached -> clock.instant());
    PipelineFactory pipelines =
        new PipelineFactory(parts.zone(), clock, Watcher::sayFormat, parts.watch());
    watch = parts.watch();
    takesOver = parts.takesOver();
    Instant recent = parts.takesOver() ? recent(rules, parts.checkpoints()) : null;
    sources =
        new Sources(pipelines, detection::hit, rules, parts.stdin(), parts.pods(), clock, recent);
    checkpoints = new CheckpointStore(parts.checkpoints());
    writer.catchUp();
    sources.replace(config.sources(), rules);
    queue = new HitQueue(this::wakeUp);
    inlineRules = RuleSet.compile(InlineRules.of(config));
    requestCounters = new DetectionCounters(nanoTicker);
    requests = requestDetection(parts);
    checkpoints.restore(engine, requests, ledger, sources.open());
    requests.start();
    loop = new SourceLoop(sources.open());
    startedAt = clock.instant();
  }

  /** Tolerates less of some addresses, from the next hit on. Safe for any thread. */
  public void tag(Tags now) {
    detection.engine().tag(now);
    requests.tag(now);
  }

  /** Since when lines are to be read again; null: there are positions to go on at. */
  private @Nullable Instant recent(RuleSet rules, Checkpoints stored) {
    if (!stored.load().isEmpty()) {
      return null;
    }
    return clock.instant().minus(longestWindow(rules.rules()));
  }

  private static Duration longestWindow(List<Rule> rules) {
    return rules.stream().map(Rule::window).max(Duration::compareTo).orElse(Duration.ZERO);
  }

  /** Rules that judge lines, and requests that were answered already. */
  private static RuleSet logRules(Config config) {
    return RuleSet.compile(
        config.rules().stream().filter(rule -> rule.on() == Rule.On.LOG).toList());
  }

  private RequestDetection requestDetection(Parts parts) {
    return RequestDetection.appending(
        new RequestDetection.Parts(
            inlineRules,
            config.limits().trackedAddressesBytes(),
            config.ipv6().countPrefix(),
            policy,
            protection.get(),
            requestCounters,
            clock,
            nanoTicker,
            parts.banLatency()::recordNanos),
        writer,
        queue::offer);
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
      while (!stopped && (serves() || !sources.allEnded())) {
        round();
      }
      lastRound();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      requests.close();
      loop.close();
      sources.close();
      finished.countDown();
    }
  }

  /** Whether gateways are served, here or elsewhere, who go on when the sources have ended. */
  private boolean serves() {
    return takesOver || config.authz().isPresent();
  }

  private void round() throws InterruptedException {
    takeChange();
    boolean more = false;
    if (detection.canRead()) {
      statistics.reading();
      more = loop.poll();
      whenCounted.addAll(queue.drain(this::count));
    }
    boolean written = append();
    if (written) {
      whenCounted.forEach(Runnable::run);
      whenCounted.clear();
    }
    upkeep();
    if (!more || !written) {
      loop.awaitWork(written ? CATCH_UP_INTERVAL : RETRY_PAUSE);
    }
  }

  private void count(ReportedHit reported) {
    Hit hit = reported.in(detection.engine().rules());
    if (hit != null) {
      if (hit.seenAs() == SeenAs.PEER) {
        watch.request(hit.hi(), hit.lo(), hit.eventTimeMillis());
      }
      detection.hit(hit);
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
        if (!writer.isFollowing()) {
          writer.catchUp();
        }
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
          statistics.counters().storeWorks();
        }
      }
    } catch (BanLogException e) {
      statistics.appendFailed(String.valueOf(e.getMessage()));
    }
  }

  /** Stores positions and windows, unless bans that follow from them are not in the log yet. */
  private void checkpoint() {
    long began = nanoTicker.getAsLong();
    // Reported hits wait, so that the windows hold exactly those that the ledger calls counted.
    ledger.pause();
    try {
      whenCounted.addAll(queue.drain(this::count));
      if (detection.hasPending() && !append()) {
        return;
      }
      checkpoints.save(detection.engine(), requests, ledger, sources.open());
      following = true;
    } finally {
      ledger.resume();
    }
    settle(began);
    long took = nanoTicker.getAsLong() - began;
    checkpointDue = began + Math.max(CHECKPOINT_INTERVAL.toNanos(), took * CHECKPOINT_SHARE);
  }

  /** Tells reporters which hits they need not keep any longer. */
  private void settle(long now) {
    if (!takesOver) {
      ledger.stored();
      return;
    }
    long keep =
        Math.min(
            longestWindow(config.rules()).plus(BETWEEN_NODES).toNanos(), LONGEST_KEPT.toNanos());
    Kept newest = kept.peekLast();
    if (newest == null || now - newest.since() >= keep / KEPT_STEPS) {
      kept.add(new Kept(now, ledger.written()));
    }
    Kept old = null;
    for (Kept next = kept.peek(); next != null && now - next.since() >= keep; next = kept.peek()) {
      old = kept.poll();
    }
    if (old != null) {
      ledger.stored(old.counted());
    }
  }

  private void lastRound() {
    whenCounted.addAll(queue.drain(this::count));
    boolean written = append();
    requests.close();
    if (written) {
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
          configuredBans.reconcile(writer, config.alwaysBan(), protection.get());
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
    RuleSet newInlineRules = RuleSet.compile(InlineRules.of(newConfig));
    change.set(new Change(newConfig, logRules(newConfig), newInlineRules));
    requests.reload(newInlineRules);
    inlineRules = newInlineRules;
    wakeUp();
  }

  private void wakeUp() {
    loop.wakeUp();
  }

  // ---- hits that servers find

  /** Which hits of other processes were counted; stored with the windows. */
  public HitLedger ledger() {
    return ledger;
  }

  /** Where servers of this process take their hits. */
  public HitReceiver hits() {
    return requests;
  }

  /** Inline rules of all policies, as they are counted. */
  public RuleSet inlineRules() {
    return inlineRules;
  }

  @Override
  public boolean take(List<ReportedHit> hits, LongConsumer settled) {
    RuleSet inline = inlineRules;
    List<ReportedHit> ofLines = hits.stream().filter(hit -> inline.number(hit.rule()) < 0).toList();
    AtomicInteger parts = new AtomicInteger(2);
    Runnable counted =
        () -> {
          if (parts.decrementAndGet() == 0) {
            requests.whenSettled(settled);
          }
        };
    if (!queue.offer(ofLines, counted)) {
      return false;
    }
    hits.stream().filter(hit -> inline.number(hit.rule()) >= 0).forEach(requests::reported);
    counted.run();
    return true;
  }

  /** Puts another never-ban set in force. */
  public void protect(ProtectedPrefixes now) {
    protection.set(now);
    requests.protect(now);
    loop.wakeUp();
  }

  private void takeChange() {
    detection.protection(protection.get());
    Change now = change.getAndSet(null);
    if (now == null) {
      if (configuredBans.isAffected(
          config.alwaysBan(), protection.get(), writer.state(), clock.instant())) {
        reconcileConfiguredBans();
      }
      return;
    }
    detection.reload(now.rules());
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
              RuleNumbers numbers = numbers(rule);
              return new WatcherStatus.RuleStatus(
                  rule.id().name(),
                  rule.mode() == Rule.Mode.SHADOW,
                  numbers.hits(),
                  numbers.belowFloor(),
                  numbers.bans(),
                  numbers.shadowBans(),
                  numbers.refused(),
                  waiting(rule),
                  numbers.deferred());
            })
            .toList();
    RequestDetection.Numbers inline = requests.numbers();
    int engines = inlineRules.rules().isEmpty() ? 1 : 2;
    return new WatcherStatus(
        startedAt,
        sources.status(),
        rules,
        engine.trackedAddresses() + inline.trackedAddresses(),
        engine.trackedBytes() + inline.trackedBytes(),
        engines * inForce.limits().trackedAddressesBytes(),
        engine.evictions() + inline.evictions(),
        refused(),
        statistics.counters().appendFailures() + requestCounters.appendFailures(),
        writer.state().head());
  }

  /** Of an inline rule, with its copies for policies. */
  private RuleNumbers numbers(Rule rule) {
    if (rule.on() == Rule.On.LOG) {
      return statistics.counters().rule(rule.id());
    }
    return copies(rule).stream()
        .map(copy -> requestCounters.rule(copy.id()))
        .reduce(new RuleNumbers(0, 0, 0, 0, 0, 0), RuleNumbers::plus);
  }

  private long waiting(Rule rule) {
    if (rule.on() == Rule.On.LOG) {
      return policy.waiting(rule.id());
    }
    return copies(rule).stream().mapToLong(copy -> policy.waiting(copy.id())).sum();
  }

  private List<Rule> copies(Rule rule) {
    return inlineRules.rules().stream()
        .filter(copy -> copy.id().plainName().equals(rule.id().name()))
        .toList();
  }

  private Map<String, Long> refused() {
    Map<String, Long> both = new TreeMap<>(statistics.counters().refused());
    requestCounters.refused().forEach((kind, count) -> both.merge(kind, count, Long::sum));
    return both;
  }

  /** Hits of requests answered already that were lost because too many waited to be counted. */
  public long lostHits() {
    return queue.lost();
  }

  /** Bans of requests that hold and are not in the log yet. */
  public int pendingBans() {
    return requests.pendingBans();
  }

  /**
   * Whether it has looked at every source, and stored where it is: from then on a crash loses no
   * line that is written, whatever is rotated away before the next start.
   */
  public boolean isFollowing() {
    return following;
  }

  /** Why the store cannot be used at the moment; empty: it can. At most a moment old. */
  public String storeProblem() {
    String problem = statistics.counters().storeProblem();
    return problem.isEmpty() && requests.pendingBans() > 0
        ? requestCounters.storeProblem()
        : problem;
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
