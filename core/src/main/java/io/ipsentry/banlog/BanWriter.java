package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Appends events that follow from the state of the log: it folds what is in the log, lets the
 * caller decide on that state, and appends only if nothing came in between; else it folds that and
 * asks again.
 *
 * <p>The state it folds into may be read by any thread; it alone writes it. Safe for any thread;
 * one write at a time.
 */
public final class BanWriter {
  /** Decisions that are tried before a writer that always loses gives up. */
  public static final int MAX_ATTEMPTS = 32;

  private static final int READ_BATCH = 10_000;

  private final BanLog log;
  private final ActiveBans state;
  private final InstantSource clock;
  private final Consumer<BanEvent> observer;

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
    for (long head = log.head(); state.head() < head; ) {
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
   * Decides on the newest state and appends.
   *
   * @throws BanLogException when the log cannot be used; whether the events are in is found out by
   *     the next write, which sees them in its state
   */
  public synchronized Outcome write(Decision decision) {
    catchUp();
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      List<BanEvent> events = decision.decide(state, clock.instant());
      if (events.isEmpty()) {
        return new Outcome.Written(List.of());
      }
      long head = state.head();
      switch (log.append(head, events)) {
        case AppendResult.Appended appended -> {
          return new Outcome.Written(foldAll(head, events));
        }
        case AppendResult.Conflict conflict -> catchUp();
        case AppendResult.Full full -> {
          return new Outcome.Full(full.reason());
        }
      }
    }
    return new Outcome.Contended();
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
