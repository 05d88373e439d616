package io.ipsentry.authz.hits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.authz.forward.HitReplicas;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hits reported to a replica that does not lead, while the leader changes. */
final class RelayedHitsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final RuleSet RULES =
      RuleSet.compile(List.of(io.ipsentry.config.Config.defaults().rules().getFirst()));

  private final HitReplicas replicas;
  private long reported;

  RelayedHitsTest(@TempDir Path directory) {
    replicas = new HitReplicas(directory, 3);
  }

  @AfterEach
  void close() {
    replicas.close();
  }

  private HitReportClient report(int replica, long seed) {
    return new HitReportClient(
            new HitReportClient.Parts(
                replicas.as(replica, "ann"),
                () -> {},
                "reporter-1",
                100_000,
                new Random(seed),
                (lastHit, head) -> {}))
        .start();
  }

  private void hit(HitReportClient reporter, int hits) {
    for (int i = 0; i < hits; i++) {
      assertThat(
              reporter.report(
                  RULES, new Hit(0, 0, 0x0000ffffcb007107L, SeenAs.PEER, reported + 1, "^/x", 7)))
          .isPositive();
      reported++;
    }
  }

  private Map<Long, Integer> eachOnce() {
    Map<Long, Integer> expected = new TreeMap<>();
    for (long number = 1; number <= reported; number++) {
      expected.put(number, 1);
    }
    return expected;
  }

  private void lead(int replica, ModelOwner owner) {
    replicas.lead(replica, new HitServiceEndpoint(owner.ledger, owner));
  }

  @Test
  void report_atAStandby_reachesTheLeaderUnderTheReportersOwnName() throws InterruptedException {
    ModelOwner owner = new ModelOwner();
    lead(0, owner);
    try (HitReportClient reporter = report(1, 1)) {
      hit(reporter, 3_000);

      assertThat(reporter.awaitDecided(PATIENCE)).isTrue();
      assertThat(owner.counts()).containsExactlyInAnyOrderEntriesOf(eachOnce());
      assertThat(owner.ledger.hello("ann/reporter-1").counted()).isEqualTo(3_000);
      assertThat(replicas.relayed(1)).isEqualTo(1);
      assertThat(replicas.relayed(0)).isZero();
    }
    await().atMost(PATIENCE).until(() -> replicas.relayed(1) == 0);
  }

  /** A leader that has no room stops the reporter, not the memory of the standby. */
  @Test
  void report_leaderHasNoRoom_waits() throws InterruptedException {
    ModelOwner owner = new ModelOwner();
    owner.full(true);
    lead(0, owner);
    try (HitReportClient reporter = report(1, 1)) {
      hit(reporter, 50_000);
      await().atMost(PATIENCE).until(() -> reporter.statistics().connected());
      assertThat(owner.counts()).isEmpty();
      assertThat(reporter.statistics().sent()).isLessThan(50_000);

      owner.full(false);

      assertThat(reporter.awaitDecided(PATIENCE)).isTrue();
      assertThat(owner.counts()).containsExactlyInAnyOrderEntriesOf(eachOnce());
    }
  }

  /** Whoever leads goes on from what the one before had stored. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void report_leaderChanges_countsEachHitOnce(long seed) throws InterruptedException {
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    ModelOwner owner = new ModelOwner();
    lead(0, owner);
    try (HitReportClient reporter = report(1, seed)) {
      for (int step = 0; step < 30; step++) {
        hit(reporter, random.nextInt(400));
        switch (random.nextInt(4)) {
          case 0 -> {
            // Another leads, who has read what this one stored last.
            ModelOwner.Checkpoint durable = owner.checkpoint();
            owner.ledger.stored();
            hit(reporter, random.nextInt(100));
            replicas.nobodyLeads();
            owner = ModelOwner.from(durable);
            lead(random.nextInt(3), owner);
          }
          case 1 -> {
            ModelOwner.Checkpoint ignored = owner.checkpoint();
            owner.ledger.stored();
          }
          default -> {
            boolean ignored = reporter.awaitDecided(Duration.ofMillis(random.nextInt(50)));
          }
        }
      }
      // What the one before had decided, and not stored, is sent again once the reporter has
      // noticed.
      ModelOwner last = owner;
      await()
          .atMost(PATIENCE)
          .untilAsserted(
              () -> assertThat(last.counts()).containsExactlyInAnyOrderEntriesOf(eachOnce()));
      assertThat(reporter.awaitDecided(PATIENCE)).isTrue();
      assertThat(last.counts()).containsExactlyInAnyOrderEntriesOf(eachOnce());
      assertThat(reporter.statistics().lost()).isZero();
    }
  }
}
