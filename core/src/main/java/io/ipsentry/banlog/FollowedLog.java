package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import java.time.Duration;

/**
 * The bans of this process, kept up to date with a log that others keep: what every process that
 * acts on bans and decides none has. It is <em>synced</em> once the whole log was read; from then
 * on what is known holds, also while the log cannot be reached, and {@link #age} tells how old it
 * is. The state goes on event by event, or is replaced as a whole; never is it half of one and half
 * of another.
 *
 * <p>Safe for any thread.
 */
public interface FollowedLog extends AutoCloseable {
  /** The fold of the log as far as it is known here; always the same object. */
  ActiveBans bans();

  /** Whether the whole log was read once. */
  boolean isSynced();

  /** How long ago the state was last known to be all of the log; before that, since the start. */
  Duration age();

  /** Whether the owner of the log answers, as far as is known. */
  boolean isConnected();

  /** Number of the last event of the log, as its owner told last. */
  long ownerHead();

  /** Times it connected. */
  long connections();

  /** Times the state was taken as a whole; the first time is one. */
  long snapshots();

  /**
   * What keeps it from following until a person mends it, and how; empty: it follows, or the owner
   * cannot be reached.
   */
  String problem();

  /** Ends it; the state stays as it is. A second call does nothing. */
  @Override
  void close();

  /**
   * Is told what changes, in order, when the state shows it already. Called by one thread at a
   * time, not always the same; what it waits for, following waits for.
   */
  interface Listener {
    /** The next event was applied. */
    void applied(SequencedEvent event);

    /**
     * The state was replaced as a whole: what was derived from it before is to be derived anew.
     * Also the first call, before the first event.
     *
     * @param state {@link #bans}, with other contents
     */
    void replaced(ActiveBans state);
  }
}
