package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The one ordered log of ban events; everything else is a reader of it.
 *
 * <ul>
 *   <li><b>Order.</b> Events are numbered from 1 without gaps. Every reader sees the same events
 *       under the same numbers, for ever.
 *   <li><b>Compare-and-swap.</b> An append names the head (the number of the last event) that its
 *       writer has seen. Only if that is still the head, the events go in; else the answer is a
 *       conflict, and the writer reads on and thinks again.
 *   <li><b>Atomicity.</b> The events of one append go in all or not at all, next to each other; no
 *       reader sees a part of them.
 *   <li><b>Durability.</b> When {@code append} has returned {@link AppendResult.Appended}, the
 *       events survive a crash of this process and of the machine, as far as the medium keeps its
 *       word.
 *   <li><b>Failure.</b> {@link BanLogException} means that it is not known whether the events are
 *       in; never that they are out. To find out, read from the expected head on: either they are
 *       there (an append is recognised by its events at its place), or other events are, or the
 *       head has not moved and the identical append can be sent again. An implementation does not
 *       throw while the append may still land later by itself.
 * </ul>
 *
 * <p>Safe for any thread. Every implementation passes {@code BanLogContract}.
 */
public interface BanLog extends AutoCloseable {
  /** Most events that one append takes; more are refused as a programming error. */
  int MAX_BATCH_EVENTS = 10_000;

  /**
   * Appends events if the log ends where the writer thinks it does.
   *
   * @param expectedHead number of the last event the writer has seen; 0 for an empty log
   * @param events 0 to {@value #MAX_BATCH_EVENTS}; none: nothing is written, the answer says
   *     whether the head is as expected
   * @throws BanLogException if the outcome is not known or the log cannot be used
   * @throws IllegalArgumentException if there are too many events or {@code expectedHead} is
   *     negative
   */
  AppendResult append(long expectedHead, List<BanEvent> events);

  /**
   * Events in order, beginning with a number.
   *
   * @param from number of the first event wanted, 1 or more; behind the head the answer is empty
   * @param max most events wanted, 1 or more; fewer may come although there are more, but never
   *     none
   * @throws CompactedException if events from that number on are no longer kept
   * @throws BanLogException if the log cannot be read
   */
  List<SequencedEvent> read(long from, int max);

  /**
   * Delivers every event once, in order: those that are in the log, then new ones as they come.
   *
   * <p>Delivery is on one thread of the log's own. The sink is told in batches of consecutive
   * events; while it works nothing is dropped, the log itself is the queue. When following fails
   * for good, the next event is no longer kept ({@link CompactedException}) or the sink throws,
   * {@link Sink#failed} is called once and the subscription has ended; the reader may follow again
   * from the next number it wants.
   *
   * @param from number of the first event wanted, 1 or more; may lie ahead of the head
   */
  Subscription follow(long from, Sink sink);

  /**
   * A state to start from in place of event 1: the newest that is kept and holds no event later
   * than a time. Events behind its head are kept, and their fold onto it is the fold of all events.
   *
   * @param upTo latest event time wanted; {@link Instant#MAX}: any
   * @param limits of the state
   * @return empty: there is none, and all events from 1 are kept
   * @throws CompactedException if what was up to then is no longer kept
   * @throws BanLogException if the log cannot be read
   */
  Optional<ActiveBans> snapshot(Instant upTo, ActiveBans.Limits limits);

  /**
   * Names this log: given when it was made, the same for ever, and that of no other log. By it a
   * follower knows that its owner still has the log that it followed. 1 to 64 characters of {@code
   * a-z 0-9 -}. A copy of a log has its name too: it is told apart by its events only.
   */
  String id();

  /**
   * Number of the last event; 0 for an empty log.
   *
   * @throws BanLogException if the log cannot be read
   */
  long head();

  /**
   * Number of the last event known here without asking anybody; may be behind {@link #head}. {@link
   * #read} gives what is up to it at once. Never throws.
   */
  default long knownHead() {
    return 0;
  }

  /** Ends all subscriptions and frees what is held. A second call does nothing. */
  @Override
  void close();

  /** Receives the events that it follows. */
  interface Sink {
    /** Consecutive events, at least one; called again only when it has returned. */
    void events(List<SequencedEvent> events);

    /** The subscription has ended and not by {@code close}: no event will come any more. */
    void failed(RuntimeException cause);
  }

  /** A running delivery; closing it ends it. */
  interface Subscription extends AutoCloseable {
    /**
     * Ends delivery. When it returns, no call of the sink is running or will follow, unless it was
     * called by the sink itself. A second call does nothing.
     */
    @Override
    void close();
  }
}
