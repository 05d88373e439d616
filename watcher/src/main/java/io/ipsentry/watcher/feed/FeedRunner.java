package io.ipsentry.watcher.feed;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.config.FeedConfig;
import io.ipsentry.feed.FeedAction;
import io.ipsentry.feed.FeedRecord;
import io.ipsentry.feed.FeedStore;
import io.ipsentry.feed.FeedStoreException;
import io.ipsentry.feed.InvalidFeedException;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.rule.Tags;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps all feeds of a configuration, each on a thread of its own; feeds that are configured no
 * more are withdrawn. One process at a time does so: who leads, or {@code run}. Safe for any
 * thread.
 */
public final class FeedRunner implements AutoCloseable {
  /** Lists that are fetched and read at once: each may take 64 MiB. */
  private static final int MAX_AT_ONCE = 2;

  /** Clocks that are set are noticed after so long. */
  private static final Duration LONGEST_WAIT = Duration.ofMinutes(1);

  private static final Duration RETRY_PAUSE = Duration.ofSeconds(10);
  private static final Duration MAX_CLOSE = Duration.ofSeconds(5);
  private static final Logger logger = LoggerFactory.getLogger(FeedRunner.class);

  private final FeedStore store;
  private final Consumer<Tags> tagged;
  private final Consumer<FeedRanges> protecting;
  private final BanWriter writer;
  private final Supplier<ProtectedPrefixes> protection;
  private final InstantSource clock;
  private final RandomGenerator random;
  private final String userAgent;
  private final FeedFetcher.Limits limits;
  private final Semaphore turns = new Semaphore(MAX_AT_ONCE);
  private final Thread starter;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** Held while others are told, so that what is told last is what holds. Before the other lock. */
  private final ReentrantLock telling = new ReentrantLock();

  // Guarded by the lock.
  private final Map<String, Running> running = new HashMap<>();
  private List<FeedConfig> wanted;
  private boolean isNew = true;
  private boolean closed;

  /** A feed and the thread that keeps it. */
  private record Running(FeedKeeper keeper, Thread thread) {}

  /**
   * What feeds are kept with.
   *
   * @param store contents, and what is known of them
   * @param tagged is shown what is tagged whenever that has changed
   * @param protecting is shown what feeds protect whenever that may have changed
   * @param writer of the log that names the contents
   * @param protection the never-ban set of the moment
   * @param random spreads fetches; safe for any thread
   * @param userAgent the program and its version, as servers are told
   */
  public record Environment(
      FeedStore store,
      Consumer<Tags> tagged,
      Consumer<FeedRanges> protecting,
      BanWriter writer,
      Supplier<ProtectedPrefixes> protection,
      InstantSource clock,
      RandomGenerator random,
      String userAgent) {}

  /** What a keeper works with. */
  record Parts(
      FeedStore store,
      BanWriter writer,
      Supplier<ProtectedPrefixes> protection,
      InstantSource clock,
      RandomGenerator random,
      String userAgent,
      FeedFetcher.Limits limits,
      Semaphore turns,
      Runnable changed) {}

  private FeedRunner(Environment with, List<FeedConfig> feeds, FeedFetcher.Limits limits) {
    store = with.store();
    tagged = with.tagged();
    protecting = with.protecting();
    writer = with.writer();
    protection = with.protection();
    clock = with.clock();
    random = with.random();
    userAgent = with.userAgent();
    this.limits = limits;
    wanted = List.copyOf(feeds);
    starter = Thread.ofVirtual().name("feeds").unstarted(this::work);
  }

  /**
   * What is kept of the feeds that protect, for who must not judge anybody before that holds.
   *
   * @throws FeedStoreException if nothing can be read
   */
  public static FeedRanges kept(FeedStore store, List<FeedConfig> feeds) {
    Map<String, PrefixSet> known = new HashMap<>();
    Set<String> unread = new HashSet<>(FeedRanges.unread(feeds).unread());
    if (unread.isEmpty()) {
      return FeedRanges.NONE;
    }
    for (FeedRecord record : store.records()) {
      boolean isKept = record.action() == FeedAction.PROTECT && record.entries() > 0;
      if (isKept && unread.contains(record.feed())) {
        try {
          known.put(record.feed(), store.get(record.feed(), record.digest()));
          unread.remove(record.feed());
        } catch (InvalidFeedException e) {
          logger
              .atWarn()
              .addKeyValue("feed", record.feed())
              .addKeyValue("cause", e.getMessage())
              .log("what is kept of a feed cannot be used; it is fetched again");
        }
      }
    }
    return new FeedRanges(known, unread);
  }

  /** Begins: puts in force what is kept, and fetches what is due. */
  public static FeedRunner start(Environment with, List<FeedConfig> feeds) {
    return start(with, feeds, FeedFetcher.Limits.DEFAULT);
  }

  static FeedRunner start(Environment with, List<FeedConfig> feeds, FeedFetcher.Limits limits) {
    FeedRunner runner = new FeedRunner(with, feeds, limits);
    runner.starter.start();
    return runner;
  }

  /** Goes by other feeds; those that are configured as before go on. */
  public void reload(List<FeedConfig> feeds) {
    lock.lock();
    try {
      wanted = List.copyOf(feeds);
      isNew = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** How each feed is, in the order of the configuration. */
  public List<FeedStatus> status() {
    lock.lock();
    try {
      return wanted.stream()
          .map(feed -> running.get(feed.name()))
          .filter(found -> found != null)
          .map(found -> found.keeper().status())
          .toList();
    } finally {
      lock.unlock();
    }
  }

  /** Ends all fetches. What is in force stays. */
  @Override
  public void close() {
    List<Thread> threads = new ArrayList<>(List.of(starter));
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
      running.values().forEach(each -> threads.add(each.thread()));
    } finally {
      lock.unlock();
    }
    threads.forEach(Thread::interrupt);
    threads.forEach(FeedRunner::await);
  }

  private static void await(Thread thread) {
    try {
      if (!thread.join(MAX_CLOSE)) {
        logger.atWarn().addKeyValue("thread", thread.getName()).log("a feed does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- the thread that starts and ends the others

  private void work() {
    try {
      while (true) {
        List<FeedConfig> feeds = take();
        if (!settle(feeds)) {
          pause(RETRY_PAUSE);
          again();
        }
      }
    } catch (InterruptedException e) {
      // Closed.
      Thread.currentThread().interrupt();
    }
  }

  private List<FeedConfig> take() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!isNew) {
        changed.await();
      }
      isNew = false;
      return wanted;
    } finally {
      lock.unlock();
    }
  }

  private void again() {
    lock.lock();
    try {
      isNew = true;
    } finally {
      lock.unlock();
    }
  }

  private void pause(Duration pause) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = pause.toNanos();
      while (!isNew && left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whether all is as configured. */
  private boolean settle(List<FeedConfig> feeds) throws InterruptedException {
    Map<String, FeedRecord> records = new HashMap<>();
    try {
      store.records().forEach(record -> records.put(record.feed(), record));
      endAllBut(feeds);
      for (FeedRecord record : records.values()) {
        if (feeds.stream().noneMatch(feed -> feed.name().equals(record.feed()))) {
          forget(record);
        }
      }
    } catch (FeedStoreException e) {
      logger
          .atWarn()
          .addKeyValue("cause", e.getMessage())
          .log("what is kept of feeds cannot be used; it is tried again");
      return false;
    }
    for (FeedConfig feed : feeds) {
      begin(feed, records);
    }
    tell();
    return true;
  }

  private void endAllBut(List<FeedConfig> feeds) throws InterruptedException {
    List<Thread> ended = new ArrayList<>();
    lock.lock();
    try {
      running
          .values()
          .removeIf(each -> {
            boolean ends = !feeds.contains(each.keeper().config());
            if (ends) {
              ended.add(each.thread());
            }
            return ends;
          });
    } finally {
      lock.unlock();
    }
    ended.forEach(Thread::interrupt);
    for (Thread thread : ended) {
      thread.join();
    }
  }

  private void forget(FeedRecord record) {
    if (record.action() == FeedAction.BAN) {
      new FeedAnnouncer(writer).withdraw(record.feed());
    }
    store.forget(record.feed());
    logger
        .atInfo()
        .addKeyValue("feed", record.feed())
        .log("a feed is configured no more and is withdrawn");
  }

  private void begin(FeedConfig feed, Map<String, FeedRecord> records) {
    lock.lock();
    try {
      if (closed || running.containsKey(feed.name())) {
        return;
      }
      FeedKeeper keeper =
          new FeedKeeper(
              feed,
              records.get(feed.name()),
              new Parts(
                  store, writer, protection, clock, random, userAgent, limits, turns, this::tell));
      Thread thread = Thread.ofVirtual().name("feed-" + feed.name()).unstarted(() -> keep(keeper));
      running.put(feed.name(), new Running(keeper, thread));
      thread.start();
    } finally {
      lock.unlock();
    }
  }

  // ---- the thread of a feed

  private void keep(FeedKeeper keeper) {
    try {
      while (!Thread.currentThread().isInterrupted() && !keeper.resume()) {
        Thread.sleep(RETRY_PAUSE);
      }
      while (!Thread.currentThread().isInterrupted()) {
        Duration wait = Duration.between(clock.instant(), keeper.dueAt());
        if (wait.isPositive()) {
          Thread.sleep(wait.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : wait);
        } else {
          step(keeper);
        }
      }
    } catch (InterruptedException e) {
      // Closed, or configured otherwise.
      Thread.currentThread().interrupt();
    }
  }

  private static void step(FeedKeeper keeper) throws InterruptedException {
    try {
      keeper.step();
    } catch (RuntimeException e) { // the feed must not cease to be kept unsaid
      keeper.broke(e);
    }
  }

  /** Shows what is tagged, and what is protected, now. */
  private void tell() {
    telling.lock();
    try {
      tellWhatHolds();
    } finally {
      telling.unlock();
    }
  }

  private void tellWhatHolds() {
    List<Tags.Tagged> all = new ArrayList<>();
    Map<String, PrefixSet> known = new HashMap<>();
    Set<String> unread = new HashSet<>();
    lock.lock();
    try {
      for (Running each : running.values()) {
        FeedConfig feed = each.keeper().config();
        PrefixSet prefixes = each.keeper().inForce();
        if (feed.action() == FeedAction.TAG) {
          all.add(new Tags.Tagged(prefixes, feed.factor()));
        } else if (feed.action() == FeedAction.PROTECT && prefixes.isEmpty()) {
          unread.add(feed.name());
        } else if (feed.action() == FeedAction.PROTECT) {
          known.put(feed.name(), prefixes);
        }
      }
    } finally {
      lock.unlock();
    }
    tagged.accept(Tags.of(all));
    protecting.accept(new FeedRanges(known, unread));
  }
}
