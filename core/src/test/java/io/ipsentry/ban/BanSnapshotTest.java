package io.ipsentry.ban;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class BanSnapshotTest {
  private static final Instant T0 = Instant.parse("2026-11-21T07:00:00Z");

  @Test
  void fold_ofSnapshotAndTail_isTheFoldOfAll() throws IOException {
    for (long seed = 1; seed <= 300; seed++) {
      Random random = new Random(seed);
      ActiveBans.Limits limits =
          new ActiveBans.Limits(
              Duration.ofSeconds(random.nextInt(200)), random.nextBoolean() ? 1_000 : 8);
      ActiveBans whole = new ActiveBans(limits);
      ActiveBans started = new ActiveBans(limits);
      Instant now = T0;
      for (long seq = 1; seq <= 200; seq++) {
        now = now.plusMillis(random.nextInt(20) == 0 ? -3_000 : random.nextInt(5_000));
        SequencedEvent event = new SequencedEvent(seq, event(random, now));
        whole.apply(event);
        started.apply(event);
        if (random.nextInt(30) == 0) {
          started = read(write(started), limits);
        }
        assertThat(write(started)).as("seed %d, %s", seed, event).isEqualTo(write(whole));
      }
      assertSame(started, whole, now, "seed " + seed);
    }
  }

  private static BanEvent event(Random random, Instant now) {
    // Floors of addresses that were never banned, many at one moment: their order must not depend
    // on how they came.
    if (random.nextInt(4) == 0) {
      return new BanEvent.Unban(T0, IpPrefix.ofV4(0xc633_6400 | random.nextInt(64)), "cli", "");
    }
    return random.nextInt(40) == 0
        ? new BanEvent.Feed(
            now, "feed" + random.nextInt(3), "sha256:" + random.nextInt(9), random.nextInt(3), "")
        : RandomEvents.event(random, now);
  }

  private static void assertSame(ActiveBans one, ActiveBans other, Instant at, String where) {
    assertThat(one.head()).as(where).isEqualTo(other.head());
    assertThat(one.lastEdit()).as(where).isEqualTo(other.lastEdit());
    assertThat(one.newestTime()).as(where).isEqualTo(other.newestTime());
    assertThat(one.list(at)).as(where).isEqualTo(other.list(at));
    assertThat(one.allows(at)).as(where).isEqualTo(other.allows(at));
    assertThat(one.feeds()).as(where).isEqualTo(other.feeds());
    assertThat(one.counts(at)).as(where).isEqualTo(other.counts(at));
    assertThat(one.standing(at)).as(where).isEqualTo(other.standing(at));
    Random random = new Random(1);
    for (int i = 0; i < 100; i++) {
      IpPrefix ip = RandomEvents.prefix(random);
      String scope = RandomEvents.scope(random);
      assertThat(one.verdict(ip.hi(), ip.lo(), at.toEpochMilli(), scope))
          .as(where)
          .isEqualTo(other.verdict(ip.hi(), ip.lo(), at.toEpochMilli(), scope));
      assertThat(one.floorMillis(ip.hi(), ip.lo(), scope))
          .as(where)
          .isEqualTo(other.floorMillis(ip.hi(), ip.lo(), scope));
      assertThat(one.lastOffence(ip)).as(where).isEqualTo(other.lastOffence(ip));
    }
  }

  @Test
  void write_manyLabels_namesThemAgainWhileTheyAreRecent() throws IOException {
    ActiveBans state = new ActiveBans();
    for (int i = 0; i < 3 * BanSnapshot.LABELS; i++) {
      IpPrefix ip = IpPrefix.ofV4(0xcb00_0000 | i);
      String reason = i % 3 == 0 ? "often" : "reason " + i % 5_000;
      state.apply(new SequencedEvent(i + 1L, ban(ip, T0.plusSeconds(i), reason)));
    }
    byte[] bytes = write(state);

    assertThat(bytes.length).isLessThan(3 * BanSnapshot.LABELS * 60);
    assertThat(write(read(bytes, ActiveBans.Limits.DEFAULT))).isEqualTo(bytes);
  }

  @Test
  void write_aKnownState_isTheBytesOfVersion1() throws IOException {
    ActiveBans state = new ActiveBans();
    state.apply(new SequencedEvent(1, ban(IpPrefix.parse("203.0.113.7"), null, "r")));
    state.apply(
        new SequencedEvent(2, new BanEvent.Unban(T0, IpPrefix.parse("2001:db8::/64"), "c", "")));
    state.apply(
        new SequencedEvent(
            3, new BanEvent.Allow(T0, IpPrefix.parse("198.51.100.0/24"), null, "c", "o")));
    state.apply(new SequencedEvent(4, new BanEvent.Feed(T0, "f", "sha256:1", 3, "")));
    byte[] bytes = write(state);

    assertThat(HexFormat.of().formatHex(bytes, 0, bytes.length - BanSnapshot.DIGEST_BYTES))
        .isEqualTo(
            "49505342414e5301" // magic, version
                + "0401" // head; there is a time:
                + "80bb9ee79f34"
                + "02" // two bans
                + "9020cb00710701" // permanent IPv4 /32, seq 1
                + "80bb9ee79f34" // at
                + "0301" // hits, offence
                + "0000" // a new label without scope
                + "0770726f62696e67" // probing
                + "0172" // r
                + "0777617463686572" // watcher
                + "204020010db8000000000000000000000000" // floor, IPv6 /64
                + "80bb9ee79f34"
                + "01" // one allow
                + "0418c6336400" // IPv4 /24
                + "03" // seq
                + "80bb9ee79f34"
                + "00" // no end
                + "0163016f"
                + "01" // one feed
                + "04" // seq
                + "80bb9ee79f34"
                + "0166" // f
                + "087368613235363a31" // sha256:1
                + "0300"); // entries, by
    assertThat(write(new ActiveBans())).startsWith('I', 'P', 'S', 'B').hasSize(8 + 5 + 32);
  }

  @Test
  void write_anEventNamesAnEdit_isVersion2WithTheLastOne() throws IOException {
    ActiveBans state = new ActiveBans();
    state.apply(
        new SequencedEvent(
            1, new BanEvent.Unban(T0, IpPrefix.parse("203.0.113.7"), "c", "", "uid/7")));
    state.apply(
        new SequencedEvent(
            2, new BanEvent.Unban(T0, IpPrefix.parse("203.0.113.8"), "c", "", "uid/8")));
    state.apply(
        new SequencedEvent(3, new BanEvent.Unban(T0, IpPrefix.parse("203.0.113.9"), "c", "")));
    byte[] bytes = write(state);

    assertThat(bytes[BanSnapshot.MAGIC.length]).isEqualTo((byte) 2);
    assertThat(HexFormat.of().formatHex(bytes, 0, bytes.length - BanSnapshot.DIGEST_BYTES))
        .endsWith("057569642f38"); // uid/8
    assertThat(read(bytes, ActiveBans.Limits.DEFAULT).lastEdit()).contains("uid/8");
  }

  @Test
  void read_anyBitChangedOrCutShort_isRefused() throws IOException {
    Random random = new Random(4);
    ActiveBans state = new ActiveBans();
    for (long seq = 1; seq <= 40; seq++) {
      state.apply(new SequencedEvent(seq, RandomEvents.event(random, T0.plusSeconds(seq))));
    }
    byte[] bytes = write(state);
    for (int i = 0; i < bytes.length; i++) {
      byte[] damaged = bytes.clone();
      damaged[i] ^= (byte) (1 << random.nextInt(8));
      assertThatThrownBy(() -> read(damaged, ActiveBans.Limits.DEFAULT))
          .isInstanceOf(InvalidSnapshotException.class);
      byte[] cut = Arrays.copyOf(bytes, i);
      assertThatThrownBy(() -> read(cut, ActiveBans.Limits.DEFAULT))
          .isInstanceOf(InvalidSnapshotException.class);
    }
  }

  @Test
  void read_newerVersion_saysSo() throws IOException {
    byte[] bytes = write(new ActiveBans());
    bytes[BanSnapshot.MAGIC.length] = BanSnapshot.VERSION + 1;

    assertThatThrownBy(() -> read(bytes, ActiveBans.Limits.DEFAULT))
        .isInstanceOf(InvalidSnapshotException.class)
        .hasMessageContaining("version 3; this ip-sentry knows 1 to 2");
  }

  @Test
  void read_smallerLimits_forgetsMore() throws IOException {
    ActiveBans state = new ActiveBans();
    state.apply(new SequencedEvent(1, ban(IpPrefix.parse("203.0.113.7"), T0.plusSeconds(1), "r")));
    state.apply(
        new SequencedEvent(
            2, new BanEvent.Disallow(T0.plusSeconds(100), IpPrefix.parse("::/0"), "", "")));
    ActiveBans.Limits limits = new ActiveBans.Limits(Duration.ofSeconds(10), 100);

    assertThat(state.counts(T0).remembered()).isEqualTo(1);
    assertThat(read(write(state), limits).counts(T0).remembered()).isZero();
  }

  @Test
  void become_anotherState_answersAsThatDoes() throws IOException {
    ActiveBans state = new ActiveBans();
    state.apply(new SequencedEvent(1, ban(IpPrefix.parse("203.0.113.7"), null, "r")));
    ActiveBans other = new ActiveBans();
    other.apply(new SequencedEvent(1, ban(IpPrefix.parse("203.0.113.8"), null, "r")));
    other.apply(new SequencedEvent(2, ban(IpPrefix.parse("203.0.113.9"), null, "r")));
    byte[] expected = write(other);

    state.become(other);

    assertThat(write(state)).isEqualTo(expected);
    state.apply(new SequencedEvent(3, ban(IpPrefix.parse("203.0.113.1"), null, "r")));
    assertThat(state.list(T0)).hasSize(3);
  }

  private static BanEvent.Ban ban(IpPrefix ip, @Nullable Instant until, String reason) {
    return new BanEvent.Ban(
        T0, ip, until, "probing", reason, 3, SeenAs.PEER, "watcher", 1, null, null);
  }

  static byte[] write(ActiveBans state) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    BanSnapshot.write(state, out);
    return out.toByteArray();
  }

  static ActiveBans read(byte[] bytes, ActiveBans.Limits limits) throws IOException {
    InputStream in = new ByteArrayInputStream(bytes);
    ActiveBans state = BanSnapshot.read(in, limits);
    assertThat(in.available()).isZero();
    return state;
  }
}
