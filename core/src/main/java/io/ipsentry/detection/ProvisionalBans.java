package io.ipsentry.detection;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import java.io.DataInput;
import java.io.DataOutput;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Bans that hold in this process until the owner of the windows has counted the same hits.
 *
 * <p>They are not stored: the owner gets the hits again after a restart, or has them already.
 */
final class ProvisionalBans implements BanDestination {
  private final ActiveBans state;
  private final HitReporter reporter;
  private final PendingBans pending;
  private final DecisionNews news;
  private final InstantSource clock;
  private final int maxPending;

  private final ConcurrentLinkedQueue<Waiting> queue = new ConcurrentLinkedQueue<>();
  private final AtomicInteger size = new AtomicInteger();
  private final AtomicReference<@Nullable Progress> progress = new AtomicReference<>();
  private long lastReport;

  private record Waiting(BanEvent.Ban ban, long hit) {}

  /** How far the owner has come. */
  private record Progress(long lastHit, long logHead) {}

  ProvisionalBans(
      ActiveBans state,
      HitReporter reporter,
      PendingBans pending,
      DecisionNews news,
      InstantSource clock,
      int maxPending) {
    this.state = state;
    this.reporter = reporter;
    this.pending = pending;
    this.news = news;
    this.clock = clock;
    this.maxPending = maxPending;
  }

  @Override
  public long report(RuleSet rules, Hit hit) {
    long number = reporter.report(rules, hit);
    if (number > 0) {
      lastReport = number;
    }
    // Of a hit that was lost the owner never hears: those before it decide.
    return lastReport;
  }

  @Override
  public boolean hasRoom() {
    return size.get() < maxPending;
  }

  @Override
  public void decided(BanEvent.Ban ban, long report) {
    pending.put(ban);
    size.incrementAndGet();
    queue.add(new Waiting(ban, report == 0 ? lastReport : report));
    news.provisional(ban);
  }

  @Override
  public boolean work() {
    Progress known = progress.get();
    boolean caughtUp = known != null && state.head() >= known.logHead();
    Instant now = clock.instant();
    queue.removeIf(waiting -> {
      Instant until = waiting.ban().until();
      boolean ended = until != null && !until.isAfter(now);
      boolean decided = caughtUp && known != null && waiting.hit() <= known.lastHit();
      if (ended || decided) {
        pending.remove(waiting.ban());
        size.decrementAndGet();
      }
      return ended || decided;
    });
    return known == null || caughtUp || queue.isEmpty();
  }

  @Override
  public void whenSettled(LongConsumer settled) {
    throw new IllegalStateException("this process does not own the windows");
  }

  @Override
  public void reconciled(long lastHit, long logHead) {
    progress.set(new Progress(lastHit, logHead));
  }

  @Override
  public void writeTo(DataOutput out) {
    // Nothing: see above.
  }

  @Override
  public void readFrom(DataInput in) {
    // Nothing was written.
  }
}
