package io.ipsentry.authz.hits;

import io.grpc.Channel;
import io.grpc.Status;
import io.ipsentry.authz.follow.Backoff;
import io.ipsentry.detection.HitOutbox;
import io.ipsentry.detection.HitReporter;
import io.ipsentry.detection.ReportedHit;
import io.ipsentry.proto.v1.HitServiceGrpc;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports hits to the process that owns the windows, each once: over lost connections, repeated
 * messages and restarts of the owner.
 *
 * <p>At most a given number of hits is kept until the owner has stored them; beyond it new ones are
 * lost and counted, which is said in the log, or their finder reads no further ({@link HitOutbox}).
 * A lost connection is made again after 100 ms to 2 s. Safe for any thread; reporting never waits.
 */
public final class HitReportClient implements HitReporter, HitOutbox, AutoCloseable {
  /** Hits that are kept at most, when nobody says otherwise: about 20 MB. */
  public static final int DEFAULT_CAPACITY = 100_000;

  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);
  private static final Duration QUIET = Duration.ofMinutes(1);
  private static final Duration MAX_CLOSE = Duration.ofSeconds(5);

  private static final Logger logger = LoggerFactory.getLogger(HitReportClient.class);

  private final Parts parts;
  private final ReportQueue queue;
  private final Backoff backoff;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final LongAdder connections = new LongAdder();
  private final LongAdder sent = new LongAdder();
  private final LongAdder sentBytes = new LongAdder();
  private final AtomicReference<Progress> progress = new AtomicReference<>(new Progress(0, 0, 0));
  private final Thread sender;
  private volatile boolean connected;
  private volatile String problem = "";
  private volatile boolean closed;
  private long quietUntil;

  /** Is told how far the owner has come; called by a thread of the connection, must not wait. */
  @FunctionalInterface
  public interface Reconciler {
    /**
     * @param lastHit what follows from the hits up to this number is in the log …
     * @param logHead … up to this event
     */
    void reconciled(long lastHit, long logHead);
  }

  /**
   * What it works with.
   *
   * @param channel leads to the owner
   * @param connectNow lets the channel connect again at once
   * @param reporter unique for this start of this process, or for what it remembers of its hits
   * @param capacity hits that are kept, at most
   * @param random spreads attempts to connect
   */
  public record Parts(
      Channel channel,
      Runnable connectNow,
      String reporter,
      int capacity,
      RandomGenerator random,
      Reconciler reconciler) {}

  /**
   * Hits that were kept over a restart.
   *
   * @param first number of the first of them, or of the next
   */
  public record Kept(long first, List<ReportedHit> hits) {
    static final Kept NOTHING = new Kept(1, List.of());

    public Kept {
      hits = List.copyOf(hits);
    }
  }

  /**
   * What it did.
   *
   * @param connected whether the owner answers
   * @param queued hits that are kept
   * @param waiting hits among them that the owner has not counted
   * @param oldestWaitingMillis event time of the first of these, epoch milliseconds; empty: none
   * @param reported hits that were taken
   * @param sent hits that were sent, repeated ones too
   * @param sentBytes bytes of the messages they were sent in
   * @param counted hits that the owner has counted
   * @param decided hits of which everything is in the log
   * @param lost hits for which there was no room
   * @param connections times it connected
   * @param problem why the owner does not answer; empty: it does, or was not asked yet
   */
  public record Statistics(
      boolean connected,
      long queued,
      long waiting,
      OptionalLong oldestWaitingMillis,
      long reported,
      long sent,
      long sentBytes,
      long counted,
      long decided,
      long lost,
      long connections,
      String problem) {}

  private record Progress(long counted, long decided, long head) {}

  public HitReportClient(Parts parts) {
    this(parts, Kept.NOTHING);
  }

  /** One that goes on where another of the same name was. */
  public HitReportClient(Parts parts, Kept kept) {
    this.parts = parts;
    queue = new ReportQueue(parts.capacity(), this::wake, kept.first(), kept.hits());
    backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, parts.random());
    sender = Thread.ofVirtual().name("hit-reporter").unstarted(this::work);
  }

  /** Begins to connect; to be called once. */
  public HitReportClient start() {
    sender.start();
    return this;
  }

  @Override
  public long report(RuleSet rules, Hit hit) {
    return queue.report(rules, hit);
  }

  @Override
  public long next() {
    return queue.next();
  }

  @Override
  public void add(List<ReportedHit> hits) {
    queue.add(hits);
  }

  @Override
  public boolean hasRoom() {
    return queue.hasRoom();
  }

  @Override
  public long firstKept() {
    return queue.firstKept();
  }

  /** As of now. */
  public Statistics statistics() {
    return new Statistics(
        connected,
        queue.size(),
        queue.waiting(),
        queue.oldestWaitingMillis(),
        queue.last(),
        sent.sum(),
        sentBytes.sum(),
        progress.get().counted(),
        progress.get().decided(),
        queue.lost(),
        connections.sum(),
        problem);
  }

  /** Waits until the owner has decided on every hit so far; false: not in that time. */
  public boolean awaitDecided(Duration time) throws InterruptedException {
    long last = queue.last();
    long left = time.toNanos();
    lock.lock();
    try {
      while (progress.get().decided() < last && left > 0) {
        left = changed.awaitNanos(left);
      }
      return progress.get().decided() >= last;
    } finally {
      lock.unlock();
    }
  }

  /** Ends the connection; what was not sent is lost. */
  @Override
  public void close() {
    closed = true;
    wake();
    try {
      sender.join(MAX_CLOSE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- the thread that sends

  private void work() {
    try {
      while (!closed) {
        session();
        if (!closed) {
          pause(backoff.next());
          parts.connectNow().run();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** One connection, from hello to its end. */
  private void session() throws InterruptedException {
    ReportSession session = new ReportSession(this::wake, this::told);
    try {
      HitServiceGrpc.newStub(parts.channel()).report(session);
      session.hello(parts.reporter());
      long next = welcomed(session);
      while (next > 0 && session.end() == null && !closed) {
        next = sendFrom(session, next);
      }
    } catch (RuntimeException e) {
      // A call that cannot be begun or goes on is over; which of the two, its status says.
      session.fail(e);
    } finally {
      connected = false;
      session.cancel();
    }
    Status end = session.end();
    if (end != null && !closed) {
      problem = why(end);
      sayLost(end);
    }
  }

  /** Number of the first hit to send; 0: the owner did not answer. */
  private long welcomed(ReportSession session) throws InterruptedException {
    lock.lock();
    try {
      long left = ReportSession.WELCOME.toNanos();
      while (session.welcome() < 0 && session.end() == null && !closed && left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
    if (session.welcome() < 0) {
      return 0;
    }
    if (queue.behind(session.welcome())) {
      logger
          .atError()
          .addKeyValue("counted", session.welcome())
          .log("the owner has counted hits that are not known here: what was stored is older");
    }
    connected = true;
    problem = "";
    connections.increment();
    backoff.succeeded();
    quietUntil = 0;
    logger.atInfo().addKeyValue("queued", queue.size()).log("hits are reported to the owner");
    return session.welcome() + 1;
  }

  /** Sends what there is, or waits for it; returns the number to go on with. */
  private long sendFrom(ReportSession session, long next) throws InterruptedException {
    lock.lock();
    try {
      while (!(session.isReady() && queue.reaches(next)) && session.end() == null && !closed) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
    if (session.end() != null || closed) {
      return next;
    }
    ReportQueue.Part part = queue.from(next, HitServiceEndpoint.MAX_HITS);
    if (part.hits().isEmpty()) {
      return next;
    }
    ReportSession.Sent message = session.send(part);
    sent.add(message.hits());
    sentBytes.add(message.bytes());
    return part.first() + message.hits();
  }

  private void told(long counted, long decided, long head, long stored) {
    queue.progress(counted, stored);
    progress.set(new Progress(counted, decided, head));
    if (decided > 0) {
      parts.reconciler().reconciled(decided, head);
    }
    wake();
  }

  private static String why(Status end) {
    String description = end.getDescription();
    return description == null ? end.getCode().toString() : description;
  }

  private void sayLost(Status end) {
    long now = System.nanoTime();
    if (quietUntil == 0 || now - quietUntil >= 0) {
      quietUntil = now + QUIET.toNanos();
      logger
          .atWarn()
          .addKeyValue("status", end.getCode())
          .addKeyValue("description", end.getDescription())
          .addKeyValue("queued", queue.size())
          .addKeyValue("lost", queue.lost())
          .log("the owner of the windows cannot be reached; hits are kept and sent later");
    }
  }

  private void pause(Duration time) throws InterruptedException {
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

  private void wake() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
