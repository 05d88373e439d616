package io.ipsentry.kubernetes.follow;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.FollowedLog;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.kubernetes.log.KubernetesBanLog.Contact;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the bans of this process up to date with the log in ConfigMaps: what {@code LogFollower} is
 * for the log of another process.
 *
 * <ul>
 *   <li><b>Start.</b> A listing of one moment, the snapshot, the events behind it; then it is
 *       synced. Events that were applied are not kept.
 *   <li><b>API server away.</b> What is known holds, and {@link #age} grows: it is the time since
 *       the API server last told something that made this the whole log, be it only the bookmark of
 *       a watch, which comes about once a minute.
 *   <li><b>Left behind, replaced, set back, a shard missing.</b> The log is opened anew after 0.2 s
 *       to 10 s, until it can be read as a whole. Only then the old state gives way, at once: at no
 *       moment a ban is missing that both have. Other than an owner's log, one that was replaced is
 *       taken: somebody with the right to write ConfigMaps did that.
 * </ul>
 *
 * <p>Safe for any thread.
 */
public final class ClusterFollower implements FollowedLog {
  private static final Duration LOOK_INTERVAL = Duration.ofMillis(200);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
  private static final Duration MAX_CLOSE = Duration.ofSeconds(15);

  /** Events that are read at once at the start. */
  private static final int PIECE = 1_000;

  private static final Logger logger = LoggerFactory.getLogger(ClusterFollower.class);

  private final Parts parts;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final LongAdder connections = new LongAdder();
  private final LongAdder snapshots = new LongAdder();
  private final Thread thread;
  private volatile boolean synced;
  private volatile boolean connected;
  private volatile boolean closed;
  private volatile long currentAt;
  private volatile long ownerHead;
  private volatile String problem = "";

  // Of the thread alone.
  private int failures;

  /**
   * What it works with.
   *
   * @param log opens the log, such as {@link KubernetesBanLog#openToRead}; what it gives is closed
   *     here
   * @param state is filled; nobody else may write it
   * @param listener is told what changes
   * @param nanoTicker elapsed time, nanoseconds; that of {@link System#nanoTime}
   * @param random spreads attempts
   */
  public record Parts(
      Supplier<KubernetesBanLog> log,
      ActiveBans state,
      Listener listener,
      LongSupplier nanoTicker,
      RandomGenerator random) {}

  public ClusterFollower(Parts parts) {
    this.parts = parts;
    currentAt = parts.nanoTicker().getAsLong();
    thread = Thread.ofVirtual().name("cluster-follower").unstarted(this::work);
  }

  /** Begins to follow; to be called once. */
  public ClusterFollower start() {
    thread.start();
    return this;
  }

  @Override
  public ActiveBans bans() {
    return parts.state();
  }

  @Override
  public boolean isSynced() {
    return synced;
  }

  @Override
  public Duration age() {
    return Duration.ofNanos(parts.nanoTicker().getAsLong() - currentAt);
  }

  @Override
  public boolean isConnected() {
    return connected;
  }

  @Override
  public long ownerHead() {
    return ownerHead;
  }

  @Override
  public long connections() {
    return connections.sum();
  }

  @Override
  public long snapshots() {
    return snapshots.sum();
  }

  /** What keeps it from being synced; once it was, only {@link #age} tells of trouble. */
  @Override
  public String problem() {
    return synced ? "" : problem;
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      if (!thread.join(MAX_CLOSE)) {
        logger.atWarn().log("the follower of the ban log does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- the thread

  private void work() {
    try {
      while (!closed) {
        try {
          followOnce();
        } catch (BanLogException e) {
          failed(e);
        } catch (RuntimeException e) {
          // A defect must not end following without a word; what is known holds.
          logger.atError().setCause(e).log("a defect of ip-sentry: the ban log is opened anew");
          failures++;
        }
        connected = false;
        await(pause());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void failed(BanLogException e) {
    failures++;
    problem = e.isTransient() ? "" : String.valueOf(e.getMessage());
    logger
        .atWarn()
        .addKeyValue("cause", e.getMessage())
        .addKeyValue("attempt", failures)
        .addKeyValue("synced", synced)
        .log("the ban log cannot be read; what is known holds");
  }

  private Duration pause() {
    long longest = LONGEST_PAUSE.toMillis();
    long millis = Math.min(longest, FIRST_PAUSE.toMillis() << Math.min(failures, 10));
    return Duration.ofMillis((long) (millis * (0.5 + parts.random().nextDouble())));
  }

  /** Waits, at most so long; until it is closed. */
  private void await(Duration time) throws InterruptedException {
    lock.lock();
    try {
      long left = time.toNanos();
      while (!closed && left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Opens the log, takes its state, and follows until that goes on no longer. */
  private void followOnce() throws InterruptedException {
    try (KubernetesBanLog log = parts.log().get()) {
      connections.increment();
      ActiveBans whole = whole(log);
      if (closed) {
        return;
      }
      long head = whole.head();
      become(whole, log);
      Applying sink = new Applying();
      BanLog.Subscription subscription = log.follow(head + 1, sink);
      try {
        while (!closed && isGoingOn(log, sink)) {
          await(LOOK_INTERVAL);
        }
      } finally {
        subscription.close();
      }
    }
  }

  /** The state of all of the log, of when it was opened or later. */
  private ActiveBans whole(KubernetesBanLog log) {
    ActiveBans.Limits limits = parts.state().limits();
    Optional<ActiveBans> snapshot = log.snapshot(Instant.MAX, limits);
    ActiveBans whole = snapshot.orElseGet(() -> new ActiveBans(limits));
    // Not until there are no more: while others append, that may be never.
    long head = log.knownHead();
    while (whole.head() < head && !closed) {
      log.read(whole.head() + 1, PIECE).forEach(whole::apply);
      log.forgetUpTo(whole.head());
    }
    return whole;
  }

  private void become(ActiveBans whole, KubernetesBanLog log) {
    lock.lock();
    try {
      parts.state().become(whole);
      snapshots.increment();
      logger
          .atInfo()
          .addKeyValue("head", parts.state().head())
          .addKeyValue("log", log.id())
          .log("the state of the ban log was taken");
      parts.listener().replaced(parts.state());
      current(log.contact());
      synced = true;
      problem = "";
      failures = 0;
    } finally {
      lock.unlock();
    }
  }

  /** Looks how far the log and the state are; false: it has to be opened anew. */
  private boolean isGoingOn(KubernetesBanLog log, Applying sink) {
    Contact contact = log.contact();
    lock.lock();
    try {
      current(contact);
    } finally {
      lock.unlock();
    }
    log.forgetUpTo(parts.state().head());
    RuntimeException failure = sink.failure == null ? contact.failure().orElse(null) : sink.failure;
    if (failure != null) {
      failures++;
      logger
          .atWarn()
          .addKeyValue("cause", failure.getMessage())
          .log("the ban log does not go on where it was; it is read anew");
    }
    return failure == null;
  }

  private void current(Contact contact) {
    connected = contact.following();
    ownerHead = contact.head();
    if (parts.state().head() >= contact.head() && contact.confirmedNanos() - currentAt > 0) {
      currentAt = contact.confirmedNanos();
    }
  }

  /** Takes the events behind the state. */
  private final class Applying implements BanLog.Sink {
    volatile @Nullable RuntimeException failure;

    @Override
    public void events(List<SequencedEvent> events) {
      lock.lock();
      try {
        for (SequencedEvent event : events) {
          parts.state().apply(event);
          parts.listener().applied(event);
        }
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void failed(RuntimeException cause) {
      failure = cause;
    }
  }
}
