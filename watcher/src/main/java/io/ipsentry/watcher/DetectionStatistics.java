package io.ipsentry.watcher;

import io.ipsentry.ban.BanPolicy.Decision;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.detection.DetectionCounters;
import io.ipsentry.detection.DetectionObserver;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.rule.Verdict;
import io.ipsentry.watcher.metrics.LatencyHistogram;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * What detection by lines does: its counters, and how long a ban takes from reading the line to the
 * log. Confined to the reading thread, but for the counters.
 */
final class DetectionStatistics implements DetectionObserver {
  private final DetectionCounters counters;
  private final LongSupplier nanoTicker;
  private final LatencyHistogram banLatency;
  private final List<Long> pendingSince = new ArrayList<>();
  private long lineReadAt;

  DetectionStatistics(LongSupplier nanoTicker, LatencyHistogram banLatency) {
    this.counters = new DetectionCounters(nanoTicker);
    this.nanoTicker = nanoTicker;
    this.banLatency = banLatency;
  }

  DetectionCounters counters() {
    return counters;
  }

  /** A round of reading begins. */
  void reading() {
    lineReadAt = nanoTicker.getAsLong();
  }

  @Override
  public void rules(RuleSet rules) {
    counters.rules(rules);
  }

  @Override
  public void judged(Hit hit, Verdict verdict) {
    counters.judged(hit, verdict);
  }

  @Override
  public void decided(Verdict.Reached reached, Decision decision) {
    if (decision instanceof Decision.Ban) {
      pendingSince.add(lineReadAt);
    }
    counters.decided(reached, decision);
  }

  @Override
  public void appended(List<SequencedEvent> events) {
    long now = nanoTicker.getAsLong();
    pendingSince.forEach(since -> banLatency.recordNanos(now - since));
    pendingSince.clear();
    counters.appended(events);
  }

  @Override
  public void appendFailed(String reason) {
    counters.appendFailed(reason);
  }
}
