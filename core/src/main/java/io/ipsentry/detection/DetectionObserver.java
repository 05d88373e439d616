package io.ipsentry.detection;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy.Decision;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.rule.Verdict;
import java.util.List;

/**
 * Is told what detection does, for metrics, messages and tests: of lines on the thread that reads,
 * of requests by the thread that counts, one at a time, and by the thread that appends.
 */
public interface DetectionObserver {
  /** Is told nothing. */
  DetectionObserver NONE = new DetectionObserver() {};

  /** Hits and verdicts have the numbers of these rules from now on. */
  default void rules(RuleSet rules) {}

  /** A hit was counted, or not. */
  default void judged(Hit hit, Verdict verdict) {}

  /** A rule was reached. */
  default void decided(Verdict.Reached reached, Decision decision) {}

  /** Bans are in the log. */
  default void appended(List<SequencedEvent> events) {}

  /** A ban holds in this process, which does not append it. */
  default void provisional(BanEvent.Ban ban) {}

  /** Bans could not be appended now and are kept. */
  default void appendFailed(String reason) {}

  /** A rule was reached, but so many bans wait to be appended that no more is decided. */
  default void noRoom(Verdict.Reached reached) {}
}
