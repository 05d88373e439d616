package io.ipsentry.kubernetes.leader;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ClusterConnection;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes part in the election of the leader of a release, and begins and ends the leader's duties.
 *
 * <p>One thread keeps the Lease {@code R-watcher}, another begins and ends the duties, so that a
 * request that hangs does not keep them on: they are told to end when the renew deadline has
 * passed, whatever the API server does. Who lost the Lease is a standby and may lead again, any
 * number of times. Safe for any thread.
 */
public final class Leadership implements AutoCloseable {
  private static final Logger logger = LoggerFactory.getLogger(Leadership.class);

  private final Elector elector;
  private final String identity;
  private final LeaseTimes times;
  private final Duties duties;
  private final AutoCloseable connection;
  private final Thread keeper;
  private final Thread leading;
  private final Object signal = new Object();

  /** Duties are on, or being begun or ended. Guarded by signal. */
  private boolean busy;

  /** The Lease is to be given back once the duties have ended. Guarded by signal. */
  private boolean resigning;

  /** Guarded by signal. */
  private boolean closing;

  private volatile boolean keeping = true;
  private final AtomicLong terms = new AtomicLong();
  private volatile String problem = "";

  /** What only the leader does. Called by one thread, in turn. */
  public interface Duties {
    /**
     * Begins them; returns soon. What it throws makes this process give the Lease back, after
     * {@link #end}.
     */
    void begin();

    /** Ends them, begun or half begun, and returns when they have ended. */
    void end();
  }

  /**
   * @param connection closed with this
   */
  Leadership(
      Elector elector, String identity, LeaseTimes times, Duties duties, AutoCloseable connection) {
    this.elector = elector;
    this.identity = identity;
    this.times = times;
    this.duties = duties;
    this.connection = connection;
    keeper = Thread.ofVirtual().name("lease").unstarted(this::keep);
    leading = Thread.ofPlatform().name("leadership").unstarted(this::lead);
  }

  /**
   * One that takes part from {@link #start} on.
   *
   * @param release full name of the release
   * @param identity of this process, of no other and no earlier one
   * @param address where others reach this process while it leads; empty: nowhere
   */
  public static Leadership of(
      ClusterConnection connection,
      String release,
      String identity,
      Optional<String> address,
      LeaseTimes times,
      Duties duties,
      InstantSource clock) {
    // Two requests within the deadline: one may be lost.
    ClusterConnection apart = connection.apart(times.renewDeadline().dividedBy(2));
    Elector elector =
        new Elector(
            new ClusterLeases(apart.client(), release),
            identity,
            address,
            times,
            clock,
            System::nanoTime);
    return new Leadership(elector, identity, times, duties, apart);
  }

  /** Begins to take part; to be called once. */
  public Leadership start() {
    leading.start();
    keeper.start();
    return this;
  }

  // ---- what is known

  /** Who leads, as far as is known here; empty: nobody, or it is not known. */
  public Optional<Leader> leader() {
    return elector.leader();
  }

  /** Whether this process leads now. */
  public boolean leads() {
    return elector.leads();
  }

  /** Name of this process in the Lease. */
  public String identity() {
    return identity;
  }

  /** How often this process began to lead. */
  public long terms() {
    return terms.get();
  }

  /** Why the Lease cannot be read or written; empty: it can. */
  public String problem() {
    return problem;
  }

  // ---- the Lease

  private void keep() {
    while (keeping) {
      try {
        elector.attempt();
        giveBackIfAsked();
        recovered();
      } catch (ApiServerException e) {
        failed(e);
      }
      synchronized (signal) {
        signal.notifyAll();
      }
      rest();
    }
  }

  private void giveBackIfAsked() {
    synchronized (signal) {
      if (!resigning || busy) {
        return;
      }
      resigning = false;
    }
    // Before it is given back: should that fail, it runs out.
    elector.abstain(times.lease().plus(times.retry()));
    elector.release();
  }

  private void recovered() {
    if (!problem.isEmpty()) {
      logger.atInfo().addKeyValue("identity", identity).log("the Lease can be read and written");
      problem = "";
    }
  }

  private void failed(ApiServerException e) {
    String message = String.valueOf(e.getMessage());
    if (keeping && !message.equals(problem)) {
      problem = message;
      logger
          .atWarn()
          .addKeyValue("identity", identity)
          .addKeyValue("cause", message)
          .log("the Lease cannot be kept; who leads does so until its deadline");
    }
  }

  /** With jitter, so that standbys do not all reach for a free Lease at once. */
  private void rest() {
    long retry = times.retry().toNanos();
    long length = retry * 3 / 4 + ThreadLocalRandom.current().nextLong(retry / 4 + 1);
    long end = System.nanoTime() + length;
    for (long left = length; keeping && left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
      // An interrupt would let every wait after it return at once.
      boolean ignored = Thread.interrupted();
    }
  }

  // ---- the duties

  private boolean isToLead() {
    return !closing && !resigning && elector.leads();
  }

  private void lead() {
    try {
      while (awaitLead()) {
        term();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether this process leads; false: it is being closed. */
  private boolean awaitLead() throws InterruptedException {
    synchronized (signal) {
      while (!closing && !isToLead()) {
        signal.wait(times.lease().toMillis());
      }
      busy = !closing;
      return busy;
    }
  }

  private void term() throws InterruptedException {
    terms.incrementAndGet();
    logger.atInfo().addKeyValue("identity", identity).log("this process leads");
    try {
      if (begin()) {
        synchronized (signal) {
          while (isToLead()) {
            signal.wait(Math.max(1, elector.leadsFor().toMillis()));
          }
        }
      }
    } finally {
      end();
      synchronized (signal) {
        busy = false;
        signal.notifyAll();
      }
    }
    LockSupport.unpark(keeper);
  }

  private boolean begin() {
    try {
      duties.begin();
      return true;
    } catch (RuntimeException e) { // whatever it is, another may do better
      logger
          .atError()
          .setCause(e)
          .addKeyValue("identity", identity)
          .log("the leader's duties cannot be begun; the Lease is given back");
      synchronized (signal) {
        resigning = true;
      }
      return false;
    }
  }

  private void end() {
    logger.atInfo().addKeyValue("identity", identity).log("this process leads no more");
    try {
      duties.end();
    } catch (RuntimeException e) { // the next term must be possible
      logger.atError().setCause(e).log("the leader's duties did not end in order");
    }
  }

  /**
   * Ends the duties and gives the Lease back, because they cannot be done here; this process takes
   * it again only if for the length of a Lease no other did. Does nothing while this process does
   * not lead. Returns at once.
   */
  public void resign(String reason) {
    synchronized (signal) {
      if (!busy || resigning) {
        return;
      }
      resigning = true;
      signal.notifyAll();
    }
    logger
        .atError()
        .addKeyValue("identity", identity)
        .addKeyValue("cause", reason)
        .log("the leader's duties cannot be done here; the Lease is given back");
  }

  /** Ends the duties, and gives the Lease back; a second call does nothing. */
  @Override
  public void close() {
    synchronized (signal) {
      if (closing) {
        return;
      }
      closing = true;
      signal.notifyAll();
    }
    join(leading);
    keeping = false;
    keeper.interrupt();
    join(keeper);
    try {
      elector.release();
    } catch (ApiServerException e) {
      logger.atWarn().setCause(e).log("the Lease could not be given back; it runs out by itself");
    }
    try {
      connection.close();
    } catch (Exception e) { // AutoCloseable allows any
      logger.atWarn().setCause(e).log("the connection of the Lease was not closed in order");
    }
  }

  private static void join(Thread thread) {
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
