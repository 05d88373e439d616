package io.ipsentry.sink;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.net.IpPrefix;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes a {@link StateSink} hold what is banned. What is there is read at the beginning and each
 * hour, and kept up to date in between; what ought to be there is worked out anew when an event
 * came or a ban has ended. Then one change after the other is made. Held here are the entries there
 * and the changes, both at most the sink's capacity, however long it was away.
 */
final class StateReconciliation implements SinkWork {
  /** How often what is there is read back, to mend what others did. */
  static final Duration READ_BACK = Duration.ofHours(1);

  /** How long no new entries are tried when there was no room. */
  static final Duration FULL_PAUSE = Duration.ofMinutes(10);

  /** How long a target that is not taken, or that others hold, is left alone. */
  static final Duration REFUSED_PAUSE = Duration.ofHours(1);

  /** How often the position of a sink that follows quickly is stored. */
  private static final Duration STORE_INTERVAL = Duration.ofSeconds(10);

  private static final Duration SHORTEST_PLAN_PAUSE = Duration.ofMillis(200);

  /** Of the time, at most one part in so many goes into working out what ought to be there. */
  private static final int PLAN_SHARE = 20;

  private final String name;
  private final StateSink sink;
  private final SinkParts parts;
  private final SinkHealth health;
  private final StoredPosition position;

  private final Map<IpPrefix, SinkEntry> actual = new HashMap<>();
  private final List<SinkEntry> surplus = new ArrayList<>();
  private boolean known;
  private long readBackAt;

  private final ArrayDeque<SinkChange> changes = new ArrayDeque<>();
  private final Map<IpPrefix, Long> leftAlone = new HashMap<>();
  private long plannedHead = -1;
  private Instant planHoldsUntil = Instant.MIN;
  private @Nullable ProtectedPrefixes plannedProtection;
  private long nextPlanAt;
  private boolean stale = true;
  private boolean full;
  private long fullUntil;
  private int held;
  private long storeAt;

  private volatile long pending;
  private volatile long entries;
  private volatile long leftOut;
  private volatile String fullProblem = "";

  StateReconciliation(String name, StateSink sink, SinkParts parts) {
    this.name = name;
    this.sink = sink;
    this.parts = parts;
    health = new SinkHealth(name, parts);
    position = new StoredPosition(name, parts);
    long now = parts.nanoTime().getAsLong();
    readBackAt = now;
    nextPlanAt = now;
    storeAt = now;
  }

  @Override
  public void begin() {}

  @Override
  public void end() {
    if (!health.isFailing()) {
      store(position.seq());
    }
  }

  @Override
  public Duration step() {
    Duration pause = health.pause();
    if (!pause.isZero()) {
      return pause;
    }
    try {
      position.load();
      long now = parts.nanoTime().getAsLong();
      if (!known || now - readBackAt >= 0) {
        readBack();
        return Duration.ZERO;
      }
      if (isStale(now) && now - nextPlanAt >= 0) {
        plan(now);
      }
      SinkChange next = changes.peek();
      if (next == null) {
        return rest(now);
      }
      make(next);
      return Duration.ZERO;
    } catch (BanLogException e) {
      health.failed("the position cannot be read or stored: " + e.getMessage(), null);
    } catch (SinkException e) {
      health.failed(e);
    } finally {
      pending = (long) changes.size() + held;
      entries = (long) actual.size() + surplus.size();
    }
    return health.pause();
  }

  // ---- what is there

  private void readBack() {
    List<SinkEntry> found = sink.entries();
    actual.clear();
    surplus.clear();
    for (SinkEntry entry : found) {
      if (actual.putIfAbsent(entry.target(), entry) != null) {
        surplus.add(entry);
      }
    }
    known = true;
    stale = true;
    readBackAt = parts.nanoTime().getAsLong() + READ_BACK.toNanos();
    health.succeeded(0);
  }

  // ---- what ought to be there

  private boolean isStale(long now) {
    if (full && now - fullUntil >= 0) {
      full = false;
      fullProblem = "";
      stale = true;
    }
    return stale
        || parts.state().head() != plannedHead
        || parts.protection().get() != plannedProtection
        || !parts.clock().instant().isBefore(planHoldsUntil);
  }

  private void plan(long now) {
    leftAlone.values().removeIf(until -> now - until >= 0);
    // Before the state is looked at, which may go on meanwhile.
    plannedHead = parts.state().head();
    plannedProtection = parts.protection().get();
    DesiredBans desired =
        DesiredBans.of(
            parts.state(),
            plannedProtection,
            parts.clock().instant(),
            sink::targets,
            sink.capacity());
    planHoldsUntil = desired.changesAt();
    List<SinkEntry> there = new ArrayList<>(actual.values());
    there.addAll(surplus);
    changes.clear();
    held = 0;
    Set<IpPrefix> alone = new HashSet<>();
    for (SinkChange change : SinkPlan.of(desired.targets(), there)) {
      boolean create = change instanceof SinkChange.Create;
      if (leftAlone.containsKey(change.target()) && !(change instanceof SinkChange.Delete)) {
        alone.add(change.target());
      } else if (create && full) {
        held++;
      } else {
        changes.add(change);
      }
    }
    leftAlone.keySet().retainAll(alone);
    leftOut = desired.leftOut() + alone.size();
    stale = false;
    long took = parts.nanoTime().getAsLong() - now;
    nextPlanAt =
        parts.nanoTime().getAsLong() + Math.max(SHORTEST_PLAN_PAUSE.toNanos(), PLAN_SHARE * took);
  }

  // ---- from the one to the other

  private void make(SinkChange change) {
    try {
      switch (change) {
        case SinkChange.Create create ->
            made(create.target(), sink.create(create.target(), create.ban()));
        case SinkChange.Update update -> {
          Optional<SinkEntry> now = sink.update(update.entry(), update.ban());
          if (now.isPresent()) {
            actual.put(update.target(), now.get());
          } else {
            actual.remove(update.target());
            stale = true;
          }
        }
        case SinkChange.Delete delete -> {
          sink.delete(delete.entry());
          if (!surplus.remove(delete.entry())) {
            actual.remove(delete.target(), delete.entry());
          }
          if (full) {
            // There is room now.
            fullUntil = parts.nanoTime().getAsLong();
          }
        }
      }
      changes.removeFirst();
      health.succeeded(1);
    } catch (SinkException e) {
      switch (e.kind()) {
        case FULL -> noRoom(e);
        case CONTENT -> leaveAlone(change.target(), String.valueOf(e.getMessage()));
        case TRANSIENT, REFUSED -> throw e;
      }
    }
  }

  private void made(IpPrefix target, Optional<SinkEntry> entry) {
    if (entry.isPresent()) {
      actual.put(target, entry.get());
    } else {
      leaveAlone(target);
    }
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
  private void leaveAlone(IpPrefix target) {
    leftAlone.put(target, parts.nanoTime().getAsLong() + REFUSED_PAUSE.toNanos());
    leftOut++;
  }

  private void leaveAlone(IpPrefix target, String why) {
    changes.removeFirst();
    health.note(why);
    leaveAlone(target);
  }

  private void noRoom(SinkException e) {
    health.note(String.valueOf(e.getMessage()));
    full = true;
    fullProblem = String.valueOf(e.getMessage());
    fullUntil = parts.nanoTime().getAsLong() + FULL_PAUSE.toNanos();
    int before = changes.size();
    changes.removeIf(SinkChange.Create.class::isInstance);
    held = before - changes.size();
  }

  /** Nothing is to be done that can be done. */
  private Duration rest(long now) {
    if (held == 0 && plannedHead > position.seq()) {
      position.advance(plannedHead);
    }
    if (now - storeAt >= 0) {
      storeAt = now + STORE_INTERVAL.toNanos();
      position.move(position.seq());
    }
    Duration rest = LONGEST_PAUSE;
    if (isStale(now)) {
      rest = shorter(rest, Duration.ofNanos(Math.max(0, nextPlanAt - now)));
    } else if (planHoldsUntil.isBefore(parts.clock().instant().plus(LONGEST_PAUSE))) {
      rest = shorter(rest, Duration.between(parts.clock().instant(), planHoldsUntil));
    }
    return rest.isNegative() ? Duration.ZERO : rest;
  }

  private void store(long seq) {
    try {
      position.move(seq);
    } catch (BanLogException e) {
      // It begins with what is there; the position is for people.
      health.note("the position cannot be stored: " + e.getMessage());
    }
  }

  private static Duration shorter(Duration a, Duration b) {
    return a.compareTo(b) <= 0 ? a : b;
  }

  @Override
  public void noteDefect(RuntimeException defect) {
    health.noteDefect(defect);
  }

  @Override
  public SinkStatus status() {
    String problem = health.problem().isEmpty() ? fullProblem : health.problem();
    return new SinkStatus(
        name,
        sink.kind(),
        position.seq(),
        position.backlog(),
        pending,
        entries,
        leftOut,
        health.delivered(),
        0,
        health.failures(),
        problem,
        health.lastError(),
        health.lastErrorAt(),
        health.lastDone());
  }
}
