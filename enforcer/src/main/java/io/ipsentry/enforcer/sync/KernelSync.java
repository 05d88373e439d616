package io.ipsentry.enforcer.sync;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.enforcer.desired.DesiredSet;
import io.ipsentry.enforcer.desired.KnownElements;
import io.ipsentry.enforcer.kernel.PacketFilter;
import io.ipsentry.enforcer.kernel.PacketFilterException;
import io.ipsentry.net.IpPrefix;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Makes the kernel what the bans want: what has changed ({@link #apply}), or everything ({@link
 * #readBack}).
 *
 * <p>While the kernel is read back, changes go on: another thread reads, and this one, which
 * compares, carries out what is told in between. What is changed meanwhile is left out of the
 * comparison, see {@link Comparison}. Only what makes all different (another state of bans, another
 * configuration) waits for the end, and so do allows and other never-bans while missing elements
 * are put.
 *
 * <p>Confined to the thread of the loop.
 */
final class KernelSync {
  private static final int LEAST_ROOM = 4_096;
  private static final int MAX_LOGGED = 16;

  /** A read-back that has to begin anew so often is then not disturbed any more. */
  private static final int MAX_DISTURBED = 2;

  /** Whoever changes the bans tells it at once; should it ever not, counts may be wrong once. */
  private static final Duration LONGEST_UNTOLD = Duration.ofSeconds(1);

  private static final Logger logger = LoggerFactory.getLogger(KernelSync.class);

  private final EnforcementLoop.Parts parts;
  private final Supplier<EnforcerConfig> config;
  private final PendingEvents pending;
  private final SyncRecord record;
  private final OpenKernel kernel;
  private final DesiredSet desired;
  private KnownElements known;
  private @Nullable Listing listing;
  private int room;
  private long head;
  private long due;
  private boolean mustReadBack = true;

  /** Whether the next read-back finds what has become of the bans, besides what others did. */
  private boolean isOtherState = true;

  private boolean takesChanges = true;

  KernelSync(
      EnforcementLoop.Parts parts,
      Supplier<EnforcerConfig> config,
      PendingEvents pending,
      SyncRecord record) {
    this.parts = parts;
    this.config = config;
    this.pending = pending;
    this.record = record;
    kernel = new OpenKernel(parts.kernel(), config, record);
    desired = new DesiredSet(parts.bans());
    known = new KnownElements(desired);
  }

  /** How a read-back ended. */
  enum End {
    /** All was as it should be. */
    UNCHANGED,
    /** Now it is. */
    REPAIRED,
    /** The loop is to end, and nothing is known. */
    CLOSED,
    /** More has changed than can be carried out meanwhile: it has to begin anew. */
    AGAIN
  }

  /** Number of the last event that is in the kernel. */
  long head() {
    return head;
  }

  /** Everything has to be compared next. */
  void distrust() {
    mustReadBack = true;
  }

  /** Nanoseconds until something is to be done although nothing is told; not above 0: now. */
  long untilDue() {
    if (mustReadBack) {
      return 0;
    }
    long left = due - parts.nanoTicker().getAsLong();
    long allowEnd = desired.nextAllowEnd();
    if (allowEnd == DesiredSet.FOR_EVER) {
      return left;
    }
    long allowLeft = Math.max(0, allowEnd - parts.clock().millis());
    return Math.min(left, Duration.ofMillis(allowLeft).toNanos());
  }

  private boolean isReadBackDue() {
    return due - parts.nanoTicker().getAsLong() <= 0;
  }

  /** Does what is to be done after something was told, or is due. */
  End round(PendingEvents.News news) throws InterruptedException {
    head = news.head();
    // First what is known to have changed: a read-back would take it for missing.
    boolean isTold = !news.everything() && !mustReadBack;
    boolean carriedOut = isTold && apply(news, null);
    isOtherState |= news.everything() || isTold && !carriedOut;
    return carriedOut && !isReadBackDue() ? End.UNCHANGED : readBack();
  }

  // ---- everything

  private End readBack() throws InterruptedException {
    try {
      for (int attempt = 1; ; attempt++) {
        takesChanges &= attempt <= MAX_DISTURBED;
        End end = readBackOnce();
        if (end != End.AGAIN) {
          takesChanges = true;
          return end;
        }
      }
    } catch (PacketFilterException e) {
      // nft begins anew with its listing when something changes, and may never come to an end.
      takesChanges = e.kind() != PacketFilterException.Cause.TIMEOUT;
      throw e;
    }
  }

  private End readBackOnce() throws InterruptedException {
    long began = parts.nanoTicker().getAsLong();
    long now = parts.clock().millis();
    desired.refresh(parts.protectedPrefixes().get(), parts.feeds().get(), now, ip -> {});
    desired.rebuild(now);
    decided(now);
    PacketFilter filter = kernel.filter();
    room = roomFor(record.decided());
    boolean wasMended = mended(filter.ensure(room));
    known = new KnownElements(desired);
    Comparison comparison = new Comparison(desired, known, now, filter.maxTimeoutMillis());
    End listed = list(filter, comparison);
    if (listed != End.UNCHANGED) {
      return listed;
    }
    Comparison.Fixes fixes = comparison.fixes();
    applyKnown(filter, fixes.changes(), false);
    int missing = putMissing(filter, comparison, now);
    boolean first = !record.hasRead();
    boolean expected = isOtherState;
    kernel.headers(desired, now);
    kernel.tidy();
    Duration took = Duration.ofNanos(parts.nanoTicker().getAsLong() - began);
    if (comparison.isDisturbed()) {
      decided(now);
    }
    SyncRecord.ReadBack read = new SyncRecord.ReadBack(missing, fixes.foreign(), fixes.wrongEnd());
    record.read(read, known.count(), filter.drops(), took, expected);
    mustReadBack = !fixes.isAll();
    isOtherState &= mustReadBack;
    due = parts.nanoTicker().getAsLong() + config.get().interval().toNanos();
    if (first || read.repairs() > 0) {
      say(expected, filter, read, took);
    }
    return wasMended || read.repairs() > 0 ? End.REPAIRED : End.UNCHANGED;
  }

  private void say(boolean expected, PacketFilter filter, SyncRecord.ReadBack read, Duration took) {
    logger
        .atLevel(expected ? Level.INFO : Level.WARN)
        .addKeyValue("backend", filter.name())
        .addKeyValue("elements", known.count())
        .addKeyValue("missing", read.missing())
        .addKeyValue("foreign", read.foreign())
        .addKeyValue("wrong_end", read.wrongEnd())
        .addKeyValue("milliseconds", took.toMillis())
        .log(expected ? "the kernel enforces the bans" : "the kernel was not as it should be");
  }

  private void decided(long now) {
    record.decided(desired.size(now), desired.carvedBans(), desired.leftOut());
  }

  private static int roomFor(int elements) {
    return elements + Math.max(LEAST_ROOM, elements / 4);
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

  /** Compares what is listed; UNCHANGED: all of it. */
  private End list(PacketFilter filter, Comparison comparison) throws InterruptedException {
    awaitLastListing();
    try (Listing elements = new Listing(filter, pending::wake)) {
      listing = elements;
      while (true) {
        End meanwhile = changesMeanwhile(comparison, elements::hasNext);
        if (meanwhile != End.UNCHANGED) {
          return meanwhile;
        }
        Listing.Chunk chunk = elements.poll();
        if (chunk != null && chunk.isLast()) {
          return untold(comparison);
        }
        if (chunk != null) {
          chunk.forEach(comparison::element);
        }
      }
    }
  }

  /** What is in the bans by now is awaited, so that nothing of it is taken for a fault. */
  private End untold(Comparison comparison) throws InterruptedException {
    if (!takesChanges) {
      return End.UNCHANGED;
    }
    boolean ignored = pending.awaitHead(parts.bans().head(), LONGEST_UNTOLD.toNanos());
    return changesMeanwhile(comparison, () -> true);
  }

  /** Carries out what is told, until nothing is and something else is there to be done. */
  private End changesMeanwhile(Comparison comparison, PendingEvents.Other other)
      throws InterruptedException {
    while (true) {
      boolean takes = takesChanges && comparison.takesChanges();
      PendingEvents.News news = pending.awaitChanges(takes, other);
      if (news.closed()) {
        return End.CLOSED;
      }
      if (!news.hasChanges()) {
        return End.UNCHANGED;
      }
      head = Math.max(head, news.head());
      if (!apply(news, comparison)) {
        isOtherState = true;
        return End.AGAIN;
      }
    }
  }

  private int putMissing(PacketFilter filter, Comparison comparison, long now) {
    int[] missing = {0};
    ChangeBatch batch = new ChangeBatch();
    DesiredSet.ElementVisitor add =
        (ip, untilMillis) -> {
          // What ends in a moment may have ended in the kernel, which counts in seconds.
          if (untilMillis - now > Comparison.TOLERANCE_MILLIS && !comparison.isChanged(ip)) {
            missing[0]++;
            batch.put(ip, untilMillis);
          }
        };
    known.forEachMissing(
        now,
        head,
        (ip, untilMillis) -> {
          add.element(ip, untilMillis);
          if (batch.isFull()) {
            applyKnown(filter, batch, true);
            // With nothing in the batch, so that none of it comes after a change of its prefix.
            bansMeanwhile(comparison);
          }
        });
    known.forEachMissingPiece(
        now,
        (ip, untilMillis) -> {
          add.element(ip, untilMillis);
          if (batch.isFull()) {
            applyKnown(filter, batch, true);
          }
        });
    applyKnown(filter, batch, true);
    return missing[0];
  }

  private void bansMeanwhile(Comparison comparison) {
    if (takesChanges && comparison.takesChanges()) {
      PendingEvents.News news = pending.takeBans();
      if (news.hasChanges()) {
        head = Math.max(head, news.head());
        Set<IpPrefix> affected = affected(news);
        grow(affected.size() + elements(comparison));
        change(news, affected, comparison);
      }
    }
  }

  // ---- the end, and before the beginning

  /** Takes what is no element out of the kernel the way a ban is put there. */
  void rehearse(IpPrefix nobody, long now) {
    ChangeBatch nothing = new ChangeBatch();
    nothing.put(nobody, now);
    kernel.filter().apply(nothing);
    kernel.makeReady();
  }

  void makeReady() {
    kernel.makeReady();
  }

  /** Leaves the kernel as {@code onExit} says. */
  void exit() throws InterruptedException {
    // A set that is being listed cannot be removed.
    awaitLastListing();
    kernel.exit();
  }

  /** One that was given up may go on for a while. */
  private void awaitLastListing() throws InterruptedException {
    Listing last = listing;
    if (last != null) {
      last.awaitEnd(PacketFilter.TIMEOUT);
    }
  }

  // ---- what has changed

  /**
   * Carries out what has changed.
   *
   * @param meanwhile the comparison that goes on; null: none does
   * @return false: too much has, and everything must be compared (anew)
   */
  private boolean apply(PendingEvents.News news, @Nullable Comparison meanwhile) {
    long now = parts.clock().millis();
    Set<IpPrefix> affected = affected(news);
    if (news.spared() || now >= desired.nextAllowEnd()) {
      boolean shown =
          desired.refresh(parts.protectedPrefixes().get(), parts.feeds().get(), now, affected::add);
      if (!shown) {
        return false;
      }
    }
    int elements = affected.size() + elements(meanwhile);
    if (meanwhile != null && elements > room) {
      // A set that is being listed cannot be exchanged for a larger one.
      return false;
    }
    grow(elements);
    change(news, affected, meanwhile);
    return true;
  }

  /** At most so many are there. */
  private int elements(@Nullable Comparison meanwhile) {
    return meanwhile == null ? known.count() : record.decided() + meanwhile.size();
  }

  private void grow(int elements) {
    if (elements > room) {
      room = roomFor(elements);
      boolean ignored = mended(kernel.filter().ensure(room));
    }
  }

  private Set<IpPrefix> affected(PendingEvents.News news) {
    long now = parts.clock().millis();
    Set<IpPrefix> affected = new LinkedHashSet<>();
    news.banned().forEach(ip -> desired.changed(ip, now, affected::add));
    return affected;
  }

  private void change(
      PendingEvents.News news, Set<IpPrefix> affected, @Nullable Comparison meanwhile) {
    long now = parts.clock().millis();
    if (meanwhile != null) {
      meanwhile.changed(affected);
    }
    ChangeBatch batch = new ChangeBatch();
    for (IpPrefix ip : affected) {
      long end = desired.endOf(ip, now);
      if (end != DesiredSet.NONE) {
        add(batch, () -> batch.put(ip, end));
      }
    }
    for (IpPrefix ip : affected) {
      // What was not listed yet may be there as well.
      if (desired.endOf(ip, now) == DesiredSet.NONE && (meanwhile != null || known.has(ip))) {
        add(batch, () -> batch.remove(ip));
      }
    }
    int before = known.count();
    applyKnown(kernel.filter(), batch, true);
    kernel.headers(desired, now);
    if (meanwhile == null) {
      record.applied(known.count() - before, desired.carvedBans(), desired.leftOut());
    } else {
      carriedOut(news);
      kernel.makeReady();
    }
  }

  /** Shows how long it took. */
  void carriedOut(PendingEvents.News news) {
    if (news.since() != 0) {
      parts.delay().accept(parts.nanoTicker().getAsLong() - news.since());
    }
  }

  private void add(ChangeBatch batch, Runnable change) {
    if (batch.isFull()) {
      applyKnown(kernel.filter(), batch, true);
    }
    change.run();
  }

  /** Applies a batch, takes note of it, and empties it. */
  private void applyKnown(PacketFilter filter, ChangeBatch batch, boolean isNews) {
    if (batch.isEmpty()) {
      return;
    }
    filter.apply(batch);
    if (isNews) {
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
    }
    batch.clear();
  }
}
