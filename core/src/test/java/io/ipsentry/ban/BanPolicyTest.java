package io.ipsentry.ban;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.BanPolicy.Decision;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Escalation;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Ignore;
import io.ipsentry.rule.Match;
import io.ipsentry.rule.PathPattern;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.rule.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class BanPolicyTest {
  private static final Instant NOW = Instant.parse("2026-11-21T07:00:00.500Z");
  private static final ProtectedPrefixes RESERVED =
      ProtectedPrefixes.of(ProtectedPrefixes.reserved(true));

  private final ActiveBans state = new ActiveBans();
  private long seq;

  private static BanPolicy policy(int maxNewBansPerMinute) {
    return new BanPolicy(new BanPolicy.Settings("watcher", maxNewBansPerMinute, 64, true, 7));
  }

  private static Rule rule(Rule.Mode mode, BanTerms terms) {
    return new Rule(
        new RuleId("probing"),
        Rule.On.LOG,
        mode,
        Match.ofPaths(List.of(PathPattern.counting("^/x"))),
        Ignore.NOTHING,
        3,
        2,
        Duration.ofMinutes(2),
        terms);
  }

  private static Verdict.Reached reached(String address, Rule rule, Instant evidenceAt, int hits) {
    IpPrefix ip = IpPrefix.parse(address);
    long at = evidenceAt.toEpochMilli();
    Hit hit = new Hit(0, ip.hi(), ip.lo(), SeenAs.PEER, at, "^/x", 1);
    return new Verdict.Reached(rule, 0, ip.hi(), ip.lo(), hit, hits, at);
  }

  private Decision decide(BanPolicy policy, String address, Rule rule, Instant evidenceAt) {
    return policy.decide(reached(address, rule, evidenceAt, 3), state, RESERVED, NOW);
  }

  private static BanEvent.Ban ban(Decision decision) {
    return ((Decision.Ban) decision).event();
  }

  private void append(BanPolicy policy, BanEvent event) {
    state.apply(new SequencedEvent(++seq, event));
    policy.observe(event);
  }

  private static final Rule DAY = rule(Rule.Mode.ENFORCE, BanTerms.DEFAULT);
  private static final RuleSet RULES = RuleSet.compile(List.of(DAY));

  @Test
  void decide_reachedRule_bansFromTheEvidenceOn() {
    Instant evidence = NOW.minusMillis(500);

    BanEvent.Ban ban = ban(decide(policy(1000), "203.0.113.7", DAY, evidence));

    assertThat(ban)
        .isEqualTo(
            new BanEvent.Ban(
                NOW,
                IpPrefix.parse("203.0.113.7"),
                evidence.plus(Duration.ofHours(24)),
                "probing",
                "^/x",
                3,
                SeenAs.PEER,
                "watcher",
                1,
                evidence,
                null));
  }

  @Test
  void decide_ipv6_bansTheNetworkAndWidensAtTheFourthNeighbour() {
    BanPolicy policy = policy(1000);
    for (int i = 0; i < 3; i++) {
      BanEvent.Ban ban = ban(decide(policy, "2001:db8:0:" + i + "::9", DAY, NOW));
      assertThat(ban.ip().bits()).isEqualTo(64);
      append(policy, ban);
    }

    assertThat(ban(decide(policy, "2001:db8:0:3::9", DAY, NOW)).ip()).hasToString("2001:db8::/56");
  }

  @Test
  void decide_widerBanWouldCoverAnAllowedAddress_staysNarrow() {
    BanPolicy policy = policy(1000);
    append(policy, new BanEvent.Allow(NOW, IpPrefix.parse("2001:db8:0:ff::1"), null, "cli", ""));
    for (int i = 0; i < 3; i++) {
      append(policy, ban(decide(policy, "2001:db8:0:" + i + "::9", DAY, NOW)));
    }

    assertThat(ban(decide(policy, "2001:db8:0:3::9", DAY, NOW)).ip())
        .hasToString("2001:db8:0:3::/64");
  }

  @Test
  void decide_protectedOrAllowedAddress_isRefusedWithTheReason() {
    BanPolicy policy = policy(1000);
    append(policy, new BanEvent.Allow(NOW, IpPrefix.parse("203.0.113.0/24"), null, "cli", ""));

    assertThat(decide(policy, "10.1.2.3", DAY, NOW))
        .isInstanceOfSatisfying(
            Decision.Refused.class,
            refused -> assertThat(refused.protection().toString()).contains("10.0.0.0/8"));
    assertThat(decide(policy, "203.0.113.7", DAY, NOW))
        .isInstanceOfSatisfying(
            Decision.Refused.class,
            refused -> assertThat(refused.protection().kind()).isEqualTo(Protection.Kind.ALLOW));
  }

  @Test
  void decide_evidenceOlderThanTheBanIsLong_isABanThatHasEndedAndTakesNoRoom() {
    BanPolicy policy = policy(1);
    Instant twoDaysAgo = NOW.minus(Duration.ofDays(2));
    for (int i = 0; i < 5; i++) {
      BanEvent.Ban ban = ban(decide(policy, "203.0.113." + i, DAY, twoDaysAgo));
      append(policy, ban);
      assertThat(ban.until()).isEqualTo(twoDaysAgo.plus(Duration.ofDays(1)));
    }

    assertThat(state.list(NOW)).isEmpty();
    assertThat(state.lastOffence(IpPrefix.parse("203.0.113.1"))).isPresent();
    assertThat(decide(policy, "203.0.113.9", DAY, NOW)).isInstanceOf(Decision.Ban.class);
  }

  @Test
  void decide_offenceWithinForget_escalates() {
    Escalation escalation =
        new Escalation(1, List.of(1.0, 5.0), null, Duration.ZERO, Duration.ofDays(2));
    Rule rule = rule(Rule.Mode.ENFORCE, new BanTerms(Duration.ofHours(1), escalation));
    BanPolicy policy = policy(1000);
    Instant first = NOW.minus(Duration.ofDays(1));
    append(
        policy,
        ((Decision.Ban)
                policy.decide(reached("203.0.113.7", rule, first, 3), state, RESERVED, first))
            .event());

    BanEvent.Ban second = ban(decide(policy, "203.0.113.7", rule, NOW));

    assertThat(second.offence()).isEqualTo(2);
    assertThat(second.until()).isEqualTo(NOW.plus(Duration.ofHours(5)));
    Instant muchLater = NOW.plus(Duration.ofDays(3));
    Decision third =
        policy.decide(reached("203.0.113.7", rule, muchLater, 3), state, RESERVED, muchLater);
    assertThat(ban(third).offence()).isEqualTo(1);
  }

  @Test
  void decide_shadowRule_neverBans() {
    Rule shadow = rule(Rule.Mode.SHADOW, BanTerms.DEFAULT);

    assertThat(decide(policy(1), "203.0.113.7", shadow, NOW)).isInstanceOf(Decision.Shadow.class);
    assertThat(decide(policy(1), "203.0.113.8", shadow, NOW)).isInstanceOf(Decision.Shadow.class);
  }

  @Test
  void decide_moreThanTheLimitAMinute_weakestWaitAndStrongestGoFirst() {
    BanPolicy policy = policy(2);
    assertThat(decide(policy, "203.0.113.1", DAY, NOW)).isInstanceOf(Decision.Ban.class);
    assertThat(decide(policy, "203.0.113.2", DAY, NOW)).isInstanceOf(Decision.Ban.class);
    for (int i = 3; i < 9; i++) {
      Verdict.Reached candidate = reached("203.0.113." + i, DAY, NOW, i);
      assertThat(policy.decide(candidate, state, RESERVED, NOW))
          .isInstanceOf(Decision.Deferred.class);
    }

    assertThat(policy.release(RULES, NOW.plusSeconds(59))).isEmpty();
    assertThat(policy.waiting(DAY.id())).isEqualTo(6);
    assertThat(policy.release(RULES, NOW.plusSeconds(60)))
        .extracting(Verdict.Reached::hits)
        .containsExactly(8, 7);
    assertThat(policy.deferred(DAY.id())).isEqualTo(6);
  }

  @Test
  void decide_hugeNumberOfCandidates_keepsABoundedNumberOfTheStrongest() {
    BanPolicy policy = policy(1);
    decide(policy, "203.0.113.1", DAY, NOW);
    for (int i = 0; i < BanRate.MAX_WAITING + 5_000; i++) {
      IpPrefix ip = IpPrefix.ofV4(0x0B00_0000 + i);
      Hit hit = new Hit(0, ip.hi(), ip.lo(), SeenAs.PEER, NOW.toEpochMilli(), "^/x", 1);
      policy.decide(
          new Verdict.Reached(DAY, 0, ip.hi(), ip.lo(), hit, i, NOW.toEpochMilli()),
          state,
          RESERVED,
          NOW);
    }

    assertThat(policy.waiting(DAY.id())).isEqualTo(BanRate.MAX_WAITING);
    assertThat(policy.release(RULES, NOW.plusSeconds(60)))
        .extracting(Verdict.Reached::hits)
        .containsExactly(BanRate.MAX_WAITING + 4_999);
  }

  @Test
  void decide_jitter_isTheSameForTheSameBanAndDiffersBySeed() {
    Escalation escalation =
        new Escalation(1, List.of(), null, Duration.ofHours(1), Duration.ofDays(2));
    Rule rule = rule(Rule.Mode.ENFORCE, new BanTerms(Duration.ofHours(1), escalation));
    BanPolicy other = new BanPolicy(new BanPolicy.Settings("watcher", 0, 64, true, 8));

    Instant until = ban(decide(policy(0), "203.0.113.7", rule, NOW)).until();

    assertThat(ban(decide(policy(0), "203.0.113.7", rule, NOW)).until()).isEqualTo(until);
    assertThat(ban(decide(other, "203.0.113.7", rule, NOW)).until()).isNotEqualTo(until);
    assertThat(until).isBetween(NOW.plusSeconds(3_600), NOW.plusSeconds(7_200));
  }
}
