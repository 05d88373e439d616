package io.ipsentry.kubernetes.feed;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.FeedPrefixes;
import io.ipsentry.feed.FeedStoreException;
import io.ipsentry.feed.InvalidFeedException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.net.PrefixSet;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads the feeds that the log announces. A feed keeps its prefixes until those that were announced
 * in their place are loaded and whole; one that cannot be loaded is tried again after 1 s to a
 * minute. One that is gone from the log is dropped at once.
 *
 * <p>A new content is loaded after a while of its own, so that the followers of a cluster do not
 * all ask at once; at the start, at once. Safe for any thread.
 */
public final class FeedFollower implements AutoCloseable {
  /** Followers ask for a new content over this time. */
  public static final Duration SPREAD = Duration.ofSeconds(5);

  /** A feed that cannot be loaded at the start holds the rest up for no longer. */
  private static final Duration UNSETTLED = Duration.ofSeconds(10);

  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);
  private static final Duration MAX_CLOSE = Duration.ofSeconds(15);

  private static final Logger logger = LoggerFactory.getLogger(FeedFollower.class);

  private final Parts parts;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition told = lock.newCondition();
  private final Thread thread;
  private volatile FeedPrefixes feeds = FeedPrefixes.NONE;
  private volatile Map<String, String> problems = Map.of();
  private volatile boolean settled;

  // Guarded by the lock.
  private Map<String, FeedState> announced = Map.of();
  private boolean isNews;
  private boolean closed;

  // Of the thread alone.
  private final Map<String, FeedPrefixes.Feed> loaded = new HashMap<>();
  private int failures;
  private long unsettledSince;

  /** Where the prefixes of a feed come from. */
  @FunctionalInterface
  public interface Source {
    /** As {@link FeedBlobs#get}. */
    PrefixSet get(String feed, String digest);
  }

  /**
   * What it works with.
   *
   * @param changed is shown the prefixes whenever they have changed, by a thread of its own
   * @param spread new contents are loaded up to so much later
   * @param nanoTicker elapsed time, nanoseconds
   * @param random spreads attempts
   */
  public record Parts(
      Source source,
      Consumer<FeedPrefixes> changed,
      Duration spread,
      LongSupplier nanoTicker,
      RandomGenerator random) {}

  public FeedFollower(Parts parts) {
    this.parts = parts;
    thread = Thread.ofVirtual().name("feed-follower").unstarted(this::work);
  }

  /** Begins; to be called once. */
  public FeedFollower start() {
    thread.start();
    return this;
  }

  /** An event was applied to the bans; looks at feeds only. */
  public void applied(BanEvent event, ActiveBans state) {
    if (event instanceof BanEvent.Feed) {
      replaced(state);
    }
  }

  /** The bans have become others as a whole. */
  public void replaced(ActiveBans state) {
    lock.lock();
    try {
      announced = new TreeMap<>(state.feeds());
      isNews = true;
      told.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** What is loaded. */
  public FeedPrefixes feeds() {
    return feeds;
  }

  /**
   * Whether the feeds that the log announced were loaded once, or could not be for a while: what
   * would be undone without them may be looked at.
   */
  public boolean isSettled() {
    return settled;
  }

  /** Feeds that are not as the log says, and why, for people. */
  public Map<String, String> problems() {
    return problems;
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      told.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      if (!thread.join(MAX_CLOSE)) {
        logger.atWarn().log("the follower of feeds does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- the thread

  private void work() {
    try {
      awaitNews(Long.MAX_VALUE);
      unsettledSince = parts.nanoTicker().getAsLong();
      while (!isClosed()) {
        load(take());
        settled |= problems.isEmpty() || unsettledFor().compareTo(UNSETTLED) >= 0;
        if (problems.isEmpty()) {
          failures = 0;
          awaitNews(Long.MAX_VALUE);
          pause((long) (parts.spread().toNanos() * parts.random().nextDouble()));
        } else {
          awaitNews(pauseNanos());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Duration unsettledFor() {
    return Duration.ofNanos(parts.nanoTicker().getAsLong() - unsettledSince);
  }

  private long pauseNanos() {
    long millis =
        Math.min(LONGEST_PAUSE.toMillis(), FIRST_PAUSE.toMillis() << Math.min(failures, 10));
    failures++;
    return (long) (millis * 1e6 * (0.5 + parts.random().nextDouble()));
  }

  private boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  private void awaitNews(long nanos) throws InterruptedException {
    lock.lock();
    try {
      long left = nanos;
      while (!isNews && !closed && left > 0) {
        left = told.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  private void pause(long nanos) throws InterruptedException {
    lock.lock();
    try {
      long left = nanos;
      while (!closed && left > 0) {
        left = told.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  private List<FeedState> take() {
    lock.lock();
    try {
      isNews = false;
      return List.copyOf(announced.values());
    } finally {
      lock.unlock();
    }
  }

  private void load(List<FeedState> wanted) {
    Map<String, String> troubles = new TreeMap<>();
    Map<String, FeedPrefixes.Feed> before = new HashMap<>(loaded);
    loaded
        .keySet()
        .removeIf(name ->
            wanted.stream()
                .noneMatch(it -> it.feed().feed().equals(name) && it.feed().entries() > 0));
    for (FeedState state : wanted) {
      BanEvent.Feed feed = state.feed();
      FeedPrefixes.Feed known = loaded.get(feed.feed());
      if (feed.entries() > 0 && (known == null || !known.digest().equals(feed.digest()))) {
        load(state, troubles);
      }
    }
    problems = Map.copyOf(troubles);
    if (!loaded.equals(before)) {
      feeds = FeedPrefixes.of(loaded.values());
      parts.changed().accept(feeds);
    }
  }

  private void load(FeedState state, Map<String, String> troubles) {
    BanEvent.Feed feed = state.feed();
    try {
      PrefixSet prefixes = parts.source().get(feed.feed(), feed.digest());
      loaded.put(
          feed.feed(), new FeedPrefixes.Feed(feed.feed(), feed.digest(), state.seq(), prefixes));
      logger
          .atInfo()
          .addKeyValue("feed", feed.feed())
          .addKeyValue("entries", prefixes.size())
          .addKeyValue("seq", state.seq())
          .log("a feed was loaded");
    } catch (ApiServerException | FeedStoreException | InvalidFeedException e) {
      troubles.put(feed.feed(), String.valueOf(e.getMessage()));
      logger
          .atWarn()
          .addKeyValue("feed", feed.feed())
          .addKeyValue("cause", e.getMessage())
          .log("a feed cannot be loaded; what is known of it holds");
    }
  }
}
