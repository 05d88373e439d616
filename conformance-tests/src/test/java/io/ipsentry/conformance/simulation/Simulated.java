package io.ipsentry.conformance.simulation;

import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.detection.DetectionObserver;
import io.ipsentry.detection.RequestDetection;
import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Ignore;
import io.ipsentry.rule.Match;
import io.ipsentry.rule.PathPattern;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import io.ipsentry.rule.RuleSet;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** What all simulated processes have in common. */
final class Simulated {
  /** Time stands still, so that no window and no ban ends. */
  static final Instant NOW = Instant.parse("2026-11-21T07:00:00Z");

  static final int THRESHOLD = 4;

  static final RuleSet RULES =
      RuleSet.compile(
          List.of(
              new Rule(
                  new RuleId("probing"),
                  Rule.On.REQUEST,
                  Rule.Mode.ENFORCE,
                  Match.ofPaths(List.of(PathPattern.counting("^/x"))),
                  Ignore.NOTHING,
                  THRESHOLD,
                  0,
                  Duration.ofMinutes(10),
                  new BanTerms(Duration.ofHours(1), null))));

  private Simulated() {}

  static RequestDetection.Parts parts(ProtectedPrefixes protection) {
    return new RequestDetection.Parts(
        RULES,
        4 << 20,
        64,
        new BanPolicy(new BanPolicy.Settings("test", 0, 64, false, 7)),
        protection,
        DetectionObserver.NONE,
        () -> NOW,
        System::nanoTime,
        nanos -> {});
  }
}
