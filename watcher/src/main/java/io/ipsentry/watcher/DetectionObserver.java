package io.ipsentry.watcher;

import io.ipsentry.ban.BanPolicy.Decision;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Verdict;
import java.util.List;

/** Is told what detection does, for metrics, messages and tests; called on its thread. */
interface DetectionObserver {
  /** Is told nothing. */
  DetectionObserver NONE = new DetectionObserver() {};

  /** A hit was counted, or not. */
  default void judged(Hit hit, Verdict verdict) {}

  /** A rule was reached. */
  default void decided(Verdict.Reached reached, Decision decision) {}

  /** Bans are in the log. */
  default void appended(List<SequencedEvent> events) {}

  /** Bans could not be appended now and are kept. */
  default void appendFailed(String reason) {}
}
