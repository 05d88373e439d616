package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.BanWriter.Decision;
import io.ipsentry.banlog.BanWriter.Outcome;
import io.ipsentry.net.IpPrefix;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A write of {@link BanWriter} until it is known how it ended. Guarded by its writer. */
final class PendingWrite {
  private final @Nullable IpPrefix about;
  private final Decision decision;
  private @Nullable Outcome outcome;
  private @Nullable RuntimeException failure;

  /**
   * @param about addresses that it is about; null: all
   */
  PendingWrite(@Nullable IpPrefix about, Decision decision) {
    this.about = about;
    this.decision = decision;
  }

  /** Whether it depends on none of some others, nor they on it. */
  boolean isApartFrom(List<PendingWrite> others) {
    IpPrefix own = about;
    return others.isEmpty() || own != null && others.stream().allMatch(other -> other.isApart(own));
  }

  private boolean isApart(IpPrefix other) {
    return about != null && !about.overlaps(other);
  }

  /** What it wants appended; nothing if it fails to decide, which is how it ends then. */
  List<BanEvent> decide(ActiveBans state, Instant now) {
    try {
      return decision.decide(state, now);
    } catch (RuntimeException e) { // it is its caller's, and no other's
      end(null, e);
      return List.of();
    }
  }

  boolean isDone() {
    return outcome != null || failure != null;
  }

  void done(Outcome how) {
    end(how, null);
  }

  void failed(RuntimeException cause) {
    end(null, cause);
  }

  /** Ends it, unless it has ended. */
  private void end(@Nullable Outcome how, @Nullable RuntimeException cause) {
    if (!isDone()) {
      outcome = how;
      failure = cause;
    }
  }

  /** How it ended; throws what it ended with. */
  Outcome outcome() {
    if (failure != null) {
      throw failure;
    }
    if (outcome == null) {
      throw new IllegalStateException("the write has not ended");
    }
    return outcome;
  }
}
