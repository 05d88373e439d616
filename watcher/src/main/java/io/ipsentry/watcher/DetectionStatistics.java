package io.ipsentry.watcher;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy.Decision;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.rule.Verdict;
import io.ipsentry.watcher.metrics.LatencyHistogram;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts what detection does and says it in the log of the process: every ban, and of what may come
 * in floods (refusals, bans that wait, failures) at most one message every {@value #QUIET_SECONDS}
 * s.
 *
 * <p>Written by the detection thread, read by any.
 */
final class DetectionStatistics implements DetectionObserver {
  private static final long QUIET_SECONDS = 10;
  private static final Logger logger = LoggerFactory.getLogger(DetectionStatistics.class);

  /** Counters of one rule; they outlive a reload of the configuration. */
  static final class RuleCounters {
    final AtomicLong hits = new AtomicLong();
    final AtomicLong belowFloor = new AtomicLong();
    final AtomicLong bans = new AtomicLong();
    final AtomicLong shadowBans = new AtomicLong();
    final AtomicLong refused = new AtomicLong();
    final AtomicLong deferred = new AtomicLong();
  }

  private final Map<String, RuleCounters> byName = new ConcurrentHashMap<>();
  private final Map<String, AtomicLong> refused = new ConcurrentHashMap<>();
  private final AtomicLong appendFailures = new AtomicLong();
  private final LongSupplier nanoTicker;
  private final LatencyHistogram banLatency;
  private final List<Long> pendingSince = new ArrayList<>();
  private final Map<String, Long> lastSaid = new ConcurrentHashMap<>();
  private RuleCounters[] byNumber = new RuleCounters[0];
  private long lineReadAt;
  private volatile String storeProblem = "";

  DetectionStatistics(LongSupplier nanoTicker, LatencyHistogram banLatency) {
    this.nanoTicker = nanoTicker;
    this.banLatency = banLatency;
  }

  /** Takes the numbers of these rules from now on. */
  void rules(RuleSet rules) {
    byNumber =
        rules.rules().stream()
            .map(rule -> byName.computeIfAbsent(rule.id().name(), n -> new RuleCounters()))
            .toArray(RuleCounters[]::new);
  }

  RuleCounters rule(Rule rule) {
    return byName.computeIfAbsent(rule.id().name(), n -> new RuleCounters());
  }

  /** Refused bans by the kind of protection, in order of its name. */
  Map<String, Long> refused() {
    Map<String, Long> counts = new TreeMap<>();
    refused.forEach((kind, count) -> counts.put(kind, count.get()));
    return counts;
  }

  long appendFailures() {
    return appendFailures.get();
  }

  /** Why the store cannot be used at the moment; empty: it can. */
  String storeProblem() {
    return storeProblem;
  }

  /** The store was read and has taken all that was to be written. */
  void storeWorks() {
    if (!storeProblem.isEmpty()) {
      storeProblem = "";
      logger.atInfo().log("the store works again");
    }
  }

  /** A round of reading begins. */
  void reading() {
    lineReadAt = nanoTicker.getAsLong();
  }

  @Override
  public void judged(Hit hit, Verdict verdict) {
    RuleCounters counters = byNumber[hit.rule()];
    increment(verdict instanceof Verdict.BelowFloor ? counters.belowFloor : counters.hits);
  }

  @Override
  public void decided(Verdict.Reached reached, Decision decision) {
    RuleCounters counters = byNumber[reached.ruleNumber()];
    switch (decision) {
      case Decision.Ban ban -> pendingSince.add(lineReadAt);
      case Decision.Shadow shadow -> {
        increment(counters.shadowBans);
        say("would ban (shadow mode)", shadow.event());
      }
      case Decision.Refused refusal -> {
        increment(counters.refused);
        String kind = refusal.protection().kind().wireName();
        refused.computeIfAbsent(kind, k -> new AtomicLong()).incrementAndGet();
        if (maySay("refused")) {
          logger
              .atWarn()
              .addKeyValue("ip", refusal.prefix())
              .addKeyValue("rule", reached.rule().id())
              .addKeyValue("protected_by", refusal.protection())
              .log("not banned: the address is protected");
        }
      }
      case Decision.Deferred deferred -> {
        increment(counters.deferred);
        if (maySay("deferred " + reached.rule().id())) {
          logger
              .atError()
              .addKeyValue("rule", reached.rule().id())
              .log("rule reached limits.maxNewBansPerMinute: its weakest candidates wait");
        }
      }
    }
  }

  @Override
  public void appended(List<SequencedEvent> events) {
    long now = nanoTicker.getAsLong();
    pendingSince.forEach(since -> banLatency.recordNanos(now - since));
    pendingSince.clear();
    for (SequencedEvent event : events) {
      if (event.event() instanceof BanEvent.Ban ban) {
        RuleCounters counters = byName.get(ban.rule());
        if (counters != null) {
          increment(counters.bans);
        }
        Instant until = ban.until();
        boolean ended = until != null && !until.isAfter(ban.at());
        say(ended ? "banned; by the time of its evidence the ban is over" : "banned", ban);
      }
    }
  }

  @Override
  public void appendFailed(String reason) {
    appendFailures.incrementAndGet();
    storeProblem = reason;
    if (maySay("append")) {
      logger
          .atError()
          .addKeyValue("reason", reason)
          .log("cannot append to the ban log; decided bans are kept and tried again");
    }
  }

  private static void say(String message, BanEvent.Ban ban) {
    logger
        .atInfo()
        .addKeyValue("ip", ban.ip())
        .addKeyValue("rule", ban.rule())
        .addKeyValue("reason", ban.reason())
        .addKeyValue("hits", ban.hits())
        .addKeyValue("until", ban.until())
        .addKeyValue("offence", ban.offence())
        .log(message);
  }

  private boolean maySay(String what) {
    long now = nanoTicker.getAsLong();
    Long last = lastSaid.get(what);
    if (last != null && now - last < QUIET_SECONDS * 1_000_000_000L) {
      return false;
    }
    lastSaid.put(what, now);
    return true;
  }

  private static void increment(AtomicLong counter) {
    counter.lazySet(counter.getPlain() + 1);
  }
}
