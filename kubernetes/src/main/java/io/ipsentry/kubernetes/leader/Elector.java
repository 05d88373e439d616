package io.ipsentry.kubernetes.leader;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Takes, renews and gives back the Lease, one attempt a call. Has no thread.
 *
 * <p>A Lease of another is taken when it was seen unchanged for as long as it holds, by this
 * process's own clock of elapsed time. So neither a wrong wall clock, of whomever, nor a Lease
 * whose stamps a person wrote delays or hastens anything; a process that has just started waits
 * once for a Lease whose holder died. Whoever renews counts from before the request, so it knows to
 * have lost the Lease before another may take it.
 *
 * <p>{@link #attempt}, {@link #release} and {@link #abstain} are for one thread at a time; the
 * others for any.
 */
final class Elector {
  private final Leases leases;
  private final String identity;
  private final Optional<String> address;
  private final LeaseTimes times;
  private final InstantSource clock;
  private final LongSupplier nanoTicker;

  /** The Lease when it was last heard of; null: there was none, or nothing was heard yet. */
  private volatile @Nullable Seen seen;

  private volatile @Nullable Held held;
  private long abstainUntil;

  /**
   * @param since when this version was first heard of, nanoseconds
   */
  private record Seen(LeaseRecord lease, long since) {}

  /**
   * @param until up to when this process leads, nanoseconds
   */
  private record Held(LeaseRecord lease, long until) {}

  /**
   * @param identity of this process; of no other
   * @param address where its admin API is reached
   * @param clock wall clock, for the stamps that people read
   * @param nanoTicker elapsed time, nanoseconds
   */
  Elector(
      Leases leases,
      String identity,
      Optional<String> address,
      LeaseTimes times,
      InstantSource clock,
      LongSupplier nanoTicker) {
    this.leases = leases;
    this.identity = identity;
    this.address = address;
    this.times = times;
    this.clock = clock;
    this.nanoTicker = nanoTicker;
    abstainUntil = nanoTicker.getAsLong();
  }

  /** How long this process leads yet; zero or less: it does not. */
  Duration leadsFor() {
    Held now = held;
    return now == null ? Duration.ZERO : Duration.ofNanos(now.until() - nanoTicker.getAsLong());
  }

  /** Whether this process leads. */
  boolean leads() {
    return leadsFor().isPositive();
  }

  /** Who leads, as far as is known here; empty: nobody, or it is not known. */
  Optional<Leader> leader() {
    Seen now = seen;
    if (now == null || now.lease().holder().isEmpty()) {
      return Optional.empty();
    }
    boolean ours = now.lease().holder().equals(identity);
    boolean stands = ours ? leads() : !hasRunOut(now);
    return stands
        ? Optional.of(new Leader(now.lease().holder(), now.lease().address(), ours))
        : Optional.empty();
  }

  /**
   * Renews the Lease, or takes it if it may be taken.
   *
   * @throws ApiServerException if the API server fails; what is held goes on until its deadline
   */
  void attempt() {
    long asked = nanoTicker.getAsLong();
    Held mine = held;
    if (mine != null && mine.until() - asked > 0) {
      try {
        hold(leases.replace(ours(mine.lease())), asked);
        return;
      } catch (ApiServerException e) {
        if (e.reason() != Reason.CONFLICT) {
          throw e;
        }
        // Somebody wrote it, or our own last write landed after all.
      }
    }
    look(asked);
  }

  private void look(long asked) {
    Optional<LeaseRecord> found = leases.get();
    if (found.isEmpty()) {
      seen = null;
      held = null;
      if (mayTake(asked)) {
        create(asked);
      }
      return;
    }
    LeaseRecord lease = found.get();
    Seen before = seen;
    Seen now =
        before != null && before.lease().version().equals(lease.version())
            ? before
            : new Seen(lease, nanoTicker.getAsLong());
    seen = now;
    boolean ours = lease.holder().equals(identity);
    if (!ours) {
      held = null;
    }
    boolean free = ours || lease.holder().isEmpty() || hasRunOut(now);
    if (free && mayTake(asked)) {
      take(lease, asked);
    }
  }

  private boolean mayTake(long nanos) {
    return nanos - abstainUntil >= 0;
  }

  private boolean hasRunOut(Seen lease) {
    Duration length = lease.lease().length().isPositive() ? lease.lease().length() : times.lease();
    return nanoTicker.getAsLong() - lease.since() >= length.toNanos();
  }

  private void create(long asked) {
    try {
      hold(leases.create(ours(null)), asked);
    } catch (ApiServerException e) {
      if (e.reason() != Reason.EXISTS) {
        throw e;
      }
      // Another was quicker.
    }
  }

  private void take(LeaseRecord lease, long asked) {
    try {
      hold(leases.replace(ours(lease)), asked);
    } catch (ApiServerException e) {
      if (e.reason() != Reason.CONFLICT) {
        throw e;
      }
      // Another was quicker.
    }
  }

  private void hold(LeaseRecord lease, long asked) {
    seen = new Seen(lease, nanoTicker.getAsLong());
    held = new Held(lease, asked + times.renewDeadline().toNanos());
  }

  /** What is to be written in place of a Lease; null: there is none. */
  private LeaseRecord ours(@Nullable LeaseRecord before) {
    Instant now = clock.instant();
    if (before == null) {
      return new LeaseRecord(identity, address, times.lease(), now, now, 0, "");
    }
    boolean renewal = before.holder().equals(identity);
    return new LeaseRecord(
        identity,
        address,
        times.lease(),
        renewal ? before.acquired() : now,
        now,
        before.transitions() + (renewal ? 0 : 1),
        before.version());
  }

  /** Does not take the Lease for a while, so that others may; what is held goes on. */
  void abstain(Duration pause) {
    abstainUntil = nanoTicker.getAsLong() + pause.toNanos();
  }

  /**
   * Gives the Lease back if this process has it, so that another takes it at its next look.
   *
   * @throws ApiServerException if the API server fails; then it runs out by itself
   */
  void release() {
    Held mine = held;
    held = null;
    if (mine == null) {
      return;
    }
    LeaseRecord now = mine.lease();
    try {
      seen = new Seen(leases.replace(free(now)), nanoTicker.getAsLong());
    } catch (ApiServerException e) {
      if (e.reason() != Reason.CONFLICT) {
        throw e;
      }
      Optional<LeaseRecord> found = leases.get();
      if (found.isPresent() && found.get().holder().equals(identity)) {
        seen = new Seen(leases.replace(free(found.get())), nanoTicker.getAsLong());
      }
    }
  }

  private LeaseRecord free(LeaseRecord lease) {
    return new LeaseRecord(
        "",
        Optional.empty(),
        Duration.ofSeconds(1),
        lease.acquired(),
        clock.instant(),
        lease.transitions(),
        lease.version());
  }
}
