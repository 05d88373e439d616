package io.ipsentry.fail2ban;

import io.ipsentry.rule.BanTerms;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;

/**
 * One jail: which lines, what is a failure, and when failures ban.
 *
 * @param logs paths and globs of its logs; empty: it reads the journal
 * @param journal what is read of the journal, as arguments of {@code journalctl}
 * @param logTimezone of stamps that name none; empty: that of the host
 * @param maxretry failures within {@code findtime} that ban
 * @param ignoreip as written: addresses, prefixes, {@code file:PATH}, names
 * @param ignoreipPlace where that is written; empty: nowhere
 * @param actions as written, for people
 * @param notes what of it has no meaning here, or another one
 */
public record Jail(
    String name,
    String filterName,
    Filter filter,
    List<String> logs,
    List<String> journal,
    Optional<ZoneOffset> logTimezone,
    int maxretry,
    Duration findtime,
    BanTerms ban,
    List<String> ignoreip,
    String ignoreipPlace,
    List<Action> actions,
    List<Note> notes) {

  /**
   * Something that is done otherwise.
   *
   * @param place file and line; empty when it is written nowhere
   */
  public record Note(String place, String text) {
    @Override
    public String toString() {
      return place.isEmpty() ? text : place + ": " + text;
    }
  }

  /**
   * What fail2ban would have done with a ban.
   *
   * @param place file and line
   */
  public record Action(String name, String place) {}

  public Jail {
    logs = List.copyOf(logs);
    journal = List.copyOf(journal);
    ignoreip = List.copyOf(ignoreip);
    actions = List.copyOf(actions);
    notes = List.copyOf(notes);
  }
}
