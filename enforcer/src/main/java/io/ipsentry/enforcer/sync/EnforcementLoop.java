package io.ipsentry.enforcer.sync;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.enforcer.kernel.PacketFilter;
import io.ipsentry.enforcer.kernel.PacketFilterException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
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
  private static final Duration LOOK_INTERVAL = Duration.ofMillis(20);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
  private static final int REHEARSALS = 3;

  /** The address of no host, which is always protected (RFC 1122, 3.2.1.3). */
  private static final IpPrefix NOBODY = IpPrefix.parse("0.0.0.1");

  private static final Logger logger = LoggerFactory.getLogger(EnforcementLoop.class);

  private final Parts parts;
  private final PendingEvents pending = new PendingEvents();
  private final SyncRecord record = new SyncRecord();
  private final AtomicReference<EnforcerConfig> config;
  private final KernelSync sync;
  private final Thread thread;

  private volatile long enforcedHead;
  private volatile long enforcingSince = Long.MAX_VALUE;

  // Of the thread alone.
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
    sync = new KernelSync(parts, this.config::get, pending, record);
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
        PendingEvents.News news = pending.await(sync.untilDue());
        if (news.closed()) {
          break;
        }
        round(news);
        rehearseOnce();
      }
      sync.exit();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void round(PendingEvents.News news) throws InterruptedException {
    try {
      switch (sync.round(news)) {
        case CLOSED -> {
          return;
        }
        case REPAIRED -> {
          // What came through before was not held back by anything.
          enforcingSince = Long.MAX_VALUE;
          enforcing();
        }
        case UNCHANGED, AGAIN -> enforcing();
      }
      if (!pause.isZero()) {
        logger.atInfo().log("the kernel enforces the bans again");
      }
      pause = Duration.ZERO;
      sync.carriedOut(news);
      sync.makeReady();
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
      events.event(new BanEvent.Unban(now, NOBODY, "", ""), sync.head(), 0);
      round(events.await(0).rehearsed());
    }
    try {
      sync.rehearse(NOBODY, now.toEpochMilli());
    } catch (PacketFilterException e) {
      failed(e);
    }
  }

  private void enforcing() {
    Instant now = parts.clock().instant();
    record.inSync(now, sync.head());
    enforcedHead = sync.head();
    if (enforcingSince == Long.MAX_VALUE) {
      enforcingSince = now.toEpochMilli();
    }
  }

  private void failed(PacketFilterException e) {
    enforcingSince = Long.MAX_VALUE;
    sync.distrust();
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
}
