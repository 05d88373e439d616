package io.ipsentry.enforcer.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.enforcer.kernel.ForwardedForFilter;
import io.ipsentry.enforcer.kernel.PacketFilter;
import io.ipsentry.enforcer.kernel.PacketFilterException;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class EnforcementLoopTest {
  private static final Duration HOUR = Duration.ofHours(1);

  private static void awaitReads(LoopRig rig, int more) {
    int before = rig.kernel.reads();
    await().until(() -> rig.kernel.reads() >= before + more);
  }

  private static void awaitElements(LoopRig rig, String... texts) {
    await().untilAsserted(() -> assertThat(rig.kernel.texts()).containsExactlyInAnyOrder(texts));
  }

  @Test
  void start_kernelHoldsElementsAlready_adoptsThem() {
    try (LoopRig rig = LoopRig.often()) {
      rig.ban("192.0.2.1", HOUR);
      rig.ban("192.0.2.2", HOUR);
      rig.ban("2001:db8::/64", null);
      rig.kernel.tamper("192.0.2.1", rig.end(HOUR) + 1_000);
      rig.kernel.tamper("198.51.100.9", rig.end(HOUR));
      rig.kernel.tamper("198.51.100.10", rig.end(Duration.ofSeconds(1)));

      rig.loop.start();

      awaitElements(rig, "192.0.2.1", "192.0.2.2", "2001:db8::/64", "198.51.100.10");
      assertThat(rig.kernel.writes()).as("the right one is not written").isEqualTo(3);
      await().until(() -> rig.loop.status().isEnforcing());
      EnforcerStatus status = rig.loop.status();
      assertThat(status.decided()).isEqualTo(3);
      assertThat(status.enforced()).isEqualTo(3);
      assertThat(status.head()).isEqualTo(3);
      assertThat(status.drops()).isEqualTo(new PacketFilter.DropCounters(1, 2, 3, 4));
      assertThat(status.repairs()).as("the first time nothing is a repair").isZero();
    }
  }

  @Test
  void start_bansNotKnown_leavesTheKernelAlone() {
    try (LoopRig rig = LoopRig.often()) {
      rig.known.set(false);
      rig.kernel.tamper("192.0.2.1", rig.end(HOUR));

      rig.loop.start();
      rig.ban("192.0.2.2", HOUR);

      assertThat(rig.loop.status().known()).isFalse();
      assertThat(rig.kernel.opened()).isEmpty();
      rig.known.set(true);
      awaitElements(rig, "192.0.2.2");
    }
  }

  @Test
  void event_banAndUnban_changeTheKernelAtOnce() {
    try (LoopRig rig = LoopRig.seldom()) {
      rig.loop.start();
      await().until(() -> rig.loop.status().isEnforcing());

      rig.ban("192.0.2.1", HOUR);
      rig.ban("192.0.2.2", HOUR, SeenAs.FORWARDED);
      rig.ban("192.0.2.3", null, SeenAs.MANUAL);

      awaitElements(rig, "192.0.2.1", "192.0.2.3");
      await().until(() -> rig.loop.status().head() == 3);
      assertThat(rig.loop.status().decided()).isEqualTo(2);
      assertThat(rig.loop.status().enforced()).isEqualTo(2);
      rig.ban("192.0.2.2", HOUR, SeenAs.PEER);
      rig.unban("192.0.2.1");
      awaitElements(rig, "192.0.2.2", "192.0.2.3");
      assertThat(rig.kernel.reads()).isEqualTo(1);
    }
  }

  @Test
  void event_banThatEndsAtAnotherTime_movesTheEnd() {
    try (LoopRig rig = LoopRig.seldom()) {
      rig.loop.start();
      rig.ban("192.0.2.1", HOUR);
      awaitElements(rig, "192.0.2.1");

      rig.ban("192.0.2.1", Duration.ofHours(9));

      IpPrefix ip = IpPrefix.parse("192.0.2.1");
      await()
          .untilAsserted(() ->
              assertThat(rig.kernel.elements()).containsEntry(ip, rig.end(Duration.ofHours(9))));
      rig.ban("192.0.2.1", Duration.ofMinutes(1));
      await()
          .untilAsserted(() ->
              assertThat(rig.kernel.elements()).containsEntry(ip, rig.end(Duration.ofMinutes(1))));
    }
  }

  @Test
  void readBack_nothingChanged_writesNothing() {
    try (LoopRig rig = LoopRig.often()) {
      rig.ban("192.0.2.0/24", Duration.ofMillis(3_600_400));
      rig.ban("192.0.2.1", null);
      rig.ban("192.0.2.2", Duration.ofDays(400));
      rig.protectedPrefixes.set(PrefixSet.parse("192.0.2.255"));
      rig.loop.start();
      await().until(() -> rig.loop.status().isEnforcing());
      int writes = rig.kernel.writes();

      awaitReads(rig, 3);
      rig.now.addAndGet(600_000);
      awaitReads(rig, 3);

      assertThat(rig.kernel.writes()).isEqualTo(writes);
      assertThat(rig.loop.status().repairs()).isZero();
    }
  }

  @Test
  void readBack_kernelHasALimit_refreshesBeforeItEnds() {
    try (LoopRig rig = LoopRig.often()) {
      rig.ban("192.0.2.2", Duration.ofDays(40));
      long end = rig.end(Duration.ofDays(40));
      rig.loop.start();
      awaitElements(rig, "192.0.2.2");
      for (int day = 1; day < 40; day++) {
        rig.now.addAndGet(Duration.ofDays(1).toMillis());
        awaitReads(rig, 2);
        assertThat(rig.kernel.texts()).as("day %d", day).containsExactly("192.0.2.2");
      }

      assertThat(rig.kernel.elements()).containsValue(end);
      assertThat(rig.kernel.writes()).isBetween(2, 4);
    }
  }

  @Test
  void readBack_othersChangedTheKernel_repairsAndReports() {
    try (LoopRig rig = LoopRig.often()) {
      rig.ban("192.0.2.1", HOUR);
      rig.ban("192.0.2.2", HOUR);
      rig.ban("192.0.2.3", HOUR);
      rig.loop.start();
      await().until(() -> rig.loop.status().isEnforcing());

      rig.kernel.forget(IpPrefix.parse("192.0.2.1"));
      rig.kernel.tamper("192.0.2.2", rig.end(Duration.ofMinutes(1)));
      rig.kernel.tamper("198.51.100.1", PacketFilter.FOR_EVER);

      awaitElements(rig, "192.0.2.1", "192.0.2.2", "192.0.2.3");
      await()
          .untilAsserted(
              () -> assertThat(rig.kernel.elements().values()).containsOnly(rig.end(HOUR)));
      await().until(() -> rig.loop.status().repairs() == 3);
      rig.kernel.destroy();
      awaitElements(rig, "192.0.2.1", "192.0.2.2", "192.0.2.3");
      await().until(() -> rig.loop.status().mended() == 1);
      assertThat(rig.loop.status().lastMended()).containsExactly("made the sets");
      await().until(() -> rig.loop.status().missing() == 0);
    }
  }

  /** The kernel counts from when it takes an element, which a slow machine may do seconds later. */
  @Test
  void readBack_endsOffByWhatASlowMachineMakes_areSetRightAndNoRepairs() {
    try (LoopRig rig = LoopRig.often()) {
      rig.ban("192.0.2.1", HOUR);
      rig.ban("192.0.2.2", HOUR);
      rig.loop.start();
      await().until(() -> rig.loop.status().isEnforcing());

      rig.kernel.tamper("192.0.2.1", rig.end(HOUR) + 10_000);
      rig.kernel.tamper("192.0.2.2", rig.end(HOUR) - 10_000);

      await()
          .untilAsserted(
              () -> assertThat(rig.kernel.elements().values()).containsOnly(rig.end(HOUR)));
      awaitReads(rig, 2);
      assertThat(rig.loop.status().repairs()).isZero();
    }
  }

  /**
   * Whoever follows the log takes a snapshot when it has fallen behind: nobody has done anything.
   */
  @Test
  void replaced_otherBans_areCarriedOutAndNoRepairs() {
    try (LoopRig rig = LoopRig.seldom();
        LoopRig other = LoopRig.seldom()) {
      rig.ban("192.0.2.1", HOUR);
      rig.ban("192.0.2.2", HOUR);
      rig.loop.start();
      await().until(() -> rig.loop.status().isEnforcing());
      other.loop.start();
      other.ban("192.0.2.2", Duration.ofHours(3));
      other.ban("192.0.2.3", HOUR);
      rig.bans.become(other.bans);

      rig.loop.replaced();

      await().until(() -> rig.loop.status().syncs() == 2);
      assertThat(rig.kernel.texts()).containsExactly("192.0.2.2", "192.0.2.3");
      assertThat(rig.kernel.elements())
          .containsEntry(IpPrefix.parse("192.0.2.2"), rig.end(Duration.ofHours(3)));
      assertThat(rig.loop.status().repairs()).isZero();
    }
  }

  /** The kernel lists; meanwhile bans come and go, of what is listed already and what is not. */
  @Test
  void readBack_changesMeanwhile_areCarriedOutAndNoFaults() {
    try (LoopRig rig = LoopRig.seldom()) {
      rig.ban("192.0.2.1", HOUR);
      rig.ban("192.0.2.5", HOUR);
      rig.ban("192.0.2.7", HOUR);
      rig.ban("192.0.2.9", HOUR);
      rig.loop.start();
      await().until(() -> rig.loop.status().isEnforcing());
      long since = rig.loop.enforcingSinceMillis();
      CountDownLatch midway = new CountDownLatch(1);
      CountDownLatch goOn = new CountDownLatch(1);
      rig.kernel.duringRead(shown -> {
        if (shown.equals(IpPrefix.parse("192.0.2.5"))) {
          midway.countDown();
          awaitLatch(goOn);
        }
      });
      rig.loop.replaced();
      awaitLatch(midway);

      rig.unban("192.0.2.1");
      rig.unban("192.0.2.7");
      rig.ban("192.0.2.3", HOUR);
      rig.ban("192.0.2.5", Duration.ofHours(3));
      rig.ban("192.0.2.8", HOUR);
      rig.allow("192.0.2.9", null);

      awaitElements(rig, "192.0.2.3", "192.0.2.5", "192.0.2.8");
      IpPrefix longer = IpPrefix.parse("192.0.2.5");
      assertThat(rig.kernel.elements()).containsEntry(longer, rig.end(Duration.ofHours(3)));
      int writes = rig.kernel.writes();
      goOn.countDown();
      await().until(() -> rig.loop.status().syncs() == 2);
      await().until(() -> rig.loop.status().head() == rig.bans.head());
      assertThat(rig.kernel.texts()).containsExactly("192.0.2.3", "192.0.2.5", "192.0.2.8");
      assertThat(rig.kernel.writes()).as("nothing is undone or done twice").isEqualTo(writes);
      EnforcerStatus status = rig.loop.status();
      assertThat(status.repairs()).isZero();
      assertThat(status.decided()).isEqualTo(3);
      assertThat(status.enforced()).isEqualTo(3);
      assertThat(rig.loop.enforcingSinceMillis()).isEqualTo(since);
    }
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /** More is missing than fits into a batch; between two of them, bans come and go. */
  @Test
  void readBack_changesWhileMissingElementsArePut_areCarriedOutInBetween() {
    try (LoopRig rig = LoopRig.seldom()) {
      int many = 3 * ChangeBatch.MAX_CHANGES;
      for (int i = 0; i < many; i++) {
        rig.ban(IpPrefix.ofV4(0xcb00_0000 + i).toString(), HOUR);
      }
      String early = IpPrefix.ofV4(0xcb00_0000).toString();
      String late = IpPrefix.ofV4(0xcb00_0000 + many - 1).toString();
      List<Integer> sizes = new CopyOnWriteArrayList<>();
      rig.kernel.afterApply(() -> {
        sizes.add(rig.kernel.elements().size());
        if (sizes.size() == 1) {
          rig.unban(early);
          rig.unban(late);
          rig.ban("192.0.2.1", HOUR);
        } else if (sizes.size() == 2) {
          assertThat(rig.kernel.elements()).containsKey(IpPrefix.parse("192.0.2.1"));
        }
      });

      rig.loop.start();

      await().until(() -> rig.loop.status().isEnforcing());
      rig.kernel.afterApply(() -> {});
      assertThat(sizes).startsWith(ChangeBatch.MAX_CHANGES, ChangeBatch.MAX_CHANGES);
      assertThat(rig.kernel.elements())
          .hasSize(many - 1)
          .containsKey(IpPrefix.parse("192.0.2.1"))
          .doesNotContainKey(IpPrefix.parse(early))
          .doesNotContainKey(IpPrefix.parse(late));
      assertThat(rig.loop.status().failures()).isEmpty();
      assertThat(rig.loop.status().decided()).isEqualTo(many - 1);
    }
  }

  @Test
  void readBack_listingFails_isReportedAndTriedAgain() {
    try (LoopRig rig = LoopRig.seldom()) {
      rig.ban("192.0.2.1", HOUR);
      rig.ban("192.0.2.2", HOUR);
      rig.loop.start();
      await().until(() -> rig.loop.status().isEnforcing());
      rig.kernel.duringRead(shown -> {
        rig.kernel.duringRead(any -> {});
        throw new PacketFilterException(Cause.TIMEOUT, "too slow");
      });

      rig.loop.replaced();

      await().until(() -> rig.loop.status().failures().containsKey(Cause.TIMEOUT));
      await().until(() -> rig.loop.status().isEnforcing());
      assertThat(rig.kernel.texts()).containsExactly("192.0.2.1", "192.0.2.2");
      assertThat(rig.loop.status().repairs()).isZero();
    }
  }

  @Test
  void close_whileTheKernelLists_endsAndFlushes() {
    LoopRig rig = new LoopRig(EnforcerConfig.OnExit.FLUSH, HOUR);
    rig.ban("192.0.2.1", HOUR);
    rig.loop.start();
    await().until(() -> rig.loop.status().isEnforcing());
    CountDownLatch midway = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    rig.kernel.duringRead(shown -> {
      midway.countDown();
      try {
        never.await();
      } catch (InterruptedException e) {
        // What a program's answer does when the program is killed.
        throw new PacketFilterException(Cause.OTHER, "ended");
      }
    });
    rig.loop.replaced();
    awaitLatch(midway);

    rig.close();

    assertThat(rig.kernel.flushes()).isEqualTo(1);
    assertThat(rig.kernel.texts()).isEmpty();
  }

  @Test
  void kernelRefuses_keepsReportsAndTriesAgain() {
    try (LoopRig rig = LoopRig.seldom()) {
      rig.loop.start();
      rig.ban("192.0.2.1", HOUR);
      awaitElements(rig, "192.0.2.1");
      rig.kernel.refuseWith(Cause.NO_CAPABILITY, Integer.MAX_VALUE);

      rig.ban("192.0.2.2", HOUR);

      await().until(() -> rig.loop.status().failures().getOrDefault(Cause.NO_CAPABILITY, 0L) > 1);
      EnforcerStatus status = rig.loop.status();
      assertThat(status.isEnforcing()).isFalse();
      assertThat(status.failure().orElseThrow().message()).isEqualTo("refused: NO_CAPABILITY");
      assertThat(status.head()).isEqualTo(1);
      assertThat(rig.kernel.texts()).containsExactly("192.0.2.1");
      rig.kernel.refuseWith(null, 0);
      awaitElements(rig, "192.0.2.1", "192.0.2.2");
      await().until(() -> rig.loop.status().isEnforcing());
    }
  }

  @Test
  void kernelRefusesToOpen_isReportedAndTriedAgain() {
    try (LoopRig rig = LoopRig.seldom()) {
      rig.kernel.refuseWith(Cause.NO_PROGRAM, Integer.MAX_VALUE);
      rig.ban("192.0.2.1", HOUR);
      rig.loop.start();

      await().until(() -> rig.loop.status().failure().isPresent());
      assertThat(rig.loop.status().decided()).isEqualTo(1);
      assertThat(rig.loop.status().enforced()).isZero();
      rig.kernel.refuseWith(null, 0);
      awaitElements(rig, "192.0.2.1");
    }
  }

  @Test
  void allow_withinABan_opensItAndClosesItAgain() {
    try (LoopRig rig = LoopRig.seldom()) {
      rig.loop.start();
      rig.ban("192.0.2.0/30", HOUR);
      rig.ban("192.0.2.1", HOUR);
      awaitElements(rig, "192.0.2.0/30", "192.0.2.1");

      rig.allow("192.0.2.1", Duration.ofMinutes(5));

      awaitElements(rig, "192.0.2.0", "192.0.2.2/31");
      rig.now.addAndGet(Duration.ofMinutes(6).toMillis());
      // The loop sleeps by the ticker: an event is what wakes it in this test.
      rig.ban("198.51.100.1", HOUR);
      awaitElements(rig, "192.0.2.0/30", "192.0.2.1", "198.51.100.1");
    }
  }

  @Test
  void protectedPrefixAndFeed_change_areFollowed() {
    try (LoopRig rig = LoopRig.seldom()) {
      rig.loop.start();
      rig.ban("192.0.2.1", HOUR);
      awaitElements(rig, "192.0.2.1");

      rig.feeds.set(PrefixSet.parse("198.51.100.0/24", "203.0.113.0/31"));
      rig.protectedPrefixes.set(PrefixSet.parse("192.0.2.0/24", "203.0.113.1"));
      rig.loop.sparedChanged();

      awaitElements(rig, "198.51.100.0/24", "203.0.113.0");
      rig.protectedPrefixes.set(PrefixSet.empty());
      rig.loop.sparedChanged();
      awaitElements(rig, "192.0.2.1", "198.51.100.0/24", "203.0.113.0/31");
    }
  }

  @Test
  void ban_ofTooManyPieces_isLeftOutAndReported() {
    try (LoopRig rig = LoopRig.seldom()) {
      List<IpPrefix> odd = new ArrayList<>();
      for (int i = 0; i < 5_000; i++) {
        odd.add(IpPrefix.ofV4(0xcb00_0000 | 2 * i + 1));
      }
      rig.protectedPrefixes.set(PrefixSet.of(odd));
      rig.loop.start();
      rig.ban("203.0.0.0/16", HOUR);
      rig.ban("192.0.2.1", HOUR);
      awaitElements(rig, "192.0.2.1");

      await()
          .untilAsserted(() ->
              assertThat(rig.loop.status().leftOut())
                  .containsExactly(IpPrefix.parse("203.0.0.0/16")));
      assertThat(rig.kernel.texts()).containsExactly("192.0.2.1");
    }
  }

  @Test
  void manyBans_growTheRoomFirst() {
    try (LoopRig rig = LoopRig.seldom()) {
      rig.loop.start();
      await().until(() -> rig.loop.status().isEnforcing());
      for (int i = 0; i < 100_000; i++) {
        rig.ban(IpPrefix.ofV4(0xcb00_0000 + i).toString(), HOUR);
      }

      await().until(() -> rig.kernel.elements().size() == 100_000);
      await().until(() -> rig.loop.status().enforced() == 100_000);
      assertThat(rig.loop.status().failures()).isEmpty();
    }
  }

  @Test
  void reload_ports_opensTheKernelAnewAndNameWaits() {
    try (LoopRig rig = LoopRig.seldom()) {
      rig.loop.start();
      rig.ban("192.0.2.1", HOUR);
      awaitElements(rig, "192.0.2.1");
      EnforcerConfig changed =
          LoopRig.config(EnforcerConfig.Ports.ALL, EnforcerConfig.OnExit.KEEP, HOUR, "other");

      rig.loop.reload(changed);

      await().until(() -> rig.kernel.opened().size() == 2);
      assertThat(rig.kernel.opened().getLast().ports()).isEqualTo(EnforcerConfig.Ports.ALL);
      assertThat(rig.kernel.opened().getLast().name()).isEmpty();
      int reads = rig.kernel.reads();
      rig.loop.reload(rig.kernel.opened().getLast());
      await().until(() -> rig.kernel.reads() > reads);
      assertThat(rig.kernel.opened()).hasSize(2);
      assertThat(rig.kernel.texts()).containsExactly("192.0.2.1");
    }
  }

  @Test
  void reload_forwardedForPorts_looksForBansOfEveryProvenance() {
    try (LoopRig rig = LoopRig.seldom()) {
      rig.loop.start();
      rig.ban("192.0.2.1", HOUR, SeenAs.FORWARDED);
      rig.ban("192.0.2.2", null, SeenAs.MANUAL);
      rig.ban("198.51.100.1", HOUR, SeenAs.FORWARDED);
      rig.allow("198.51.100.0/24", null);
      awaitElements(rig, "192.0.2.2");
      EnforcerConfig defaults = rig.kernel.opened().getLast();
      rig.loop.reload(
          new EnforcerConfig(
              defaults.name(),
              defaults.backend(),
              defaults.hook(),
              defaults.ports(),
              defaults.verdict(),
              List.of(new EnforcerConfig.PortRange(80, 80)),
              defaults.interval(),
              defaults.onExit(),
              defaults.hostBinaries()));

      ForwardedForFilter.Ban manual =
          new ForwardedForFilter.Ban(IpPrefix.parse("192.0.2.2"), PacketFilter.FOR_EVER);
      ForwardedForFilter.Ban forwarded =
          new ForwardedForFilter.Ban(IpPrefix.parse("192.0.2.1"), rig.end(HOUR));
      await()
          .untilAsserted(
              () -> assertThat(rig.kernel.lookedFor()).containsExactly(manual, forwarded));
      rig.unban("192.0.2.2");
      await().untilAsserted(() -> assertThat(rig.kernel.lookedFor()).containsExactly(forwarded));
      assertThat(rig.loop.status().mismatch()).isEqualTo("the node has other tables");
      assertThat(rig.loop.status().headersLeftOut()).isZero();
      for (int i = 0; i < ForwardedForFilter.MAX_BANS + 6; i++) {
        rig.ban(IpPrefix.ofV4(0xcb00_7100 + i).toString(), HOUR, SeenAs.FORWARDED);
      }
      await()
          .untilAsserted(() -> {
            assertThat(rig.kernel.lookedFor()).hasSize(ForwardedForFilter.MAX_BANS);
            assertThat(rig.loop.status().headersLeftOut()).isEqualTo(7);
          });
    }
  }

  @Test
  void close_onExit_keepsOrFlushes() {
    for (EnforcerConfig.OnExit onExit : EnforcerConfig.OnExit.values()) {
      LoopRig rig = new LoopRig(onExit, HOUR);
      rig.loop.start();
      rig.ban("192.0.2.1", HOUR);
      awaitElements(rig, "192.0.2.1");

      rig.close();

      boolean flushed = onExit == EnforcerConfig.OnExit.FLUSH;
      assertThat(rig.kernel.flushes()).isEqualTo(flushed ? 1 : 0);
      assertThat(rig.kernel.elements())
          .isEqualTo(flushed ? Map.of() : Map.of(IpPrefix.parse("192.0.2.1"), rig.end(HOUR)));
    }
  }
}
