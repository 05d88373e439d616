package io.ipsentry.watcher;

import io.ipsentry.detection.HitSink;
import io.ipsentry.line.ClientAddress;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.line.LineDecoder;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleMatcher;
import io.ipsentry.watcher.source.LineHandler;

/**
 * Takes the lines of one stream to hits: decode, match, and only for a hit resolve the client and
 * read the time. A line that is no hit allocates nothing. Confined to the reading thread.
 */
final class LinePipeline implements LineHandler {
  private final LineDecoder decoder;
  private final ClientAddressResolver resolver;
  private final LineCounters counters;
  private final HitSink sink;
  private final RequestFacts facts = new RequestFacts();
  private final ClientAddress client = new ClientAddress();
  private RuleMatcher matcher;

  /** Event time of the last hit: what a hit without a stamp is taken for in a replay. */
  private long lastEventTime;

  LinePipeline(
      LineDecoder decoder,
      RuleMatcher matcher,
      ClientAddressResolver resolver,
      LineCounters counters,
      HitSink sink) {
    this.decoder = decoder;
    this.matcher = matcher;
    this.resolver = resolver;
    this.counters = counters;
    this.sink = sink;
    facts.relevance(matcher);
  }

  /** Judges by other rules from the next line on. */
  void matcher(RuleMatcher now) {
    matcher = now;
    facts.relevance(now);
  }

  @Override
  public boolean line(byte[] b, int from, int to, long observedAtMillis) {
    counters.line();
    switch (decoder.decode(b, from, to, facts)) {
      case FACTS -> judge(observedAtMillis);
      case UNMATCHED -> counters.unmatchedLine();
      case EMPTY, PARTIAL -> {
        // Nothing to judge, or not yet.
      }
    }
    return !decoder.hasParts();
  }

  @Override
  public boolean again(byte[] b, int from, int to) {
    LineDecoder.Outcome ignored = decoder.decode(b, from, to, facts);
    return !decoder.hasParts();
  }

  private void judge(long observedAtMillis) {
    int hits = matcher.match(facts);
    if (hits == 0) {
      return;
    }
    if (resolver.resolve(facts, client) != ClientAddressResolver.Outcome.FOUND) {
      counters.lineWithoutAddress();
      return;
    }
    counters.hitLine();
    long time = facts.eventTimeMillis(observedAtMillis);
    if (time == RequestFacts.NO_TIME) {
      time = lastEventTime;
    }
    lastEventTime = time;
    for (int i = 0; i < hits; i++) {
      sink.hit(
          new Hit(
              matcher.rule(i),
              client.hi(),
              client.lo(),
              client.seenAs(),
              time,
              matcher.pattern(i, facts),
              matcher.patternIdentity(i, facts)));
    }
  }

  @Override
  public String format() {
    return decoder.format().name();
  }

  ClientAddressResolver resolver() {
    return resolver;
  }
}
