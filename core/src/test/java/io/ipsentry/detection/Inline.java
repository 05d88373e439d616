package io.ipsentry.detection;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Ignore;
import io.ipsentry.rule.Match;
import io.ipsentry.rule.PathPattern;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import io.ipsentry.rule.RuleSet;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;

/** Inline rules, hits, and detection over a log, for tests. */
final class Inline {
  static final Duration WINDOW = Duration.ofMinutes(2);
  static final Duration BAN = Duration.ofHours(1);

  private Inline() {}

  static Rule rule(String name, Rule.Mode mode, int threshold) {
    return new Rule(
        new RuleId(name),
        Rule.On.REQUEST,
        mode,
        Match.ofPaths(List.of(PathPattern.counting("^/" + name))),
        Ignore.NOTHING,
        threshold,
        0,
        WINDOW,
        new BanTerms(BAN, null));
  }

  static RuleSet rules(Rule... rules) {
    return RuleSet.compile(List.of(rules));
  }

  static Hit hit(int rule, IpPrefix ip, long atMillis) {
    return new Hit(rule, ip.hi(), ip.lo(), SeenAs.PEER, atMillis, "^/x", 1);
  }

  static BanPolicy policy(int maxNewBansPerMinute) {
    return new BanPolicy(new BanPolicy.Settings("test", maxNewBansPerMinute, 64, false, 7));
  }

  static RequestDetection.Parts parts(
      RuleSet rules, BanPolicy policy, DetectionObserver observer, InstantSource clock) {
    return new RequestDetection.Parts(
        rules,
        4 << 20,
        64,
        policy,
        ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)),
        observer,
        clock,
        System::nanoTime,
        nanos -> {});
  }

  static BanWriter writer(BanLog log, BanPolicy policy, InstantSource clock) {
    return new BanWriter(log, new ActiveBans(), clock, policy::observe);
  }

  static RequestDetection detection(RuleSet rules, BanWriter writer, InstantSource clock) {
    return RequestDetection.appending(
        parts(rules, policy(0), DetectionObserver.NONE, clock), writer, (r, hit) -> false);
  }

  /** Judges a request that is a hit as servers do; true: it is let through. */
  static boolean passes(
      RequestDetection detection, ActiveBans state, RuleSet rules, int rule, IpPrefix ip, long at) {
    if (isBanned(detection, state, ip, at)) {
      return false;
    }
    return detection.request(rules, hit(rule, ip, at)) == null;
  }

  static boolean isBanned(RequestDetection detection, ActiveBans state, IpPrefix ip, long at) {
    return detection.pending(ip.hi(), ip.lo(), at, null) != null
        || state.isBanned(ip.hi(), ip.lo(), at, null);
  }
}
