package io.ipsentry.authz.envoy;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.detection.HitReceiver;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/** Remembers the hits of access-log entries. Safe for any thread. */
final class RecordingHits implements HitReceiver {
  final Queue<Hit> logged = new ConcurrentLinkedQueue<>();

  @Override
  public BanEvent.@Nullable Ban request(RuleSet rules, Hit hit) {
    throw new AssertionError("the transport makes no hits of requests: " + hit);
  }

  @Override
  public BanEvent.@Nullable Ban pending(long hi, long lo, long atMillis, @Nullable String scope) {
    throw new AssertionError("the transport asks for no bans");
  }

  @Override
  public boolean logged(RuleSet rules, Hit hit) {
    return logged.add(hit);
  }
}
