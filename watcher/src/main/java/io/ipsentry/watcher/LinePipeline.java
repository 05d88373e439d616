package io.ipsentry.watcher;

import io.ipsentry.detection.HitSink;
import io.ipsentry.line.ClientAddress;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.line.LineDecoder;
import io.ipsentry.line.Relevance;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleMatcher;
import io.ipsentry.watcher.source.LineHandler;

/**
 * Takes the lines of one stream to hits: decode, match, and only for a hit resolve the client and
 * read the time. A line that is no hit allocates nothing. While who asks is watched, the client is
 * resolved for every line. Confined to the reading thread.
 */
final class LinePipeline implements LineHandler {
  private final LineDecoder decoder;
  private final ClientAddressResolver resolver;
  private final LineCounters counters;
  private final HitSink sink;
  private final RequestWatch watch;
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
      HitSink sink,
      RequestWatch watch) {
    this.decoder = decoder;
    this.matcher = matcher;
    this.resolver = resolver;
    this.counters = counters;
    this.sink = sink;
    this.watch = watch;
    facts.relevance(matcher);
  }

  /** Judges by other rules from the next line on. */
  void matcher(RuleMatcher now) {
    matcher = now;
  }

  @Override
  public boolean line(byte[] b, int from, int to, long observedAtMillis) {
    counters.line();
    boolean watches = watch.watches();
    facts.relevance(watches ? Relevance.ALL : matcher);
    switch (decoder.decode(b, from, to, facts)) {
      case FACTS -> judge(observedAtMillis, watches);
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

  private void judge(long observedAtMillis, boolean watches) {
    int hits = matcher.match(facts);
    if (hits == 0 && !watches) {
      return;
    }
    boolean isFound = resolver.resolve(facts, client) == ClientAddressResolver.Outcome.FOUND;
    if (isFound && watches) {
      watch(observedAtMillis);
    }
    if (hits == 0) {
      return;
    }
    if (!isFound) {
      counters.lineWithoutAddress();
      return;
    }
    counters.hitLine();
    hit(hits, observedAtMillis);
  }

  /** The time is read only where it matters. */
  private void watch(long observedAtMillis) {
    if (client.seenAs() == SeenAs.PEER
        && watch.isSuspect(client.hi(), client.lo(), observedAtMillis)) {
      watch.request(client.hi(), client.lo(), facts.eventTimeMillis(observedAtMillis));
    }
  }

  private void hit(int hits, long observedAtMillis) {
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
