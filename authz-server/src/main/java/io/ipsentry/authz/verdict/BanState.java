package io.ipsentry.authz.verdict;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.FeedPrefixes;
import java.time.Duration;

/** What this process knows of the ban log. Asked at every request; safe for any thread. */
public interface BanState {
  /** The fold of the log, as far as it is known here; always the same object. */
  ActiveBans bans();

  /** Prefixes that are banned without an event each. */
  default FeedPrefixes feeds() {
    return FeedPrefixes.NONE;
  }

  /** Whether the whole log was read once; before that nobody can be judged. */
  boolean isSynced();

  /** How long ago it was last known to be all there is; zero where the log is in this process. */
  Duration age();

  /**
   * A banned address asks, and was the source of the packets: nothing before the gateway held them
   * back. Called before the answer; must not wait.
   */
  default void stillAsks(long hi, long lo, long atMillis) {}

  /** The state of a process that has the log itself, and has read it. */
  static BanState own(ActiveBans bans) {
    return new BanState() {
      @Override
      public ActiveBans bans() {
        return bans;
      }

      @Override
      public boolean isSynced() {
        return true;
      }

      @Override
      public Duration age() {
        return Duration.ZERO;
      }
    };
  }
}
