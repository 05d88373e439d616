package io.ipsentry.enforcer.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.enforcer.LeakCounter;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class LeakCounterTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final IpPrefix CLIENT = IpPrefix.parse("192.0.2.1");

  private static void line(LeakCounter leaks, IpPrefix ip, long atMillis) {
    leaks.line(ip.hi(), ip.lo(), atMillis);
  }

  private static void awaitEnforced(LoopRig rig) {
    await().until(() -> rig.loop.enforcedHead() == rig.bans.head());
  }

  @Test
  void request_ofAnAddressInTheKernel_countsAfterASecond() {
    try (LoopRig rig = LoopRig.seldom()) {
      LeakCounter leaks = new LeakCounter(rig.bans, rig.loop);
      rig.loop.start();
      await().until(() -> rig.loop.status().isEnforcing());
      rig.now.addAndGet(10_000);
      rig.ban("192.0.2.0/24", HOUR);
      rig.ban("198.51.100.1", HOUR, SeenAs.FORWARDED);
      awaitEnforced(rig);
      long now = rig.now.get();

      line(leaks, CLIENT, now - 5_000);
      line(leaks, CLIENT, now + 900);
      line(leaks, IpPrefix.parse("203.0.113.1"), now + 5_000);
      line(leaks, IpPrefix.parse("198.51.100.1"), now + 5_000);
      assertThat(leaks.leaks()).isEqualTo(new LeakCounter.Leaks(0, 0, ""));

      line(leaks, CLIENT, now + 1_001);
      leaks.check(CLIENT.hi(), CLIENT.lo(), now + 2_000);
      assertThat(leaks.leaks()).isEqualTo(new LeakCounter.Leaks(1, 1, "192.0.2.1"));
    }
  }

  @Test
  void request_whileTheKernelRefusesOrTheAddressIsAllowed_doesNotCount() {
    try (LoopRig rig = LoopRig.seldom()) {
      LeakCounter leaks = new LeakCounter(rig.bans, rig.loop);
      rig.loop.start();
      rig.ban("192.0.2.1", HOUR);
      awaitEnforced(rig);
      rig.allow("192.0.2.1", Duration.ofMinutes(1));
      awaitEnforced(rig);

      line(leaks, CLIENT, rig.now.get() + 5_000);
      rig.kernel.refuseWith(Cause.OTHER, Integer.MAX_VALUE);
      rig.ban("192.0.2.2", HOUR);
      await().until(() -> rig.loop.status().failure().isPresent());
      line(leaks, CLIENT, rig.now.get() + 120_000);

      assertThat(leaks.leaks().all()).isZero();
    }
  }
}
