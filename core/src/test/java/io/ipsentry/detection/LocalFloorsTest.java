package io.ipsentry.detection;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocalFloorsTest {
  private static final long SEED = 20_261_127;
  private static final Instant AT = Instant.parse("2026-11-27T12:00:00Z");
  private static final int ADDRESSES = 5_000;

  private static IpPrefix address(int i) {
    return i % 2 == 0
        ? IpPrefix.ofV4(0xcb00_7100 + i)
        : IpPrefix.address(0x2001_0db8_0000_0000L + i, 1);
  }

  private static BanEvent.Ban ban(IpPrefix ip, Instant until, @Nullable String scope) {
    return new BanEvent.Ban(AT, ip, until, "r", "", 3, SeenAs.PEER, "test", 1, AT, scope);
  }

  /** A few bans of the same scopes again and again, and such crowds that tables are dropped. */
  @ParameterizedTest
  @ValueSource(ints = {3, LocalFloors.FEW, LocalFloors.FEW + 1, 3 * LocalFloors.FEW})
  void clear_afterAnyNumber_leavesNoFloor(int bans) {
    Random random = new Random(SEED + bans);
    LocalFloors floors = new LocalFloors(LocalFloors.MAX_SHADOWS);
    for (int round = 0; round < 4; round++) {
      Map<IpPrefix, Long> model = new HashMap<>();
      for (int i = 0; i < bans; i++) {
        IpPrefix ip = address(random.nextInt(ADDRESSES));
        Instant until = AT.plusSeconds(1 + random.nextInt(1_000));
        floors.put(ban(ip, until, null));
        model.put(ip, until.toEpochMilli() - 1);
      }
      for (int i = 0; i < ADDRESSES; i++) {
        IpPrefix ip = address(i);
        assertThat(floors.floorMillis(ip.hi(), ip.lo(), null))
            .as("seed %d, %s in round %d", SEED, ip, round)
            .isEqualTo(model.getOrDefault(ip, Long.MIN_VALUE));
      }
      floors.clear();
    }
  }

  @Test
  void clear_manyPolicies_forgetsTheirBans() {
    LocalFloors floors = new LocalFloors(LocalFloors.MAX_SHADOWS);
    IpPrefix ip = address(0);
    for (int round = 0; round < 3; round++) {
      for (int policy = 0; policy < 40; policy++) {
        floors.put(ban(ip, AT.plusSeconds(60), "policy" + policy));
      }
      assertThat(floors.floorMillis(ip.hi(), ip.lo(), "policy7"))
          .isEqualTo(AT.plusSeconds(60).toEpochMilli() - 1);
      floors.clear();
      floors.put(ban(address(2), AT.plusSeconds(60), "policy7"));
      assertThat(floors.floorMillis(ip.hi(), ip.lo(), "policy7")).isEqualTo(Long.MIN_VALUE);
    }
  }
}
