package io.ipsentry.enforcer.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.enforcer.desired.DesiredSet;
import io.ipsentry.enforcer.kernel.PacketFilter;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Bans, allows, refusals of the kernel, strangers who change it, and a clock that jumps, all at
 * once: in the end the kernel is what it should be.
 */
final class EnforcementLoopSimulationTest {
  private static final int STEPS = 3_000;
  private static final Duration POLL = Duration.ofMillis(1);

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13, 14})
  void anything_whileTheLoopRuns_endsInTheDesiredSet(long seed) {
    Random random = new Random(seed);
    try (LoopRig rig = LoopRig.often()) {
      rig.loop.start();
      for (int step = 0; step < STEPS; step++) {
        step(rig, random);
      }
      rig.kernel.refuseWith(null, 0);

      await("seed " + seed)
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(() -> assertConverged(rig));
      assertThat(rig.loop.status().head()).isEqualTo(rig.bans.head());
    }
  }

  /**
   * Bans come and go while the kernel is read back again and again, and nobody else touches it:
   * each is carried out once, and none is ever taken for a fault.
   */
  @ParameterizedTest
  @ValueSource(longs = {21, 22, 23})
  void events_duringListings_areNeverRepaired(long seed) {
    Random random = new Random(seed);
    try (LoopRig rig = new LoopRig(EnforcerConfig.OnExit.KEEP, Duration.ofNanos(1))) {
      // It takes its time, so that much comes in between.
      rig.kernel.duringRead(shown -> {
        List<String> ignored = rig.kernel.texts();
      });
      rig.loop.start();
      await().until(() -> rig.loop.status().isEnforcing());
      for (int step = 0; step < STEPS; step++) {
        String ip = prefix(random);
        if (random.nextInt(3) == 0) {
          rig.unban(ip);
        } else {
          Duration length = Duration.ofSeconds(60 + random.nextInt(9_000));
          rig.ban(ip, random.nextInt(6) == 0 ? null : length, SeenAs.PEER);
        }
        if (random.nextInt(4) == 0) {
          long head = rig.bans.head();
          await().pollInterval(POLL).until(() -> rig.loop.status().head() >= head - 8);
        }
      }

      await("seed " + seed)
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(() -> assertConverged(rig));
      EnforcerStatus status = rig.loop.status();
      assertThat(status.repairs()).as("seed %d", seed).isZero();
      assertThat(status.failures()).isEmpty();
      System.out.printf("seed %d: %d events, %d read-backs%n", seed, STEPS, status.syncs());
    }
  }

  private static void step(LoopRig rig, Random random) {
    String ip = prefix(random);
    Duration length = random.nextInt(6) == 0 ? null : Duration.ofSeconds(random.nextInt(9_000));
    switch (random.nextInt(20)) {
      case 0 -> rig.unban(ip);
      case 1 -> rig.allow(ip, length);
      case 2 -> rig.now.addAndGet(random.nextInt(60_000) - 5_000L);
      case 3 -> rig.kernel.forget(IpPrefix.parse(ip));
      case 4 -> rig.kernel.tamper(ip, rig.end(Duration.ofSeconds(random.nextInt(1_000))));
      case 5 -> {
        List<Cause> causes = List.of(Cause.values());
        rig.kernel.refuseWith(causes.get(random.nextInt(causes.size())), random.nextInt(3));
      }
      case 6 -> {
        rig.protectedPrefixes.set(PrefixSet.parse(prefix(random)));
        rig.loop.sparedChanged();
      }
      case 7 -> {
        if (random.nextInt(10) == 0) {
          rig.kernel.destroy();
        }
      }
      default -> rig.ban(ip, length, List.of(SeenAs.values()).get(random.nextInt(4)));
    }
  }

  private static void assertConverged(LoopRig rig) {
    long now = rig.now.get();
    DesiredSet desired = new DesiredSet(rig.bans);
    desired.refresh(rig.protectedPrefixes.get(), PrefixSet.empty(), now, ip -> {});
    desired.rebuild(now);
    Map<IpPrefix, Long> wanted = new TreeMap<>();
    desired.forEach(now, (ip, until) -> wanted.merge(ip, until, Math::max));
    Map<IpPrefix, Long> actual = rig.kernel.elements();
    assertThat(rig.loop.status().isEnforcing()).isTrue();
    wanted.forEach((ip, until) -> {
      if (until - now > 2_000) {
        assertThat(actual).containsKey(ip);
      }
    });
    actual.forEach((ip, until) -> {
      Long end = wanted.get(ip);
      if (end == null) {
        assertThat(until - now).as("%s is foreign", ip).isLessThanOrEqualTo(2_000);
      } else if (end == PacketFilter.FOR_EVER) {
        assertThat(until).as("%s", ip).isEqualTo(PacketFilter.FOR_EVER);
      } else {
        assertThat(Math.abs(until - end)).as("%s", ip).isLessThanOrEqualTo(2_000);
      }
    });
  }

  private static String prefix(Random random) {
    IpPrefix ip =
        random.nextInt(3) == 0
            ? IpPrefix.address(0x2001_0db8_0000_0000L, random.nextInt(64))
                .truncate(120 + random.nextInt(9))
            : IpPrefix.ofV4(0xcb00_7100 | random.nextInt(256)).truncate(24 + random.nextInt(9));
    return ip.toString();
  }
}
