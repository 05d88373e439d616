package io.ipsentry.detection;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy.Decision;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleId;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.rule.Verdict;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts what detection does and says it in the log of the process: every ban, and of what may come
 * in floods (refusals, bans that wait, failures) at most one message every {@value #QUIET_SECONDS}
 * s.
 *
 * <p>Counters of a rule outlive a reload of the configuration. Safe for any thread.
 */
public final class DetectionCounters implements DetectionObserver {
  private static final long QUIET_SECONDS = 10;
  private static final Logger logger = LoggerFactory.getLogger(DetectionCounters.class);

  /**
   * Numbers of one rule.
   *
   * @param hits that counted
   * @param belowFloor hits that did not: the address was banned then
   * @param bans appended, or made locally where this process does not append
   * @param shadowBans that it would have made in shadow mode
   * @param refused bans that were not made because the address is protected
   * @param deferred candidates that had to wait under the limit of new bans
   */
  public record RuleNumbers(
      long hits, long belowFloor, long bans, long shadowBans, long refused, long deferred) {
    /** Both together. */
    public RuleNumbers plus(RuleNumbers other) {
      return new RuleNumbers(
          hits + other.hits,
          belowFloor + other.belowFloor,
          bans + other.bans,
          shadowBans + other.shadowBans,
          refused + other.refused,
          deferred + other.deferred);
    }
  }

  private static final class Counters {
    final LongAdder hits = new LongAdder();
    final LongAdder belowFloor = new LongAdder();
    final LongAdder bans = new LongAdder();
    final LongAdder shadowBans = new LongAdder();
    final LongAdder refused = new LongAdder();
    final LongAdder deferred = new LongAdder();
  }

  private final Map<RuleId, Counters> byName = new ConcurrentHashMap<>();
  private final Map<String, LongAdder> refused = new ConcurrentHashMap<>();
  private final LongAdder appendFailures = new LongAdder();
  private final LongSupplier nanoTicker;
  private final Map<String, Long> lastSaid = new ConcurrentHashMap<>();
  private volatile Counters[] byNumber = new Counters[0];
  private volatile String storeProblem = "";

  /**
   * @param nanoTicker elapsed time, nanoseconds
   */
  public DetectionCounters(LongSupplier nanoTicker) {
    this.nanoTicker = nanoTicker;
  }

  @Override
  public void rules(RuleSet rules) {
    byNumber = rules.rules().stream().map(rule -> counters(rule.id())).toArray(Counters[]::new);
  }

  private Counters counters(RuleId rule) {
    return byName.computeIfAbsent(rule, r -> new Counters());
  }

  /** Numbers of a rule; zeros if it never counted. */
  public RuleNumbers rule(RuleId rule) {
    Counters counters = counters(rule);
    return new RuleNumbers(
        counters.hits.sum(),
        counters.belowFloor.sum(),
        counters.bans.sum(),
        counters.shadowBans.sum(),
        counters.refused.sum(),
        counters.deferred.sum());
  }

  /** Refused bans by the kind of protection, in order of its name. */
  public Map<String, Long> refused() {
    Map<String, Long> counts = new TreeMap<>();
    refused.forEach((kind, count) -> counts.put(kind, count.sum()));
    return counts;
  }

  /** Times that the log of bans could not be written. */
  public long appendFailures() {
    return appendFailures.sum();
  }

  /** Why the store cannot be used at the moment; empty: it can. */
  public String storeProblem() {
    return storeProblem;
  }

  /** The store was read and has taken all that was to be written. */
  public void storeWorks() {
    if (!storeProblem.isEmpty()) {
      storeProblem = "";
      logger.atInfo().log("the store works again");
    }
  }

  @Override
  public void judged(Hit hit, Verdict verdict) {
    Counters counters = byNumber[hit.rule()];
    (verdict instanceof Verdict.BelowFloor ? counters.belowFloor : counters.hits).increment();
  }

  @Override
  public void decided(Verdict.Reached reached, Decision decision) {
    // A ban is counted when it is in the log. The first of a process is on its way there, and must
    // not wait for the switch to be linked.
    if (decision instanceof Decision.Ban) {
      return;
    }
    Counters counters = counters(reached.rule().id());
    switch (decision) {
      case Decision.Ban ban -> {}
      case Decision.Shadow shadow -> {
        counters.shadowBans.increment();
        say("would ban (shadow mode)", shadow.event());
      }
      case Decision.Refused refusal -> {
        counters.refused.increment();
        String kind = refusal.protection().kind().wireName();
        refused.computeIfAbsent(kind, k -> new LongAdder()).increment();
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
        counters.deferred.increment();
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
    storeWorks();
    for (SequencedEvent event : events) {
      if (event.event() instanceof BanEvent.Ban ban) {
        counters(RuleId.of(ban.rule(), ban.scope())).bans.increment();
        Instant until = ban.until();
        boolean ended = until != null && !until.isAfter(ban.at());
        say(ended ? "banned; by the time of its evidence the ban is over" : "banned", ban);
      }
    }
  }

  @Override
  public void provisional(BanEvent.Ban ban) {
    counters(RuleId.of(ban.rule(), ban.scope())).bans.increment();
    say("banned here until the owner of the log decides", ban);
  }

  @Override
  public void appendFailed(String reason) {
    appendFailures.increment();
    storeProblem = reason;
    if (maySay("append")) {
      logger
          .atError()
          .addKeyValue("reason", reason)
          .log("cannot append to the ban log; decided bans are kept and tried again");
    }
  }

  @Override
  public void noRoom(Verdict.Reached reached) {
    if (maySay("no room")) {
      logger
          .atError()
          .addKeyValue("rule", reached.rule().id())
          .log("too many bans wait for the ban log; hits are refused, but make no more bans");
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
}
