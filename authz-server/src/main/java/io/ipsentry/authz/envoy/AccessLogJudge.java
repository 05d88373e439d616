package io.ipsentry.authz.envoy;

import io.ipsentry.detection.HitReceiver;
import io.ipsentry.line.ClientAddress;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleMatcher;
import io.ipsentry.rule.RuleSet;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Entries of access logs to hits, by the rules that are in force when a message comes. Confined to
 * one thread.
 */
final class AccessLogJudge {
  private final Supplier<AccessLogRules> current;
  private final HitReceiver hits;
  private final InstantSource clock;
  private final EnvoyCounters counters;
  private final AccessLogSkimmer skimmer = new AccessLogSkimmer();
  private final Map<String, Source> sources = new HashMap<>();
  private AccessLogRules rules = AccessLogRules.NONE;

  /**
   * @param current what entries are judged by, asked at every message
   */
  AccessLogJudge(
      Supplier<AccessLogRules> current,
      HitReceiver hits,
      InstantSource clock,
      EnvoyCounters counters) {
    this.current = current;
    this.hits = hits;
    this.clock = clock;
    this.counters = counters;
  }

  /** {@code log_name} of a first message; null: it is no valid message; empty: it names none. */
  @Nullable String logName(byte[] message) {
    return skimmer.readName(message) ? skimmer.logName().toString() : null;
  }

  /**
   * Judges the entries of a message.
   *
   * @param trusted whether they count; else they are only counted
   * @return false: it is no valid message
   */
  @SuppressWarnings(
      "ReferenceEquality") // A reload makes new rules; comparing them would cost more.
  boolean judge(byte[] message, String logName, boolean trusted) {
    AccessLogRules now = current.get();
    if (now != rules) {
      rules = now;
      sources.clear();
    }
    AccessLogSource found = rules.source(logName);
    Source source =
        found == null
            ? null
            : sources.computeIfAbsent(found.name(), name -> new Source(found, rules.rules()));
    return skimmer.readEntries(message, new Taken(source, trusted));
  }

  /** The entries of one message. */
  private final class Taken implements AccessLogSkimmer.Entries {
    private final @Nullable Source source;
    private final boolean trusted;

    Taken(@Nullable Source source, boolean trusted) {
      this.source = source;
      this.trusted = trusted;
    }

    @Override
    public void request(RequestFacts facts) {
      counters.logEntries.increment();
      if (!trusted) {
        counters.logUnauthenticated.increment();
      } else if (source == null) {
        counters.logOtherNames.increment();
      } else {
        source.judge(facts);
      }
    }

    @Override
    public void notFinal() {
      counters.logNotFinal.increment();
    }

    @Override
    public void connection() {
      counters.logConnections.increment();
    }
  }

  /** What judges the entries of one source. */
  private final class Source {
    private final RuleSet ruleSet;
    private final RuleMatcher matcher;
    private final ClientAddressResolver resolver;
    private final ClientAddress client = new ClientAddress();

    Source(AccessLogSource config, RuleSet ruleSet) {
      this.ruleSet = ruleSet;
      this.matcher = ruleSet.matcher(Rule.On.LOG, config.name());
      this.resolver = new ClientAddressResolver(config.client());
    }

    void judge(RequestFacts facts) {
      int matched = matcher.match(facts);
      if (matched == 0) {
        return;
      }
      if (resolver.resolve(facts, client) != ClientAddressResolver.Outcome.FOUND) {
        counters.logWithoutAddress.increment();
        return;
      }
      long time = facts.eventTimeMillis(clock.millis());
      for (int i = 0; i < matched; i++) {
        counters.logHits.increment();
        boolean taken =
            hits.logged(
                ruleSet,
                new Hit(
                    matcher.rule(i),
                    client.hi(),
                    client.lo(),
                    client.seenAs(),
                    time,
                    matcher.pattern(i, facts),
                    matcher.patternIdentity(i, facts)));
        if (!taken) {
          counters.logHitsLost.increment();
        }
      }
    }
  }
}
