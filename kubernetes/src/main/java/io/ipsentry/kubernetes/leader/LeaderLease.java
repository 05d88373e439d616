package io.ipsentry.kubernetes.leader;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ClusterConnection;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells processes that do not take part in the election who leads.
 *
 * <p>Asks for the Lease now and then, and at once when somebody could not reach the leader: a watch
 * would bring every renewal to every process. While the API server is away, the last leader known
 * stays. Safe for any thread.
 */
public final class LeaderLease implements AutoCloseable {
  /** How often it is looked, with jitter. */
  public static final Duration INTERVAL = Duration.ofSeconds(5);

  /** However often somebody asks, there is so much time between two looks. */
  private static final Duration SHORTEST = Duration.ofMillis(500);

  private static final Logger logger = LoggerFactory.getLogger(LeaderLease.class);

  private final Leases leases;
  private final Duration interval;
  private final LongSupplier nanoTicker;
  private final List<Consumer<Optional<Leader>>> listeners = new CopyOnWriteArrayList<>();
  private final Thread thread;
  private volatile Optional<Leader> leader = Optional.empty();
  private volatile boolean hurry;
  private volatile boolean closed;
  private volatile String problem = "";
  private @Nullable LeaseRecord seen;
  private long seenSince;

  LeaderLease(Leases leases, Duration interval, LongSupplier nanoTicker) {
    this.leases = leases;
    this.interval = interval;
    this.nanoTicker = nanoTicker;
    thread = Thread.ofVirtual().name("leader-lease").unstarted(this::run);
  }

  /**
   * Begins to look.
   *
   * @param connection stays the caller's to close, after this
   * @param release full name of the release
   */
  public static LeaderLease start(ClusterConnection connection, String release) {
    LeaderLease lease =
        new LeaderLease(
            new ClusterLeases(connection.client(), release), INTERVAL, System::nanoTime);
    lease.thread.start();
    return lease;
  }

  /** Who leads, as far as is known; empty: nobody, or it is not known. */
  public Optional<Leader> leader() {
    return leader;
  }

  /** Why the Lease cannot be read; empty: it can. */
  public String problem() {
    return problem;
  }

  /** Looks soon: the leader that is known does not answer, or says that it does not lead. */
  public void lookSoon() {
    hurry = true;
    LockSupport.unpark(thread);
  }

  /**
   * Tells of every change of the leader, on a thread of its own, from now on.
   *
   * @param listener must return soon
   */
  public void whenChanged(Consumer<Optional<Leader>> listener) {
    listeners.add(listener);
  }

  private void run() {
    while (!closed) {
      hurry = false;
      try {
        look();
        problem = "";
      } catch (ApiServerException e) {
        String message = String.valueOf(e.getMessage());
        if (!closed && !message.equals(problem)) {
          problem = message;
          logger
              .atWarn()
              .addKeyValue("cause", message)
              .log("who leads cannot be found out; the last leader known stays");
        }
      }
      rest();
    }
  }

  /** Looks once. */
  void look() {
    Optional<LeaseRecord> found = leases.get();
    LeaseRecord before = seen;
    long now = nanoTicker.getAsLong();
    if (found.isEmpty() || found.get().holder().isEmpty()) {
      seen = null;
      become(Optional.empty());
      return;
    }
    LeaseRecord lease = found.get();
    if (before == null || !before.version().equals(lease.version())) {
      seen = lease;
      seenSince = now;
    }
    boolean lapsed = lease.length().isPositive() && now - seenSince > lease.length().toNanos();
    become(
        lapsed
            ? Optional.empty()
            : Optional.of(new Leader(lease.holder(), lease.address(), false)));
  }

  private void become(Optional<Leader> now) {
    if (!now.equals(leader)) {
      leader = now;
      logger
          .atInfo()
          .addKeyValue("leader", now.map(Leader::identity).orElse("none"))
          .addKeyValue("address", now.flatMap(Leader::address).orElse(""))
          .log("the leader is another");
      listeners.forEach(listener -> listener.accept(now));
    }
  }

  private void rest() {
    long full = interval.toNanos();
    long begun = System.nanoTime();
    long length = full / 2 + ThreadLocalRandom.current().nextLong(full);
    while (!closed) {
      long passed = System.nanoTime() - begun;
      long left = (hurry ? Math.min(length, SHORTEST.toNanos()) : length) - passed;
      if (left <= 0) {
        return;
      }
      LockSupport.parkNanos(left);
      // An interrupt would let every wait after it return at once.
      boolean ignored = Thread.interrupted();
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
