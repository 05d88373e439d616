package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Appends events that follow from the state of the log: it lets the caller decide on the state that
 * is known, and appends only if nothing came in between; else it folds that and asks again. A
 * decision to do nothing is made again if the log has gone on meanwhile.
 *
 * <p>Group commit: the first write is appended at once. Those that come while an append is under
 * way wait for it, and then go together in the next, as far as they are about different addresses
 * ({@link #write(IpPrefix, Decision)}): so each is decided on a state that holds all before it that
 * concern it, and the outcome is that of writing them one after the other.
 *
 * <p>The state it folds into may be read by any thread; it alone writes it. Safe for any thread.
 */
public final class BanWriter {
  /** Decisions that are tried before a writer that always loses gives up. */
  public static final int MAX_ATTEMPTS = 32;

  /** Writes that go together in one append. */
  static final int MAX_GROUP = 256;

  private static final int READ_BATCH = 10_000;

  private final BanLog log;
  private final ActiveBans state;
  private final InstantSource clock;
  private final Consumer<BanEvent> observer;
  private volatile boolean following;

  /** Writes that wait for their turn. Guarded by itself. */
  private final ArrayDeque<PendingWrite> waiting = new ArrayDeque<>();

  /** The last append may be in, or others may have gone on that do not write here. */
  private boolean inDoubt;

  /** What the caller wants appended, given the state of the log. */
  @FunctionalInterface
  public interface Decision {
    /**
     * Decides; may be called several times for one write.
     *
     * @param state the fold of the log up to its head
     * @param now wall clock
     * @return the events to append; empty: nothing
     */
    List<BanEvent> decide(ActiveBans state, Instant now);
  }

  /** How a write ended. */
  public sealed interface Outcome {
    /**
     * The events are durable.
     *
     * @param events as appended, with their sequence numbers; empty when nothing was to be done
     */
    record Written(List<SequencedEvent> events) implements Outcome {
      public Written {
        events = List.copyOf(events);
      }
    }

    /** The log takes no more, and nothing was appended. */
    record Full(String reason) implements Outcome {}

    /** Others appended each time in between, and nothing was appended. */
    record Contended() implements Outcome {}
  }

  /**
   * @param observer shown every event of the log once, in order, on the thread that writes
   */
  public BanWriter(BanLog log, ActiveBans state, InstantSource clock, Consumer<BanEvent> observer) {
    this.log = log;
    this.state = state;
    this.clock = clock;
    this.observer = observer;
  }

  /**
   * A writer that has read the log, beginning with its newest snapshot.
   *
   * @param observer is shown the bans that the snapshot remembers in place of the events in it
   * @throws BanLogException if the log cannot be read
   */
  public static BanWriter start(BanLog log, InstantSource clock, Consumer<BanEvent> observer) {
    BanWriter writer = new BanWriter(log, new ActiveBans(), clock, observer);
    writer.startOver();
    writer.catchUp();
    return writer;
  }

  private void startOver() {
    log.snapshot(Instant.MAX, state.limits())
        .ifPresent(snapshot -> {
          state.become(snapshot);
          state.forEachRemembered(observer);
        });
  }

  /** The fold of the log, as far as this writer has read it. */
  public ActiveBans state() {
    return state;
  }

  /** Folds what others appended. */
  public synchronized void catchUp() {
    foldUpTo(log.head());
  }

  private void foldUpTo(long head) {
    while (state.head() < head) {
      try {
        for (SequencedEvent event : log.read(state.head() + 1, READ_BATCH)) {
          fold(event);
        }
      } catch (CompactedException e) {
        // Nobody caught up for so long that what is missing is only in the snapshot by now.
        startOver();
        if (state.head() + 1 < e.firstKept()) {
          throw e;
        }
      }
    }
  }

  /**
   * Folds from now on what the log tells by itself, until it is closed or fails; see {@link
   * #isFollowing}. What is written here does not wait for it.
   */
  public BanLog.Subscription follow() {
    BanLog.Sink sink =
        new BanLog.Sink() {
          @Override
          public void events(List<SequencedEvent> events) {
            take(events);
          }

          @Override
          public void failed(RuntimeException cause) {
            following = false;
          }
        };
    following = true;
    BanLog.Subscription running = log.follow(state.head() + 1, sink);
    return () -> {
      following = false;
      running.close();
    };
  }

  /** Whether the state follows the log by itself, so that nobody has to catch up for others. */
  public boolean isFollowing() {
    return following;
  }

  private synchronized void take(List<SequencedEvent> events) {
    for (SequencedEvent event : events) {
      // What was written or caught up with here is known already.
      if (event.seq() == state.head() + 1) {
        fold(event);
      }
    }
  }

  /** Name of the log that it writes. */
  public String logId() {
    return log.id();
  }

  /**
   * The state of the log's head as a snapshot; nothing is written meanwhile (0.5 s a million bans).
   *
   * @throws BanLogException if the log cannot be read
   */
  public synchronized SnapshotBytes snapshot() {
    catchUp();
    return SnapshotBytes.of(state);
  }

  /**
   * Decides on the newest state and appends; in an append of its own, for the decision may depend
   * on anything.
   *
   * @throws BanLogException when the log cannot be used; whether the events are in is found out by
   *     the next write, which sees them in its state
   */
  public Outcome write(Decision decision) {
    return write(new PendingWrite(null, decision));
  }

  /**
   * The same for a decision that may go together with others.
   *
   * @param about the decision looks at nothing in the state, and its events change nothing, but
   *     what is said of addresses that overlap with this, and what only writes about all change
   */
  public Outcome write(IpPrefix about, Decision decision) {
    return write(new PendingWrite(about, decision));
  }

  private Outcome write(PendingWrite write) {
    synchronized (waiting) {
      waiting.add(write);
    }
    synchronized (this) {
      while (!write.isDone()) {
        write(nextGroup());
      }
      return write.outcome();
    }
  }

  /** The writes that waited longest and can go together. */
  private List<PendingWrite> nextGroup() {
    List<PendingWrite> group = new ArrayList<>();
    synchronized (waiting) {
      while (!waiting.isEmpty()
          && group.size() < MAX_GROUP
          && waiting.getFirst().isApartFrom(group)) {
        group.add(waiting.removeFirst());
      }
    }
    return group;
  }

  private void write(List<PendingWrite> group) {
    try {
      if (inDoubt) {
        catchUp();
        inDoubt = false;
      } else {
        foldUpTo(log.knownHead());
      }
      int attempt = 0;
      while (attempt < MAX_ATTEMPTS && !tryWrite(group)) {
        attempt++;
      }
      group.forEach(write -> write.done(new Outcome.Contended()));
    } catch (RuntimeException e) { // each of them is told
      inDoubt = true;
      group.forEach(write -> write.failed(e));
    } finally {
      if (!group.stream().allMatch(PendingWrite::isDone)) {
        // An Error goes through this thread; others must not wait for ever.
        BanLogException ended =
            BanLogException.transientFailure("the thread that wrote for others has ended");
        group.forEach(write -> write.failed(ended));
      }
    }
  }

  /** Whether all are done; else the log has gone on, and that is folded. */
  private boolean tryWrite(List<PendingWrite> group) {
    Instant now = clock.instant();
    long head = state.head();
    List<BanEvent> all = new ArrayList<>();
    List<PendingWrite> deciders = new ArrayList<>();
    List<Integer> ends = new ArrayList<>();
    for (PendingWrite write : group) {
      List<BanEvent> events = write.decide(state, now);
      boolean fits = all.isEmpty() || all.size() + events.size() <= BanLog.MAX_BATCH_EVENTS;
      if (!write.isDone() && fits) {
        all.addAll(events);
        deciders.add(write);
        ends.add(all.size());
      }
    }
    if (all.isEmpty()) {
      // Nothing is appended that could tell of a conflict.
      catchUp();
      if (state.head() != head) {
        return false;
      }
    }
    AppendResult result = all.isEmpty() ? new AppendResult.Appended(head) : log.append(head, all);
    switch (result) {
      case AppendResult.Appended appended -> {
        List<SequencedEvent> written = foldAll(head, all);
        for (int i = 0; i < deciders.size(); i++) {
          int from = i == 0 ? 0 : ends.get(i - 1);
          deciders.get(i).done(new Outcome.Written(written.subList(from, ends.get(i))));
        }
      }
      case AppendResult.Conflict conflict -> {
        catchUp();
        return false;
      }
      case AppendResult.Full full -> full(deciders, full);
    }
    // Those that found no room in this append go in another.
    group.stream()
        .filter(write -> !write.isDone())
        .toList()
        .forEach(write -> write(List.of(write)));
    return true;
  }

  private void full(List<PendingWrite> deciders, AppendResult.Full full) {
    inDoubt = true;
    if (deciders.size() == 1) {
      deciders.getFirst().done(new Outcome.Full(full.reason()));
    }
    // Else there may be room for one of them alone.
  }

  private List<SequencedEvent> foldAll(long head, List<BanEvent> events) {
    List<SequencedEvent> written = new ArrayList<>(events.size());
    long seq = head;
    for (BanEvent event : events) {
      SequencedEvent sequenced = new SequencedEvent(++seq, event);
      fold(sequenced);
      written.add(sequenced);
    }
    return written;
  }

  private void fold(SequencedEvent event) {
    state.apply(event);
    observer.accept(event.event());
  }
}
