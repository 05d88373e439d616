package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.ipsentry.net.IpPrefix;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The promises of {@link PacketFilter}, whatever it is made of. */
abstract class PacketFilterContract {
  /** How exactly ends are told: ipset counts seconds; the machine may be busy in between. */
  static final long TOLERANCE_MILLIS = 2_000;

  private static final int ROOM = 1_000;

  /** A filter under which nothing is yet. */
  abstract PacketFilter filter();

  @Test
  void ensure_nothingThere_makesItOnce() {
    assertThat(filter().ensure(ROOM)).isNotEmpty();
    assertThat(filter().ensure(ROOM)).isEmpty();
    assertThat(read(filter())).isEmpty();
  }

  @Test
  void read_neverEnsured_throws() {
    assertThatThrownBy(() -> read(filter())).isInstanceOf(PacketFilterException.class);
  }

  @Test
  void apply_elementsOfBothFamiliesInOneAnother_areReadBackWithTheirEnds() {
    PacketFilter filter = ensured();
    long now = System.currentTimeMillis();
    Map<IpPrefix, Long> wanted = new TreeMap<>();
    wanted.put(IpPrefix.parse("192.0.2.7"), now + 60_000);
    wanted.put(IpPrefix.parse("192.0.2.0/24"), now + 3_600_000);
    wanted.put(IpPrefix.parse("192.0.2.0/25"), PacketFilter.FOR_EVER);
    wanted.put(IpPrefix.parse("192.0.2.0"), now + 120_000);
    wanted.put(IpPrefix.parse("128.0.0.0/1"), now + 90_000);
    wanted.put(IpPrefix.parse("2001:db8::7"), now + 61_000);
    wanted.put(IpPrefix.parse("2001:db8::/64"), now + 62_000);
    wanted.put(IpPrefix.parse("2001:db8::/48"), PacketFilter.FOR_EVER);
    wanted.put(IpPrefix.parse("2001:db8:0:1::/64"), now + 86_400_000);
    wanted.put(IpPrefix.parse("8000::/1"), now + 90_000);
    filter.apply(TestChanges.putting(wanted));
    assertThatEndsAre(filter, wanted);
    assertThat(filter.ensure(ROOM)).isEmpty();
    assertThatEndsAre(filter, wanted);
  }

  @Test
  void apply_madeReadyOrNot_isTheSame() {
    PacketFilter filter = filter();
    filter.makeReady();
    assertThat(filter.ensure(ROOM)).as("what was made ready before there was a set").isNotEmpty();
    Map<IpPrefix, Long> wanted = new TreeMap<>();
    for (String ip : List.of("192.0.2.1", "2001:db8::/64", "192.0.2.2", "192.0.2.3")) {
      wanted.put(IpPrefix.parse(ip), PacketFilter.FOR_EVER);
      filter.apply(TestChanges.putting(wanted));
      assertThatEndsAre(filter, wanted);
      filter.makeReady();
      filter.makeReady();
    }
    filter.relax();
    filter.apply(TestChanges.of(visitor -> wanted.keySet().forEach(visitor::remove)));
    assertThat(read(filter)).isEmpty();
    filter.relax();
  }

  @Test
  void apply_endsOfElementsThatAreThere_areReplaced() {
    PacketFilter filter = ensured();
    long now = System.currentTimeMillis();
    IpPrefix longer = IpPrefix.parse("192.0.2.1");
    IpPrefix shorter = IpPrefix.parse("2001:db8:0:1::/64");
    IpPrefix forEver = IpPrefix.parse("192.0.2.3");
    IpPrefix noLonger = IpPrefix.parse("2001:db8::4");
    filter.apply(
        TestChanges.putting(
            Map.of(
                longer, now + 100_000,
                shorter, now + 200_000,
                forEver, now + 300_000,
                noLonger, PacketFilter.FOR_EVER)));
    Map<IpPrefix, Long> wanted =
        Map.of(
            longer, now + 1_000_000,
            shorter, now + 50_000,
            forEver, PacketFilter.FOR_EVER,
            noLonger, now + 400_000);
    filter.apply(TestChanges.putting(wanted));
    assertThatEndsAre(filter, wanted);
  }

  @Test
  void apply_changesOfOneElement_holdInTheirOrder() {
    PacketFilter filter = ensured();
    long now = System.currentTimeMillis();
    IpPrefix stays = IpPrefix.parse("192.0.2.1");
    IpPrefix goes = IpPrefix.parse("192.0.2.2");
    filter.apply(
        TestChanges.of(visitor -> {
          visitor.put(stays, now + 100_000);
          visitor.put(goes, now + 100_000);
          visitor.remove(stays);
          visitor.remove(goes);
          visitor.put(stays, now + 200_000);
          visitor.put(stays, now + 300_000);
        }));
    assertThatEndsAre(filter, Map.of(stays, now + 300_000));
  }

  @Test
  void apply_endHasPassed_elementIsNotThere() {
    PacketFilter filter = ensured();
    long now = System.currentTimeMillis();
    IpPrefix there = IpPrefix.parse("192.0.2.1");
    IpPrefix never = IpPrefix.parse("2001:db8::1");
    filter.apply(TestChanges.putting(Map.of(there, now + 100_000)));
    filter.apply(TestChanges.putting(Map.of(there, now - 1, never, 0L)));
    assertThat(read(filter)).isEmpty();
  }

  @Test
  void apply_removesWhatIsAndWhatIsNotThere() {
    PacketFilter filter = ensured();
    long until = System.currentTimeMillis() + 100_000;
    IpPrefix outer = IpPrefix.parse("192.0.2.0/24");
    IpPrefix inner = IpPrefix.parse("192.0.2.0/32");
    filter.apply(TestChanges.putting(Map.of(outer, until, inner, until)));
    filter.apply(
        TestChanges.of(visitor -> {
          visitor.remove(IpPrefix.parse("192.0.2.0/25"));
          visitor.remove(IpPrefix.parse("2001:db8::/64"));
          visitor.remove(outer);
        }));
    assertThatEndsAre(filter, Map.of(inner, until));
  }

  @Test
  void apply_nothing_isNoError() {
    PacketFilter filter = ensured();
    filter.apply(TestChanges.putting(Map.of()));
    assertThat(read(filter)).isEmpty();
  }

  @Test
  void apply_everybody_isRefused() {
    PacketFilter filter = ensured();
    for (String everybody : List.of("0.0.0.0/0", "::/0")) {
      assertThatThrownBy(
              () -> filter.apply(TestChanges.putting(Map.of(IpPrefix.parse(everybody), 1L))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(everybody);
      assertThat(read(filter)).isEmpty();
    }
  }

  @Test
  void apply_longerThanTheKernelKeeps_staysAsLongAsItCan() {
    PacketFilter filter = ensured();
    long now = System.currentTimeMillis();
    IpPrefix prefix = IpPrefix.parse("192.0.2.1");
    long wanted = now + Duration.ofDays(3_650).toMillis();
    filter.apply(TestChanges.putting(Map.of(prefix, wanted)));
    long longest = filter.maxTimeoutMillis();
    long expected = longest == PacketFilter.FOR_EVER ? wanted : Math.min(wanted, now + longest);
    assertThatEndsAre(filter, Map.of(prefix, expected));
  }

  @Test
  void element_itsEndComes_isGoneWithoutUs() {
    PacketFilter filter = ensured();
    long now = System.currentTimeMillis();
    IpPrefix ends = IpPrefix.parse("192.0.2.1");
    IpPrefix stays = IpPrefix.parse("192.0.2.0/24");
    filter.apply(TestChanges.putting(Map.of(ends, now + 1_500, stays, now + 100_000)));
    await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(() -> assertThat(read(filter).keySet()).containsExactly(stays));
    assertThat(System.currentTimeMillis()).isGreaterThanOrEqualTo(now + 1_500);
  }

  @Test
  void ensure_everythingWasRemoved_isMadeAndSaid() {
    PacketFilter filter = ensured();
    filter.flush();
    filter.flush();
    assertThatThrownBy(() -> read(filter)).isInstanceOf(PacketFilterException.class);
    assertThat(filter.ensure(ROOM)).isNotEmpty();
    assertThat(read(filter)).isEmpty();
  }

  @Test
  void drops_nothingCame_areZero() {
    assertThat(ensured().drops()).isEqualTo(new PacketFilter.DropCounters(0, 0, 0, 0));
  }

  PacketFilter ensured() {
    PacketFilter filter = filter();
    filter.ensure(ROOM);
    return filter;
  }

  static Map<IpPrefix, Long> read(PacketFilter filter) {
    Map<IpPrefix, Long> read = new TreeMap<>();
    filter.read(
        (prefix, until) -> assertThat(read.put(prefix, until)).as("%s twice", prefix).isNull());
    return read;
  }

  static void assertThatEndsAre(PacketFilter filter, Map<IpPrefix, Long> wanted) {
    Map<IpPrefix, Long> read = read(filter);
    assertThat(read.keySet()).containsExactlyInAnyOrderElementsOf(wanted.keySet());
    wanted.forEach((prefix, until) -> {
      if (until == PacketFilter.FOR_EVER) {
        assertThat(read.get(prefix)).as("end of %s", prefix).isEqualTo(until);
      } else {
        assertThat(read.get(prefix))
            .as("end of %s", prefix)
            .isCloseTo(until, within(TOLERANCE_MILLIS));
      }
    });
  }
}
