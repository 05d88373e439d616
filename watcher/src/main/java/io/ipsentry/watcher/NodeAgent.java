package io.ipsentry.watcher;

import io.ipsentry.banlog.BanLogException;
import io.ipsentry.config.Config;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.detection.HitOutbox;
import io.ipsentry.detection.ReportedHit;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.watcher.metrics.RunStatistics.SourceStatistics;
import io.ipsentry.watcher.source.SourceLoop;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the sources of a node, finds hits in their lines, and passes them on to the process that
 * owns the windows; it decides nothing and knows no bans.
 *
 * <p>One thread does all of it. A hit is passed on only when it is stored together with the
 * positions up to which it was read ({@link AgentStore}): a process that is killed goes on with the
 * same hits under the same numbers, of which the owner counts each once. While so many hits wait
 * for the owner that there is no room, or the store cannot be written, nothing is read, and lines
 * wait in their files.
 *
 * <p>{@link #reload}, {@link #status} and {@link #stop} may be called by any thread.
 */
public final class NodeAgent implements AutoCloseable {
  /** Hits that were found and are not stored yet; with more, they are stored at once. */
  private static final int MAX_FRESH = 10_000;

  /** Positions are stored this often where nothing is found. */
  private static final Duration POSITIONS_INTERVAL = Duration.ofSeconds(1);

  /** Storing hits takes at most one part in this many of the time, and positions alone … */
  private static final int HITS_SHARE = 5;

  private static final int POSITIONS_SHARE = 50;
  private static final Duration RETRY_PAUSE = Duration.ofMillis(100);
  private static final Logger logger = LoggerFactory.getLogger(NodeAgent.class);

  private final LongSupplier nanoTicker;
  private final AgentStore store;
  private final HitOutbox outbox;
  private final Sources sources;
  private final SourceLoop loop;
  private final AtomicReference<@Nullable Config> change = new AtomicReference<>();
  private final CountDownLatch finished = new CountDownLatch(1);
  private volatile boolean stopped;
  private volatile String storeProblem = "";
  private volatile boolean full;
  private RuleSet rules;
  private List<ReportedHit> fresh = new ArrayList<>();

  /** When hits may be stored next, and positions are to be, nanoseconds. */
  private long hitsDue;

  private long positionsDue;

  /**
   * What an agent works with.
   *
   * @param zone of stamps that name none
   * @param stdin standard input, which no source of a node reads
   * @param clock wall clock
   * @param nanoTicker elapsed time, nanoseconds
   */
  public record Parts(
      ZoneId zone, InputStream stdin, InstantSource clock, LongSupplier nanoTicker) {}

  /**
   * What an agent does, as of a moment.
   *
   * @param sources in the order of the configuration
   * @param storeProblem why hits and positions cannot be stored; empty: they can
   * @param full nothing is read, because too many hits wait for the owner
   */
  public record Status(List<WatcherStatus.Source> sources, String storeProblem, boolean full) {
    public Status {
      sources = List.copyOf(sources);
    }

    /** The sources in the form that the metrics are made of. */
    public List<SourceStatistics> statistics() {
      return WatcherStatistics.of(sources);
    }
  }

  /**
   * Opens the sources of the node and takes up their positions.
   *
   * @param store of this agent alone
   * @param outbox goes on with the hits that the store kept
   * @throws IOException when the system gives no means to watch files
   */
  public NodeAgent(Config config, AgentStore store, HitOutbox outbox, Parts parts)
      throws IOException {
    this.store = store;
    this.outbox = outbox;
    nanoTicker = parts.nanoTicker();
    hitsDue = nanoTicker.getAsLong();
    positionsDue = hitsDue;
    rules = logRules(config);
    sources =
        new Sources(
            new PipelineFactory(parts.zone(), parts.clock(), NodeAgent::sayFormat),
            this::found,
            rules,
            parts.stdin(),
            PodLogsOpener.NONE,
            parts.clock(),
            null);
    sources.replace(ofNode(config), rules);
    store.restore(sources.open());
    loop = new SourceLoop(sources.open());
  }

  private static List<SourceConfig> ofNode(Config config) {
    return config.readBy(SourceConfig.Reader.AGENT).sources();
  }

  private static RuleSet logRules(Config config) {
    return RuleSet.compile(
        config.rules().stream().filter(rule -> rule.on() == Rule.On.LOG).toList());
  }

  private static void sayFormat(String label, String format) {
    logger.atInfo().addKeyValue("stream", label).addKeyValue("format", format).log("format found");
  }

  private void found(Hit hit) {
    fresh.add(ReportedHit.of(rules, hit).cut());
  }

  /**
   * Takes the first look at the sources, and reads a little. After it, no line that is written is
   * missed. To be called once, before {@link #run}.
   */
  public void begin() {
    boolean ignored = loop.poll();
    boolean stored = store();
    logger
        .atInfo()
        .addKeyValue("sources", sources.open().size())
        .addKeyValue("rules", rules.rules().size())
        .addKeyValue("stored", stored)
        .log("the sources of the node are followed");
  }

  /** Reads until {@link #stop}, then stores what was read. */
  public void run() {
    try {
      while (!stopped) {
        if (!round()) {
          loop.awaitWork(canRead() ? untilHitsAreDue() : RETRY_PAUSE);
        }
      }
      if (!store()) {
        logger.atError().log("the last hits cannot be stored; their lines are read again");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      letGo();
      finished.countDown();
    }
  }

  /** Lets go of files and processes, as the end of the process does. */
  void letGo() {
    loop.close();
    sources.close();
  }

  private boolean canRead() {
    return !full && storeProblem.isEmpty();
  }

  /** Reads a little, and stores what is due; true: there is more to read at once. */
  boolean round() {
    takeChange();
    full = !outbox.hasRoom();
    boolean more = canRead() && loop.poll();
    long now = nanoTicker.getAsLong();
    boolean isDue = now - (fresh.isEmpty() ? positionsDue : hitsDue) >= 0;
    if (isDue || fresh.size() >= MAX_FRESH) {
      boolean ignored = store();
    }
    return more;
  }

  private Duration untilHitsAreDue() {
    return fresh.isEmpty()
        ? POSITIONS_INTERVAL
        : Duration.ofNanos(Math.max(0, hitsDue - nanoTicker.getAsLong()));
  }

  /** Stores what was read and found, and passes it on; false: it cannot be stored now. */
  private boolean store() {
    long began = nanoTicker.getAsLong();
    try {
      store.save(sources.open(), outbox.next(), fresh, outbox.firstKept());
      if (!storeProblem.isEmpty()) {
        storeProblem = "";
        logger.atInfo().log("the store works again");
      }
    } catch (BanLogException e) {
      if (storeProblem.isEmpty()) {
        logger
            .atError()
            .setCause(e)
            .log("hits and positions cannot be stored; nothing is read until they can");
      }
      storeProblem = String.valueOf(e.getMessage());
      positionsDue = began;
      hitsDue = began;
      return false;
    }
    if (!fresh.isEmpty()) {
      outbox.add(fresh);
      fresh = new ArrayList<>();
    }
    long now = nanoTicker.getAsLong();
    long took = now - began;
    hitsDue = now + took * HITS_SHARE;
    positionsDue = now + Math.max(POSITIONS_INTERVAL.toNanos(), took * POSITIONS_SHARE);
    return true;
  }

  /** Puts another configuration in force with the next round; sources that are the same read on. */
  public void reload(Config now) {
    change.set(now);
    loop.wakeUp();
  }

  private void takeChange() {
    Config now = change.getAndSet(null);
    if (now == null) {
      return;
    }
    // What was found has numbers of the rules before.
    rules = logRules(now);
    sources.replace(ofNode(now), rules);
    loop.replaceSources(sources.open());
  }

  /** As of now. */
  public Status status() {
    return new Status(sources.status(), storeProblem, full);
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
}
