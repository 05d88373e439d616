package io.ipsentry.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.Protection;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class StateReconciliationTest {
  private static final IpPrefix ONE = IpPrefix.parse("203.0.113.7");
  private static final IpPrefix TWO = IpPrefix.parse("203.0.113.8");
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final SinkWorld world = new SinkWorld();
  private final FakeStateSink sink = new FakeStateSink();
  private final StateReconciliation work = new StateReconciliation("edge", sink, world.parts());

  private void ban(IpPrefix ip, @Nullable Duration length) {
    world.append(SinkEvents.ban(ip, world.now(), length));
  }

  private void unban(IpPrefix ip) {
    world.append(new BanEvent.Unban(world.now(), ip, "cli", ""));
  }

  private static SinkException down() {
    return SinkException.transientFailure("down", null);
  }

  @Test
  void step_banUnbanAndEnd_isFollowed() {
    ban(ONE, Duration.ofHours(1));
    ban(TWO, null);
    world.run(work, MINUTE);
    assertThat(sink.there).containsOnlyKeys(ONE, TWO);
    assertThat(work.status().position()).isEqualTo(2);
    assertThat(work.status().backlog()).isZero();

    world.run(work, Duration.ofHours(1));
    assertThat(sink.there).containsOnlyKeys(TWO);

    unban(TWO);
    world.run(work, MINUTE);
    assertThat(sink.there).isEmpty();
    assertThat(work.status().position()).isEqualTo(3);
  }

  @Test
  void step_newBan_isThereAtOnce() {
    world.run(work, MINUTE);
    ban(ONE, null);

    Duration first = work.step();

    assertThat(first).isZero();
    assertThat(sink.there).containsOnlyKeys(ONE);
  }

  @Test
  void step_allowedOrProtected_isLeftOut() {
    ban(IpPrefix.parse("203.0.113.0/24"), null);
    ban(IpPrefix.parse("198.51.100.1"), null);
    ban(IpPrefix.parse("192.0.2.1"), null);
    world.append(new BanEvent.Allow(world.now(), ONE, world.now().plus(MINUTE), "cli", ""));
    world.protection =
        ProtectedPrefixes.of(
            ProtectedPrefixes.Part.of(
                Protection.Kind.NEVER_BAN, PrefixSet.parse("198.51.100.0/24")));
    world.run(work, Duration.ofSeconds(30));
    assertThat(sink.there).containsOnlyKeys(IpPrefix.parse("192.0.2.1"));
    assertThat(work.status().leftOut()).isEqualTo(2);

    // The allow has ended.
    world.run(work, MINUTE);
    assertThat(sink.there)
        .containsOnlyKeys(IpPrefix.parse("192.0.2.1"), IpPrefix.parse("203.0.113.0/24"));
  }

  @Test
  void step_restart_touchesNothingThatIsRight() {
    ban(ONE, null);
    sink.putForeign(TWO);
    world.run(work, MINUTE);
    Map<IpPrefix, SinkEntry> before = new TreeMap<>(sink.there);
    sink.calls = 0;

    StateReconciliation again = new StateReconciliation("edge", sink, world.parts());
    world.run(again, MINUTE);

    assertThat(sink.there).isEqualTo(before);
    assertThat(sink.calls).isEqualTo(1);
    assertThat(again.status().position()).isEqualTo(1);
  }

  @Test
  void step_changedByOthers_isMendedWithinTheHour() {
    ban(ONE, null);
    ban(TWO, null);
    world.run(work, MINUTE);
    sink.there.remove(ONE);

    world.run(work, StateReconciliation.READ_BACK);

    assertThat(sink.there).containsOnlyKeys(ONE, TWO);
  }

  @Test
  void step_noRoom_keepsRemovingAndTakesTheNewestWhenThereIsRoom() {
    sink.room = 2;
    ban(ONE, Duration.ofMinutes(30));
    ban(TWO, null);
    world.run(work, MINUTE);
    ban(IpPrefix.parse("203.0.113.9"), null);
    ban(IpPrefix.parse("203.0.113.10"), null);
    world.run(work, MINUTE);
    assertThat(work.status().problem()).contains("no room");
    assertThat(work.status().pending()).isEqualTo(2);
    assertThat(work.status().backlog()).isEqualTo(2);
    int calls = sink.calls;
    world.run(work, MINUTE);
    assertThat(sink.calls).isEqualTo(calls);

    world.run(work, Duration.ofMinutes(28));

    assertThat(sink.there).containsOnlyKeys(TWO, IpPrefix.parse("203.0.113.10"));
    sink.room = 3;
    world.run(work, StateReconciliation.FULL_PAUSE);
    assertThat(sink.there).hasSize(3);
    assertThat(work.status().problem()).isEmpty();
    assertThat(work.status().backlog()).isZero();
  }

  @Test
  void step_moreThanItsCapacity_hasTheNewest() {
    sink.capacity = 10;
    for (int i = 0; i < 25; i++) {
      ban(IpPrefix.ofV4(0xcb00_7100 + i), null);
    }
    world.run(work, MINUTE);

    assertThat(sink.there).hasSize(10).containsKey(IpPrefix.ofV4(0xcb00_7100 + 24));
    assertThat(work.status().leftOut()).isEqualTo(15);
    assertThat(work.status().backlog()).isZero();
  }

  @Test
  void step_notTaken_isLeftAloneAndTheOthersGoOn() {
    ban(ONE, null);
    ban(TWO, null);
    assertThat(work.step()).isZero();
    sink.failures.add(SinkException.content("not this one"));

    world.run(work, MINUTE);

    assertThat(sink.there).containsOnlyKeys(ONE);
    assertThat(work.status().lastError()).isEqualTo("not this one");
    assertThat(work.status().leftOut()).isEqualTo(1);
    world.run(work, StateReconciliation.REFUSED_PAUSE.plus(MINUTE));
    assertThat(sink.there).containsOnlyKeys(ONE, TWO);
  }

  @Test
  void step_askedToWait_waitsThatLong() {
    ban(ONE, null);
    sink.outage(SinkException.busy("too many requests", Duration.ofSeconds(90)));
    world.run(work, Duration.ofSeconds(5));
    sink.outage(null);
    sink.calls = 0;

    world.run(work, Duration.ofSeconds(80));
    assertThat(sink.calls).isZero();
    assertThat(work.status().problem()).isEqualTo("too many requests");

    world.run(work, Duration.ofSeconds(10));
    assertThat(sink.there).containsOnlyKeys(ONE);
    assertThat(work.status().problem()).isEmpty();
    assertThat(work.status().lastError()).isEqualTo("too many requests");
  }

  /** Whoever is away for a day gets the difference, and meanwhile costs next to nothing. */
  @Test
  void step_aDayWithoutTheSink_isAskedSeldomAndConverges() {
    sink.capacity = 500;
    ban(ONE, Duration.ofHours(2));
    ban(TWO, null);
    world.run(work, MINUTE);
    sink.outage(down());
    sink.calls = 0;
    Random random = new Random(24);
    for (int minute = 0; minute < 24 * 60; minute++) {
      for (int i = 0; i < 20; i++) {
        ban(IpPrefix.ofV4(0xc633_0000 + random.nextInt(20_000)), Duration.ofHours(3));
      }
      world.run(work, MINUTE);
      assertThat(work.status().pending()).isLessThanOrEqualTo(2L * sink.capacity);
    }
    // At most every 2.5 minutes, after the first few.
    assertThat(sink.calls).isLessThan(24 * 60 * 60 / 150 + 10);
    assertThat(sink.there).containsOnlyKeys(ONE, TWO);
    assertThat(work.status().backlog()).isEqualTo(24 * 60 * 20);

    sink.outage(null);
    world.run(work, Duration.ofMinutes(10));

    assertThat(sink.there.keySet()).isEqualTo(desired().keySet()).hasSize(500);
    assertThat(work.status().backlog()).isZero();
  }

  private Map<IpPrefix, Long> desired() {
    return DesiredBans.of(world.state, world.protection, world.now(), sink::targets, sink.capacity)
        .targets();
  }

  /** Whatever fails and whoever meddles, in the end what is there is what ought to be there. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void step_randomTrouble_convergesInTheEnd(long seed) {
    Random random = new Random(seed);
    StateReconciliation running = work;
    IpPrefix others = IpPrefix.parse("192.0.2.77");
    sink.putForeign(others);
    for (int round = 0; round < 400; round++) {
      IpPrefix ip = IpPrefix.ofV4(0xcb00_7100 + random.nextInt(40));
      switch (random.nextInt(8)) {
        case 0, 1, 2 -> ban(ip, Duration.ofMinutes(1 + random.nextInt(60)));
        case 3 -> unban(ip);
        case 4 -> sink.failures.add(down());
        case 5 -> sink.lostAnswers.add(down());
        case 6 -> {
          if (sink.there.get(ip) != null) {
            sink.there.remove(ip);
          }
        }
        default -> {
          if (random.nextInt(4) == 0) {
            running = new StateReconciliation("edge", sink, world.parts());
          }
        }
      }
      world.run(running, Duration.ofSeconds(random.nextInt(90)));
    }
    sink.failures.clear();
    sink.lostAnswers.clear();
    world.run(running, Duration.ofHours(1).plus(Duration.ofMinutes(10)));
    ban(ONE, null);
    world.run(running, Duration.ofMinutes(10));

    Map<IpPrefix, Long> bans = new TreeMap<>();
    sink.ours().forEach(entry -> bans.put(entry.target(), entry.ban()));
    assertThat(bans).as("seed %d", seed).isEqualTo(new TreeMap<>(desired()));
    assertThat(sink.there).containsKey(others);
    assertThat(running.status().backlog()).isZero();
  }
}
