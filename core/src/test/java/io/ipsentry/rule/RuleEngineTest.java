package io.ipsentry.rule;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class RuleEngineTest {
  private static final long BUDGET = 4 << 20;
  private static final String V4 = "203.0.113.7";

  private static RuleSet rules(String... names) {
    return RuleSet.compile(
        java.util.Arrays.stream(names)
            .map(name -> Rules.named(name).paths("^/" + name).reachedBy(3, 0).build())
            .toList());
  }

  private static Hit hit(int rule, String address, long at) {
    IpPrefix ip = IpPrefix.parse(address);
    return new Hit(rule, ip.hi(), ip.lo(), SeenAs.PEER, at, "p", 1);
  }

  private static Verdict last(RuleEngine engine, Floors floors, Hit... hits) {
    Verdict verdict = Verdict.BELOW_FLOOR;
    for (Hit hit : hits) {
      verdict = engine.judge(hit, floors);
    }
    return verdict;
  }

  @Test
  void judge_thirdHit_reachesTheRuleWithItsEvidence() {
    RuleEngine engine = new RuleEngine(rules("a"), BUDGET, 64);

    Verdict verdict = last(engine, Floors.NONE, hit(0, V4, 1), hit(0, V4, 2), hit(0, V4, 3));

    assertThat(verdict)
        .isInstanceOfSatisfying(
            Verdict.Reached.class,
            reached -> {
              assertThat(reached.rule().id()).isEqualTo(new RuleId("a"));
              assertThat(reached.hits()).isEqualTo(3);
              assertThat(reached.evidenceAtMillis()).isEqualTo(3);
            });
  }

  @Test
  void judge_taggedAddress_reachesTheRuleEarlier() {
    RuleEngine engine = new RuleEngine(rules("a"), BUDGET, 64);
    String tagged = "192.0.2.70";
    String other = "192.0.2.71";
    engine.tag(Tags.of(List.of(new Tags.Tagged(PrefixSet.parse(tagged), 0.5))));

    // Half of three, rounded up.
    assertThat(engine.judge(hit(0, tagged, 1), Floors.NONE)).isSameAs(Verdict.COUNTED);
    assertThat(engine.judge(hit(0, tagged, 2), Floors.NONE)).isInstanceOf(Verdict.Reached.class);
    assertThat(last(engine, Floors.NONE, hit(0, other, 1), hit(0, other, 2)))
        .isSameAs(Verdict.COUNTED);
    // Hits from before it was tagged count.
    engine.tag(
        Tags.of(
            List.of(
                new Tags.Tagged(PrefixSet.parse("192.0.2.64/26"), 0.9),
                new Tags.Tagged(PrefixSet.parse("192.0.2.72"), 0.1))));
    assertThat(engine.judge(hit(0, other, 3), Floors.NONE)).isInstanceOf(Verdict.Reached.class);
    assertThat(engine.judge(hit(0, "192.0.2.72", 4), Floors.NONE))
        .as("the smaller factor")
        .isInstanceOf(Verdict.Reached.class);
    engine.tag(Tags.NONE);
    assertThat(engine.judge(hit(0, "192.0.2.73", 4), Floors.NONE)).isSameAs(Verdict.COUNTED);
  }

  @Test
  void judge_tagAndDifferentPatterns_areStillTwo() {
    HitWindows.Terms terms = new HitWindows.Terms(10, 5, 1_000);

    assertThat(terms.times(0.01)).isEqualTo(new HitWindows.Terms(1, 2, 1_000));
    assertThat(terms.times(0.5)).isEqualTo(new HitWindows.Terms(5, 3, 1_000));
    assertThat(new HitWindows.Terms(3, 1, 1_000).times(0.1).distinct()).isEqualTo(1);
    assertThat(new HitWindows.Terms(3, 0, 1_000).times(0.1).distinct()).isZero();
  }

  @Test
  void judge_nodeFarBehindAnother_countsWhereThatIsExpected() {
    RuleSet rules = rules("a");
    long ahead = rules.rules().getFirst().window().toMillis() + 30_000;
    Hit[] hits = {hit(0, V4, 1), hit(0, V4, ahead), hit(0, V4, 10), hit(0, V4, 20)};

    assertThat(last(new RuleEngine(rules, BUDGET, 64, 60_000), Floors.NONE, hits))
        .isInstanceOfSatisfying(
            Verdict.Reached.class, reached -> assertThat(reached.evidenceAtMillis()).isEqualTo(20));
    assertThat(last(new RuleEngine(rules, BUDGET, 64), Floors.NONE, hits))
        .isEqualTo(Verdict.COUNTED);
  }

  @Test
  void judge_hitsAtOrBeforeTheFloor_neverCount() {
    RuleEngine engine = new RuleEngine(rules("a"), BUDGET, 64);
    last(engine, Floors.NONE, hit(0, V4, 1), hit(0, V4, 2));
    Floors floor = (rule, hi, lo) -> 2;

    assertThat(last(engine, floor, hit(0, V4, 2))).isEqualTo(Verdict.BELOW_FLOOR);
    assertThat(last(engine, floor, hit(0, V4, 3), hit(0, V4, 4))).isEqualTo(Verdict.COUNTED);
    assertThat(last(engine, floor, hit(0, V4, 5))).isInstanceOf(Verdict.Reached.class);
  }

  @Test
  void judge_ipv6AddressesOfOneNetwork_countAsOneClient() {
    RuleEngine engine = new RuleEngine(rules("a"), BUDGET, 64);

    Verdict verdict =
        last(
            engine,
            Floors.NONE,
            hit(0, "2001:db8::1", 1),
            hit(0, "2001:db8::2", 2),
            hit(0, "2001:db8:0:1::3", 3),
            hit(0, "2001:db8::ffff:3", 4));

    assertThat(verdict).isInstanceOf(Verdict.Reached.class);
    assertThat(engine.trackedAddresses()).isEqualTo(2);
  }

  @Test
  void judge_v4Neighbours_areDifferentClients() {
    RuleEngine engine = new RuleEngine(rules("a"), BUDGET, 48);
    last(engine, Floors.NONE, hit(0, "203.0.113.1", 1), hit(0, "203.0.113.2", 1));

    assertThat(engine.trackedAddresses()).isEqualTo(2);
  }

  @Test
  void reload_rulesMoveAndOneGoes_keepsTheHitsOfThoseThatStay() {
    RuleEngine engine = new RuleEngine(rules("a", "b"), BUDGET, 64);
    last(engine, Floors.NONE, hit(0, V4, 1), hit(1, V4, 1), hit(1, V4, 2));

    engine.reload(rules("c", "b"));

    assertThat(engine.trackedAddresses()).isEqualTo(1);
    assertThat(last(engine, Floors.NONE, hit(1, V4, 3))).isInstanceOf(Verdict.Reached.class);
  }

  @Test
  void readFrom_stateOfOtherRules_mapsThemByName() throws IOException {
    RuleEngine engine = new RuleEngine(rules("a", "b"), BUDGET, 64);
    last(engine, Floors.NONE, hit(0, V4, 1), hit(1, V4, 1), hit(1, V4, 2));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    engine.writeTo(new DataOutputStream(bytes));
    RuleEngine restored = new RuleEngine(rules("b"), BUDGET, 64);
    restored.readFrom(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));

    assertThat(restored.trackedAddresses()).isEqualTo(1);
    assertThat(last(restored, Floors.NONE, hit(0, V4, 3))).isInstanceOf(Verdict.Reached.class);
  }

  @Test
  void forget_afterABan_startsAnew() {
    RuleEngine engine = new RuleEngine(rules("a"), BUDGET, 64);
    Verdict reached = last(engine, Floors.NONE, hit(0, V4, 1), hit(0, V4, 2), hit(0, V4, 3));
    engine.forget((Verdict.Reached) reached);

    assertThat(engine.trackedAddresses()).isZero();
    assertThat(List.of(last(engine, Floors.NONE, hit(0, V4, 4)))).containsExactly(Verdict.COUNTED);
  }
}
