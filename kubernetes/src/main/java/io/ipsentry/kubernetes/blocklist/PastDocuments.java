package io.ipsentry.kubernetes.blocklist;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.CompactedException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What a blocklist showed, told again from the log: the fold up to its version, at its time.
 * Confined to one thread.
 */
final class PastDocuments {
  private static final int READ_BATCH = 10_000;

  private final BanLog log;

  PastDocuments(BanLog log) {
    this.log = log;
  }

  /** What a document shows, or why that cannot be told. */
  sealed interface Answer {
    /** It showed this. */
    record Known(ShownBans shown) implements Answer {}

    /** Nobody can tell, for people. */
    record Refused(String why) implements Answer {}
  }

  /**
   * What was shown.
   *
   * @throws BanLogException if the log cannot be read
   */
  Answer find(DocumentStamp stamp) {
    long head = log.head();
    if (stamp.version() > head) {
      return new Answer.Refused(
          "it says that it is made from version "
              + stamp.version()
              + ", but the newest is "
              + head
              + "; open the blocklist again and edit that");
    }
    try {
      Optional<ActiveBans> state = state(stamp);
      if (state.isPresent()) {
        return new Answer.Known(ShownBans.of(state.get(), stamp.at()));
      }
    } catch (CompactedException e) {
      // As if it were not there: it is not, any more.
    }
    return new Answer.Refused(
        "version "
            + stamp.version()
            + ", which it is made from, is no longer kept; open the blocklist again and edit that");
  }

  private Optional<ActiveBans> state(DocumentStamp stamp) {
    ActiveBans state = start(Instant.MAX);
    if (state.head() > stamp.version()) {
      state = start(stamp.at());
    }
    if (state.head() > stamp.version()) {
      return Optional.empty();
    }
    while (state.head() < stamp.version()) {
      long wanted = Math.min(READ_BATCH, stamp.version() - state.head());
      List<SequencedEvent> events = log.read(state.head() + 1, (int) wanted);
      events.forEach(state::apply);
    }
    return Optional.of(state);
  }

  private ActiveBans start(Instant upTo) {
    return log.snapshot(upTo, ActiveBans.Limits.DEFAULT).orElseGet(ActiveBans::new);
  }
}
