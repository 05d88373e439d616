package io.ipsentry.enforcer.sync;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.enforcer.desired.DesiredSet;
import io.ipsentry.enforcer.desired.KnownElements;
import io.ipsentry.enforcer.kernel.ForwardedForFilter;
import io.ipsentry.enforcer.kernel.PacketFilter;
import io.ipsentry.enforcer.kernel.PacketFilterException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the kernel as the bans want it: what an event changes at once, and everything each {@code
 * interval}, when the kernel is read back and repaired.
 *
 * <p>Nothing is touched before the bans are known; then what is in the kernel already is adopted.
 * While the kernel refuses, what it has stays, and it is tried again after 100 ms to 10 s, with a
 * read-back. Ends are compared with 2 s of tolerance, since kernels count in seconds. Where the
 * kernel lets no element stay longer than a limit, one that ends later is put again when half of
 * that is over.
 *
 * <p>One thread of its own works; all methods are safe for any thread and never wait for the
 * kernel, but for {@link #close}.
 */
public final class EnforcementLoop implements AutoCloseable {
  private static final long TOLERANCE_MILLIS = 2_000;
  private static final Duration LOOK_INTERVAL = Duration.ofMillis(20);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
  private static final int LEAST_ROOM = 4_096;
  private static final int MAX_LOGGED = 16;
  private static final int REHEARSALS = 3;

  /** The address of no host, which is always protected (RFC 1122, 3.2.1.3). */
  private static final IpPrefix NOBODY = IpPrefix.parse("0.0.0.1");

  private static final Logger logger = LoggerFactory.getLogger(EnforcementLoop.class);

  private final Parts parts;
  private final PendingEvents pending = new PendingEvents();
  private final SyncRecord record = new SyncRecord();
  private final DesiredSet desired;
  private final AtomicReference<EnforcerConfig> config;
  private final Thread thread;

  private volatile long enforcedHead;
  private volatile long enforcingSince = Long.MAX_VALUE;

  // Of the thread alone.
  private KnownElements known;
  private @Nullable NodeKernel kernel;
  private @Nullable NodeKernel tidied;
  private @Nullable EnforcerConfig opened;
  private int room;
  private long head;
  private long readBackDue;
  private boolean mustReadBack = true;
  private boolean isRehearsed;
  private Duration pause = Duration.ZERO;

  /**
   * What it works with.
   *
   * @param bans who is banned; written by others, who tell each event behind it ({@link #event})
   * @param areKnown whether the whole log was read once
   * @param protectedPrefixes what must never be in the kernel
   * @param feeds prefixes that are banned without an event each
   * @param kernel opens the kernel as a configuration says
   * @param clock wall time
   * @param nanoTicker elapsed time, nanoseconds
   * @param delay is shown how long an event took until it was in the kernel, nanoseconds
   */
  public record Parts(
      ActiveBans bans,
      BooleanSupplier areKnown,
      Supplier<PrefixSet> protectedPrefixes,
      Supplier<PrefixSet> feeds,
      Function<EnforcerConfig, NodeKernel> kernel,
      InstantSource clock,
      LongSupplier nanoTicker,
      LongConsumer delay) {}

  public EnforcementLoop(EnforcerConfig config, Parts parts) {
    this.parts = parts;
    this.config = new AtomicReference<>(config);
    desired = new DesiredSet(parts.bans());
    known = new KnownElements(desired);
    thread = Thread.ofPlatform().name("enforcer").daemon().unstarted(this::work);
  }

  /** Begins; to be called once. */
  public EnforcementLoop start() {
    thread.start();
    return this;
  }

  // ---- what others tell

  /** An event was taken into the bans; to be called in the order of the events. */
  public void event(BanEvent event) {
    pending.event(event, parts.bans().head(), parts.nanoTicker().getAsLong());
  }

  /** The bans have become others without an event for each. */
  public void replaced() {
    pending.everything(parts.bans().head(), parts.nanoTicker().getAsLong());
  }

  /** Protected prefixes or feeds may have changed. */
  public void sparedChanged() {
    pending.spared(parts.nanoTicker().getAsLong());
  }

  /**
   * Goes by another configuration: rules are exchanged while the sets stay. The name, the backend,
   * the hook and whose programs are used stay as they were until a restart.
   */
  public void reload(EnforcerConfig now) {
    EnforcerConfig before = config.get();
    config.set(
        new EnforcerConfig(
            before.name(),
            before.backend(),
            before.hook(),
            now.ports(),
            // In its old hook the kernel may not be able to answer, which the new one could.
            now.hook() == before.hook() ? now.verdict() : before.verdict(),
            now.forwardedForPorts(),
            now.interval(),
            now.onExit(),
            before.hostBinaries()));
    pending.everything(0, parts.nanoTicker().getAsLong());
  }

  /** As of now. */
  public EnforcerStatus status() {
    long since = pending.since();
    Duration lag =
        since == 0 ? Duration.ZERO : Duration.ofNanos(parts.nanoTicker().getAsLong() - since);
    return record.status(pending.size(), lag);
  }

  /** Number of the last event that is in the kernel. */
  public long enforcedHead() {
    return enforcedHead;
  }

  /**
   * Since when the kernel takes the bans without a failure, milliseconds since 1970; {@link
   * Long#MAX_VALUE}: it does not.
   */
  public long enforcingSinceMillis() {
    return enforcingSince;
  }

  /** Ends, and leaves the kernel as {@code onExit} says. */
  @Override
  public void close() {
    pending.close();
    try {
      thread.join(PacketFilter.TIMEOUT.plusSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- the thread

  private void work() {
    try {
      while (!parts.areKnown().getAsBoolean()) {
        if (pending.awaitClosed(LOOK_INTERVAL.toNanos())) {
          return;
        }
        // What comes before is part of everything.
        pending.await(0);
      }
      record.known();
      // Events up to here are in the bans, whether they were told already or not.
      replaced();
      while (true) {
        if (!pause.isZero() && pending.awaitClosed(pause.toNanos())) {
          break;
        }
        PendingEvents.News news = pending.await(untilReadBack());
        if (news.closed()) {
          break;
        }
        round(news);
        rehearseOnce();
      }
      exit();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private long untilReadBack() {
    if (mustReadBack) {
      return 0;
    }
    long left = readBackDue - parts.nanoTicker().getAsLong();
    long allowEnd = desired.nextAllowEnd();
    if (allowEnd == DesiredSet.FOR_EVER) {
      return left;
    }
    long allowLeft = Math.max(0, allowEnd - parts.clock().millis());
    return Math.min(left, Duration.ofMillis(allowLeft).toNanos());
  }

  private void round(PendingEvents.News news) {
    try {
      head = news.head();
      if (news.everything() || mustReadBack || isReadBackDue()) {
        readBack();
      } else {
        apply(news);
      }
      enforcing();
      if (!pause.isZero()) {
        logger.atInfo().log("the kernel enforces the bans again");
      }
      pause = Duration.ZERO;
      if (news.since() != 0) {
        parts.delay().accept(parts.nanoTicker().getAsLong() - news.since());
      }
      makeReady();
    } catch (PacketFilterException e) {
      failed(e);
    } catch (RuntimeException e) {
      // A defect must not end enforcement without a word; the next read-back may get past it.
      logger.atError().setCause(e).log("a defect of ip-sentry");
      failed(
          new PacketFilterException(
              PacketFilterException.Cause.OTHER, "a defect of ip-sentry, see its log: " + e));
    }
  }

  /**
   * Goes the way of a ban with what is no ban, as soon as the kernel was read, so that the first
   * ban finds the code loaded: else it takes some 15 ms more.
   */
  private void rehearseOnce() throws InterruptedException {
    if (isRehearsed || !record.hasRead()) {
      return;
    }
    isRehearsed = true;
    Instant now = parts.clock().instant();
    PendingEvents events = new PendingEvents();
    for (int i = 0; i < REHEARSALS; i++) {
      events.event(new BanEvent.Unban(now, NOBODY, "", ""), head, 0);
      round(events.await(0).rehearsed());
    }
    ChangeBatch nothing = new ChangeBatch();
    nothing.put(NOBODY, now.toEpochMilli());
    try {
      apply(filter(), nothing);
      makeReady();
    } catch (PacketFilterException e) {
      failed(e);
    }
  }

  /** After a change, not before the next: that one is in a hurry. */
  private void makeReady() {
    NodeKernel node = kernel;
    if (node != null) {
      node.filter().makeReady();
    }
  }

  private void enforcing() {
    Instant now = parts.clock().instant();
    record.inSync(now, head);
    enforcedHead = head;
    if (enforcingSince == Long.MAX_VALUE) {
      enforcingSince = now.toEpochMilli();
    }
  }

  private void failed(PacketFilterException e) {
    enforcingSince = Long.MAX_VALUE;
    mustReadBack = true;
    pause = nextPause();
    if (record.failed(e, parts.clock().instant())) {
      logger
          .atError()
          .addKeyValue("cause", e.kind())
          .addKeyValue("message", e.getMessage())
          .log("the kernel does not take the bans; what it has stays");
    }
  }

  private Duration nextPause() {
    Duration next = pause.isZero() ? FIRST_PAUSE : pause.multipliedBy(2);
    return next.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : next;
  }

  private boolean isReadBackDue() {
    return readBackDue - parts.nanoTicker().getAsLong() <= 0;
  }

  private NodeKernel kernel() {
    EnforcerConfig wanted = config.get();
    NodeKernel current = kernel;
    if (current == null || !sameRules(wanted, Objects.requireNonNull(opened))) {
      if (current != null) {
        current.filter().relax();
      }
      current = parts.kernel().apply(wanted);
      record.opened(current.filter().name());
      logger
          .atInfo()
          .addKeyValue("backend", current.filter().name())
          .addKeyValue("reason", current.reason())
          .log("the kernel was opened");
      kernel = current;
    }
    opened = wanted;
    return current;
  }

  private PacketFilter filter() {
    return kernel().filter();
  }

  private static boolean sameRules(EnforcerConfig left, EnforcerConfig right) {
    return left.ports().equals(right.ports())
        && left.verdict() == right.verdict()
        && left.forwardedForPorts().equals(right.forwardedForPorts());
  }

  // ---- everything

  private void readBack() {
    long began = parts.nanoTicker().getAsLong();
    long now = parts.clock().millis();
    desired.refresh(parts.protectedPrefixes().get(), parts.feeds().get(), now, ip -> {});
    desired.rebuild(now);
    int wanted = desired.size(now);
    record.decided(wanted, desired.carvedBans(), desired.leftOut());
    NodeKernel node = kernel();
    PacketFilter kernel = node.filter();
    room = wanted + Math.max(LEAST_ROOM, wanted / 4);
    boolean wasMended = mended(kernel.ensure(room));
    known = new KnownElements(desired);
    Comparison comparison = new Comparison(now, kernel.maxTimeoutMillis());
    kernel.read(comparison::element);
    apply(kernel, comparison.fixes);
    int missing = putMissing(kernel, now);
    SyncRecord.ReadBack read =
        new SyncRecord.ReadBack(missing, comparison.foreign, comparison.wrongEnd);
    boolean first = !record.hasRead();
    headers(now);
    if (!node.equals(tidied)) {
      // Only now that this kernel enforces: there must be no moment without.
      List<String> flushed = node.flushOthers().get();
      if (!flushed.isEmpty()) {
        logger.atInfo().addKeyValue("what", flushed).log("what enforced before was removed");
      }
      record.mismatch(node.mismatch().get());
      tidied = node;
    }
    Duration took = Duration.ofNanos(parts.nanoTicker().getAsLong() - began);
    record.read(read, known.count(), kernel.drops(), took);
    mustReadBack = comparison.fixes.isFull();
    readBackDue = parts.nanoTicker().getAsLong() + config.get().interval().toNanos();
    if (wasMended || read.repairs() > 0) {
      // What came through before was not held back by anything.
      enforcingSince = Long.MAX_VALUE;
    }
    if (first || read.repairs() > 0) {
      logger
          .atLevel(first ? org.slf4j.event.Level.INFO : org.slf4j.event.Level.WARN)
          .addKeyValue("backend", kernel.name())
          .addKeyValue("elements", known.count())
          .addKeyValue("missing", missing)
          .addKeyValue("foreign", comparison.foreign)
          .addKeyValue("wrong_end", comparison.wrongEnd)
          .addKeyValue("milliseconds", took.toMillis())
          .log(first ? "the kernel enforces the bans" : "the kernel was not as it should be");
    }
  }

  /** Returns whether something had to be made. */
  private boolean mended(List<String> what) {
    record.mended(what);
    if (!what.isEmpty()) {
      logger
          .atInfo()
          .addKeyValue("what", what.subList(0, Math.min(MAX_LOGGED, what.size())))
          .log("rules and sets were made");
    }
    return !what.isEmpty();
  }

  /** What is in the kernel beside what is to be. */
  private final class Comparison {
    private final long now;
    private final long maxTimeout;
    private final ChangeBatch fixes = new ChangeBatch();
    private int foreign;
    private int wrongEnd;

    Comparison(long now, long maxTimeout) {
      this.now = now;
      this.maxTimeout = maxTimeout;
    }

    void element(IpPrefix ip, long kernelEnd) {
      long wanted = desired.endOf(ip, now);
      if (wanted != DesiredSet.NONE) {
        known.add(ip);
        if (isWrong(kernelEnd, wanted)) {
          wrongEnd++;
          if (!fixes.isFull()) {
            fixes.put(ip, wanted);
          }
        }
      } else if (kernelEnd - now > TOLERANCE_MILLIS) {
        foreign++;
        if (!fixes.isFull()) {
          fixes.remove(ip);
        }
      }
    }

    private boolean isWrong(long kernelEnd, long wanted) {
      if (kernelEnd == wanted) {
        return false;
      }
      if (kernelEnd == PacketFilter.FOR_EVER || wanted == DesiredSet.FOR_EVER) {
        return true;
      }
      // Not put again as long as half of what the kernel grants is left.
      boolean granted =
          maxTimeout != PacketFilter.FOR_EVER
              && kernelEnd < wanted
              && kernelEnd - now > maxTimeout / 2;
      return !granted && Math.abs(kernelEnd - wanted) > TOLERANCE_MILLIS;
    }
  }

  private int putMissing(PacketFilter kernel, long now) {
    int[] missing = {0};
    ChangeBatch batch = new ChangeBatch();
    known.forEachMissing(
        now,
        head,
        (ip, untilMillis) -> {
          // What ends in a moment may have ended in the kernel, which counts in seconds.
          if (untilMillis - now > TOLERANCE_MILLIS) {
            missing[0]++;
            batch.put(ip, untilMillis);
            if (batch.isFull()) {
              applyMissing(kernel, batch);
            }
          }
        });
    applyMissing(kernel, batch);
    return missing[0];
  }

  private void applyMissing(PacketFilter kernel, ChangeBatch batch) {
    apply(kernel, batch);
    batch.forEach(
        new PacketFilter.ChangeVisitor() {
          @Override
          public void put(IpPrefix prefix, long untilMillis) {
            known.add(prefix);
          }

          @Override
          public void remove(IpPrefix prefix) {
            known.remove(prefix);
          }
        });
    batch.clear();
  }

  /** The newest bans, whatever their provenance, are looked for in headers where that is wanted. */
  private void headers(long now) {
    var enforce = kernel().forwardedFor();
    if (enforce.isPresent()) {
      ForwardedForFilter.Outcome outcome =
          enforce.get().apply(desired.newest(ForwardedForFilter.MAX_BANS, now));
      record.headersLeftOut(outcome.leftOut());
    }
  }

  private static void apply(PacketFilter kernel, ChangeBatch batch) {
    if (!batch.isEmpty()) {
      kernel.apply(batch);
    }
  }

  // ---- what has changed

  private void apply(PendingEvents.News news) {
    long now = parts.clock().millis();
    Set<IpPrefix> affected = new LinkedHashSet<>();
    news.banned().forEach(ip -> desired.changed(ip, now, affected::add));
    if (news.spared() || now >= desired.nextAllowEnd()) {
      boolean shown =
          desired.refresh(parts.protectedPrefixes().get(), parts.feeds().get(), now, affected::add);
      if (!shown) {
        readBack();
        return;
      }
    }
    if (known.count() + affected.size() > room) {
      room = known.count() + affected.size() + Math.max(LEAST_ROOM, known.count() / 4);
      boolean ignored = mended(filter().ensure(room));
    }
    ChangeBatch batch = new ChangeBatch();
    for (IpPrefix ip : affected) {
      long end = desired.endOf(ip, now);
      if (end != DesiredSet.NONE) {
        add(batch, () -> batch.put(ip, end));
      }
    }
    for (IpPrefix ip : affected) {
      if (desired.endOf(ip, now) == DesiredSet.NONE && known.has(ip)) {
        add(batch, () -> batch.remove(ip));
      }
    }
    int before = known.count();
    applyMissing(filter(), batch);
    headers(now);
    record.applied(known.count() - before, desired.carvedBans(), desired.leftOut());
  }

  private void add(ChangeBatch batch, Runnable change) {
    if (batch.isFull()) {
      applyMissing(filter(), batch);
    }
    change.run();
  }

  private void exit() {
    NodeKernel node = kernel;
    if (node != null) {
      node.filter().relax();
    }
    if (config.get().onExit() == EnforcerConfig.OnExit.FLUSH && node != null) {
      try {
        node.flush().run();
        logger.atInfo().log("the rules and sets of this instance were removed");
      } catch (PacketFilterException e) {
        logger
            .atError()
            .addKeyValue("message", e.getMessage())
            .log("the rules and sets could not be removed");
      }
    }
  }
}
