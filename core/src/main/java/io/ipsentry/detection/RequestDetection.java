package io.ipsentry.detection;

import io.ipsentry.ban.ActiveBan;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.BanPolicy.Decision;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.rule.Floors;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleEngine;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.rule.Tags;
import io.ipsentry.rule.Verdict;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes hits of requests to bans, while the requests wait.
 *
 * <p>Inline rules have windows of their own, behind one lock that is held for the time of a hit. A
 * ban holds from the moment it is decided: it is {@linkplain #pending pending} until the state of
 * the log shows it. So of many requests of one address at the same time, exactly {@code threshold −
 * 1} are let through. A thread of its own appends what was decided, those bans together that came
 * meanwhile; requests never wait for it.
 *
 * <ul>
 *   <li>While the log is full or cannot be written, decided bans hold and are tried again every
 *       {@value #RETRY_MILLIS} ms, until they have ended, or somebody unbanned or allowed the
 *       address. At most {@value #MAX_PENDING} wait. Beyond it no more are decided: a hit that
 *       reaches its rule is refused, and the hits of its address are kept, but other requests of
 *       the address pass.
 *   <li>Bans beyond {@code maxNewBansPerMinute} are deferred: the request passes, and the ban is
 *       made when there is room.
 *   <li>What is to be said or counted of decisions is told to the observer by the thread that
 *       appends; at most {@value #MAX_UNTOLD} of those wait, then they are dropped.
 *   <li>Where another process owns the log ({@link #provisional}), bans are not appended: each hit
 *       is reported, and the bans hold here until the owner has decided ({@link #reconciled}), or
 *       they end.
 * </ul>
 *
 * <p>Safe for any thread.
 */
public final class RequestDetection implements HitReceiver, AutoCloseable {
  /** Bans that hold and are not in the log, at most. */
  public static final int MAX_PENDING = 100_000;

  /** Bans of shadow mode that are remembered, at most; then they start over empty. */
  static final int MAX_SHADOWS = 100_000;

  /** Decisions that wait to be told to the observer, at most. */
  static final int MAX_UNTOLD = 10_000;

  /** Pause between two attempts to append. */
  static final int RETRY_MILLIS = 100;

  private static final Logger logger = LoggerFactory.getLogger(RequestDetection.class);

  private static final Duration TICK = Duration.ofMillis(250);
  private static final Duration MAX_CLOSE = Duration.ofSeconds(5);

  /** Windows that are stored at once while hits wait. */
  private static final int PART = 256;

  private static final int FORM = 1;

  private final ReentrantLock lock = new ReentrantLock();
  private final RuleEngine engine;
  private final BanPolicy policy;
  private final ActiveBans state;
  private final DetectionObserver observer;
  private final InstantSource clock;
  private final LoggedHits loggedHits;
  private final BanDestination destination;
  private final PendingBans pending = new PendingBans();
  private volatile PendingBans shadows = new PendingBans();
  private final Floors floors = this::floorMillis;
  private final DecisionNews news;
  private final Thread worker;
  private volatile ProtectedPrefixes protection;
  private volatile boolean closed;
  private volatile Numbers numbers = new Numbers(0, 0, 0);

  /**
   * What it works with.
   *
   * @param rules inline rules of all policies
   * @param budgetBytes limit of memory for tracked addresses
   * @param ipv6CountBits IPv6 clients are counted by prefixes of this length
   * @param policy decides on bans; is shown every event of the log by somebody else
   * @param protection what is never banned
   * @param observer is told what it does
   * @param clock wall clock
   * @param nanoTicker elapsed time, nanoseconds
   * @param banLatency is told the nanoseconds from a decision to its ban being in the log
   */
  public record Parts(
      RuleSet rules,
      long budgetBytes,
      int ipv6CountBits,
      BanPolicy policy,
      ProtectedPrefixes protection,
      DetectionObserver observer,
      InstantSource clock,
      LongSupplier nanoTicker,
      LongConsumer banLatency) {}

  /** Takes hits of requests that were answered already. Never waits. Safe for any thread. */
  @FunctionalInterface
  public interface LoggedHits {
    /**
     * Takes a hit.
     *
     * @return false: there was no room, and the hit is lost
     */
    boolean logged(RuleSet rules, Hit hit);
  }

  /**
   * What is in memory.
   *
   * @param trackedAddresses windows: one for each rule and address with hits but no ban
   * @param trackedBytes memory they take
   * @param evictions windows dropped to stay within the limit
   */
  public record Numbers(int trackedAddresses, long trackedBytes, long evictions) {}

  /** Decides for good, and appends to the log. */
  public static RequestDetection appending(Parts parts, BanWriter writer, LoggedHits loggedHits) {
    return appending(parts, writer, loggedHits, MAX_PENDING);
  }

  static RequestDetection appending(
      Parts parts, BanWriter writer, LoggedHits loggedHits, int maxPending) {
    return new RequestDetection(
        parts,
        writer.state(),
        loggedHits,
        (pending, news) -> new AppendedBans(writer, pending, news, parts, maxPending));
  }

  /**
   * Decides until the owner of the windows has decided.
   *
   * @param state what this process knows of the log
   * @param reporter takes every hit to the owner
   */
  public static RequestDetection provisional(Parts parts, ActiveBans state, HitReporter reporter) {
    return new RequestDetection(
        parts,
        state,
        (rules, hit) -> reporter.report(rules, hit) > 0,
        (pending, news) ->
            new ProvisionalBans(state, reporter, pending, news, parts.clock(), MAX_PENDING));
  }

  private interface DestinationFactory {
    BanDestination make(PendingBans pending, DecisionNews news);
  }

  private RequestDetection(
      Parts parts, ActiveBans state, LoggedHits loggedHits, DestinationFactory destination) {
    this.state = state;
    this.policy = parts.policy();
    this.protection = parts.protection();
    this.observer = parts.observer();
    this.clock = parts.clock();
    this.loggedHits = loggedHits;
    this.engine = new RuleEngine(parts.rules(), parts.budgetBytes(), parts.ipv6CountBits());
    this.news = new DecisionNews(parts.observer(), MAX_UNTOLD);
    this.destination = destination.make(pending, news);
    observer.rules(engine.rules());
    this.worker = Thread.ofPlatform().name("request-bans").daemon().unstarted(this::work);
  }

  /** Goes by other tags, from the next hit on. */
  public void tag(Tags now) {
    engine.tag(now);
  }

  /** Begins to append; to be called once, after the state is restored. */
  public RequestDetection start() {
    worker.start();
    return this;
  }

  // ---- what requests call

  @Override
  public BanEvent.@Nullable Ban request(RuleSet rules, Hit hit) {
    BanEvent.Ban ban;
    lock.lock();
    try {
      long report = destination.report(rules, hit);
      Hit own = renumbered(rules, hit);
      ban = own == null ? null : count(own, report);
    } finally {
      lock.unlock();
    }
    if (ban != null || news.isWaiting()) {
      LockSupport.unpark(worker);
    }
    return ban;
  }

  /**
   * Counts a hit that another process found, of a request that was answered already.
   *
   * @return false: there is no such rule here
   */
  public boolean reported(ReportedHit reported) {
    BanEvent.Ban ban;
    lock.lock();
    try {
      Hit hit = reported.in(engine.rules());
      if (hit == null) {
        return false;
      }
      ban = count(hit, 0);
    } finally {
      lock.unlock();
    }
    if (ban != null) {
      LockSupport.unpark(worker);
    }
    return true;
  }

  /** The hit by the rules in force, which may be others than those of the asking thread. */
  private @Nullable Hit renumbered(RuleSet rules, Hit hit) {
    RuleSet own = engine.rules();
    int number = rules == own ? hit.rule() : own.number(rules.rules().get(hit.rule()).id());
    if (number == hit.rule()) {
      return hit;
    }
    return number < 0
        ? null
        : new Hit(
            number,
            hit.hi(),
            hit.lo(),
            hit.seenAs(),
            hit.eventTimeMillis(),
            hit.pattern(),
            hit.patternIdentity());
  }

  private BanEvent.@Nullable Ban count(Hit hit, long report) {
    Verdict verdict = engine.judge(hit, floors);
    observer.judged(hit, verdict);
    return switch (verdict) {
      case Verdict.Counted counted -> null;
      case Verdict.BelowFloor below -> inForce(hit);
      case Verdict.Reached reached -> decide(reached, clock.instant(), report);
    };
  }

  private BanEvent.@Nullable Ban inForce(Hit hit) {
    String scope = engine.rules().rules().get(hit.rule()).scope();
    long at = hit.eventTimeMillis();
    BanEvent.Ban ban = pending.find(hit.hi(), hit.lo(), at, scope);
    return ban != null
        ? ban
        : state.verdict(hit.hi(), hit.lo(), at, scope).map(ActiveBan::ban).orElse(null);
  }

  private BanEvent.@Nullable Ban decide(Verdict.Reached reached, Instant now, long report) {
    if (reached.rule().mode() == Rule.Mode.ENFORCE && !destination.hasRoom()) {
      news.noRoom(reached);
      return withoutRoom(reached, now);
    }
    Decision decision = policy.decide(reached, state, protection, now);
    news.decided(reached, decision);
    switch (decision) {
      case Decision.Ban ban -> {
        destination.decided(ban.event(), report);
        policy.observe(ban.event());
        engine.forget(reached);
        Instant until = ban.event().until();
        return until == null || until.isAfter(now) ? ban.event() : null;
      }
      case Decision.Shadow shadow -> {
        if (shadows.size() == MAX_SHADOWS) {
          shadows = new PendingBans();
        }
        shadows.put(shadow.event());
        engine.forget(reached);
      }
      case Decision.Refused refused -> engine.forget(reached);
      case Decision.Deferred deferred -> {
        // The hits stay: they make it a stronger candidate.
      }
    }
    return null;
  }

  /** What the one request is refused with; it is not kept. */
  private static BanEvent.Ban withoutRoom(Verdict.Reached reached, Instant now) {
    Duration length = reached.rule().ban().length();
    return new BanEvent.Ban(
        now,
        IpPrefix.address(reached.hit().hi(), reached.hit().lo()),
        length == null ? null : now.plus(length),
        reached.rule().id().plainName(),
        reached.hit().pattern(),
        reached.hits(),
        reached.hit().seenAs(),
        "",
        1,
        Instant.ofEpochMilli(reached.evidenceAtMillis()),
        reached.rule().scope());
  }

  private long floorMillis(Rule rule, long hi, long lo) {
    String scope = rule.scope();
    // Pending before the log: a ban moves from there to here.
    long floor = pending.floorMillis(hi, lo, scope);
    floor = Math.max(floor, state.floorMillis(hi, lo, scope));
    // A rule in shadow mode must not keep another from banning.
    return rule.mode() == Rule.Mode.ENFORCE
        ? floor
        : Math.max(floor, shadows.floorMillis(hi, lo, scope));
  }

  @Override
  public BanEvent.@Nullable Ban pending(long hi, long lo, long atMillis, @Nullable String scope) {
    return pending.find(hi, lo, atMillis, scope);
  }

  @Override
  public BanEvent.@Nullable Ban shadow(long hi, long lo, long atMillis, @Nullable String scope) {
    return shadows.find(hi, lo, atMillis, scope);
  }

  @Override
  public boolean logged(RuleSet rules, Hit hit) {
    return loggedHits.logged(rules, hit);
  }

  // ---- the thread that appends

  private void work() {
    while (!closed) {
      boolean done = tryRound();
      LockSupport.parkNanos(this, done ? TICK.toNanos() : RETRY_MILLIS * 1_000_000L);
    }
    tryRound();
  }

  private boolean tryRound() {
    try {
      return round();
    } catch (RuntimeException e) { // an observer's, say: bans must go on being appended
      logger.atError().setCause(e).log("a round of appending bans of requests failed");
      return false;
    }
  }

  /** One round of that thread; false: something is to be tried again soon. */
  boolean round() {
    release();
    boolean done = destination.work();
    news.tell();
    upkeep();
    return done;
  }

  /** Decides on candidates that waited for room under the limit of new bans. */
  private void release() {
    lock.lock();
    try {
      Instant now = clock.instant();
      for (Verdict.Reached waiting : policy.release(engine.rules(), now)) {
        Verdict.Reached reached = engine.current(waiting);
        if (reached != null && reached.evidenceAtMillis() > floorOf(reached)) {
          decide(reached, now, 0);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private long floorOf(Verdict.Reached reached) {
    return floorMillis(reached.rule(), reached.hit().hi(), reached.hit().lo());
  }

  private void upkeep() {
    lock.lock();
    try {
      engine.expire();
      numbers = new Numbers(engine.trackedAddresses(), engine.trackedBytes(), engine.evictions());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Calls back when what follows from all hits so far is in the log, or will never be.
   *
   * @param settled is told the number of the log's last event then; called by the thread that
   *     appends, must not wait
   */
  public void whenSettled(LongConsumer settled) {
    lock.lock();
    try {
      destination.whenSettled(settled);
    } finally {
      lock.unlock();
    }
    LockSupport.unpark(worker);
  }

  /**
   * The owner has counted the reported hits up to a number, and all that follows from them is in
   * the log up to a number. When the state here has come as far, the provisional bans of those hits
   * end: the log is the truth then.
   */
  public void reconciled(long lastHit, long logHead) {
    destination.reconciled(lastHit, logHead);
    LockSupport.unpark(worker);
  }

  // ---- changes while running

  /**
   * Judges by other rules from now on; rules that keep their names keep their hits. Hits wait while
   * windows of rules that are gone are dropped.
   */
  public void reload(RuleSet rules) {
    lock.lock();
    try {
      engine.reload(rules);
      observer.rules(rules);
    } finally {
      lock.unlock();
    }
  }

  /** Puts another never-ban set in force. */
  public void protect(ProtectedPrefixes now) {
    protection = now;
  }

  // ---- what it does

  /** Bans that hold and are not in the log. */
  public int pendingBans() {
    return pending.size();
  }

  /** As of at most a quarter of a second ago. */
  public Numbers numbers() {
    return numbers;
  }

  // ---- checkpoint

  /**
   * Writes the windows, and the bans that are not in the log yet, for {@link #readFrom}. Hits are
   * counted meanwhile: what is written of each address is of some moment during the call, and a ban
   * decided during the call is written, or in the log, or its hits are.
   *
   * @param out in memory: hits wait for parts of what is written to it
   */
  public void writeTo(DataOutput out) throws IOException {
    RuleSet head;
    out.writeByte(FORM);
    lock.lock();
    try {
      head = engine.rules();
      engine.writeHead(out);
    } finally {
      lock.unlock();
    }
    boolean more = true;
    for (int from = 0; more; from += PART) {
      lock.lock();
      try {
        more = from < engine.places();
        out.writeBoolean(more);
        if (more) {
          engine.writePart(out, head, from, Math.min(engine.places(), from + PART));
        }
      } finally {
        lock.unlock();
      }
    }
    destination.writeTo(out);
  }

  /**
   * Takes up what {@link #writeTo} wrote; hits of rules that are gone are left out, and bans are
   * appended unless the log tells of something newer.
   *
   * @throws IOException when the bytes are not of this form; part of them may be taken up
   */
  public void readFrom(DataInput in) throws IOException {
    int form = in.readByte();
    if (form != FORM) {
      throw new IOException(
          "windows of requests are stored in form " + form + ", but this version reads " + FORM);
    }
    lock.lock();
    try {
      int[] stored = engine.readHead(in);
      while (in.readBoolean()) {
        engine.readPart(in, stored);
      }
      destination.readFrom(in);
    } finally {
      lock.unlock();
    }
    LockSupport.unpark(worker);
  }

  /**
   * Tries once more to append what was decided, and ends the thread. Bans that are decided later
   * hold in memory, and reach neither the log nor a checkpoint: close the servers first.
   */
  @Override
  public void close() {
    closed = true;
    if (worker.getState() == Thread.State.NEW) {
      tryRound();
      return;
    }
    LockSupport.unpark(worker);
    try {
      worker.join(MAX_CLOSE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
