package io.ipsentry.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class PrefixSetTest {
  @Test
  void contains_randomSets_agreesWithList() {
    for (long seed = 1; seed <= 200; seed++) {
      Random random = new Random(seed);
      List<IpPrefix> members = RandomPrefixes.list(random, random.nextInt(30));
      PrefixSet set = PrefixSet.of(members);
      for (int i = 0; i < 200; i++) {
        IpPrefix probe = RandomPrefixes.next(random);
        String where = "seed " + seed + ", " + members + ", " + probe;

        assertThat(set.contains(probe.hi(), probe.lo()))
            .as(where)
            .isEqualTo(members.stream().anyMatch(m -> m.contains(probe.hi(), probe.lo())));
        assertThat(set.firstOverlap(probe).isPresent())
            .as(where)
            .isEqualTo(members.stream().anyMatch(m -> m.overlaps(probe)));
        set.firstOverlap(probe)
            .ifPresent(
                m -> assertThat(members.contains(m) && m.overlaps(probe)).as(where).isTrue());
        if (members.stream().anyMatch(m -> m.contains(probe))) {
          assertThat(set.covers(probe)).as(where).isTrue();
        } else if (members.stream().noneMatch(m -> m.overlaps(probe))) {
          assertThat(set.covers(probe)).as(where).isFalse();
        }
      }
    }
  }

  @Test
  void covers_smallPrefixes_agreesWithEveryAddress() {
    for (long seed = 1; seed <= 300; seed++) {
      Random random = new Random(seed);
      List<IpPrefix> members = new ArrayList<>();
      for (int i = random.nextInt(12); i > 0; i--) {
        members.add(IpPrefix.of(0, IpPrefix.v4ToLo(random.nextInt(16)), 124 + random.nextInt(5)));
      }
      PrefixSet set = PrefixSet.of(members);
      for (int length = 124; length <= 128; length++) {
        for (int first = 0; first < 16; first++) {
          IpPrefix probe = IpPrefix.of(0, IpPrefix.v4ToLo(first), length);
          boolean all = true;
          for (int a = 0; a < 16; a++) {
            long lo = IpPrefix.v4ToLo(a);
            all &= !probe.contains(0, lo) || members.stream().anyMatch(m -> m.contains(0, lo));
          }
          assertThat(set.covers(probe)).as("seed %d %s %s", seed, members, probe).isEqualTo(all);
        }
      }
    }
  }

  @Test
  void covers_wholeFamilyInHalves_isTrue() {
    assertThat(PrefixSet.parse("::/1", "8000::/1").covers(IpPrefix.parse("::/0"))).isTrue();
    assertThat(PrefixSet.parse("8000::/1").covers(IpPrefix.parse("::/0"))).isFalse();
    assertThat(PrefixSet.parse("0.0.0.0/1", "128.0.0.0/1").covers(IpPrefix.parse("0.0.0.0/0")))
        .isTrue();
  }

  @Test
  void prefixes_nestedAndRepeated_leavesOutWhatLiesInAnother() {
    PrefixSet set =
        PrefixSet.parse("10.1.0.0/16", "::/0", "10.0.0.0/8", "10.0.0.0/8", "192.0.2.1", "::1");

    assertThat(set.prefixes())
        .extracting(IpPrefix::toString)
        .containsExactly("10.0.0.0/8", "192.0.2.1", "::/0");
    assertThat(set).isEqualTo(PrefixSet.parse("::/0", "192.0.2.1", "10.0.0.0/8"));
    assertThatThrownBy(() -> set.prefixes().clear())
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void minus_anySets_holdsWhatIsInTheFirstAlone() {
    assertThat(PrefixSet.parse("192.0.2.0/30", "::/0").minus(PrefixSet.parse("192.0.2.1")))
        .isEqualTo(PrefixSet.parse("192.0.2.0", "192.0.2.2/31", "::/0"));
    assertThat(PrefixSet.parse("192.0.2.1").minus(PrefixSet.parse("192.0.2.0/24")).isEmpty())
        .isTrue();
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      PrefixSet left = small(random);
      PrefixSet right = small(random);

      PrefixSet rest = left.minus(right);

      for (int i = 0; i < 256; i++) {
        long lo = IpPrefix.v4ToLo(0xC0000200 + i);
        assertThat(rest.contains(0, lo))
            .as("seed %d, %s minus %s", seed, left, right)
            .isEqualTo(left.contains(0, lo) && !right.contains(0, lo));
      }
    }
  }

  /** Of 192.0.2.0/24. */
  private static PrefixSet small(Random random) {
    List<IpPrefix> prefixes = new ArrayList<>();
    for (int i = random.nextInt(12); i > 0; i--) {
      prefixes.add(
          IpPrefix.of(
              0, IpPrefix.v4ToLo(0xC0000200 + random.nextInt(256)), 120 + random.nextInt(9)));
    }
    return PrefixSet.of(prefixes);
  }

  @Test
  void union_twoSets_holdsBoth() {
    PrefixSet union = PrefixSet.parse("10.0.0.0/8").union(PrefixSet.parse("10.1.1.1", "::1"));

    assertThat(union).isEqualTo(PrefixSet.parse("10.0.0.0/8", "::1"));
    assertThat(PrefixSet.empty().union(union)).isSameAs(union);
    assertThat(union.union(PrefixSet.empty())).isSameAs(union);
    assertThat(PrefixSet.empty().isEmpty()).isTrue();
    assertThat(PrefixSet.empty().covers(IpPrefix.parse("::1"))).isFalse();
  }

  @Test
  void union_random_isTheSetOfAllPrefixes() {
    for (int seed = 1; seed <= 500; seed++) {
      Random random = new Random(seed);
      List<IpPrefix> left = RandomPrefixes.list(random, random.nextInt(60));
      List<IpPrefix> right = RandomPrefixes.list(random, random.nextInt(60));
      List<IpPrefix> both = new ArrayList<>(left);
      both.addAll(right);

      PrefixSet union = PrefixSet.of(left).union(PrefixSet.of(right));

      assertThat(union).as("seed %d", seed).isEqualTo(PrefixSet.of(both));
      PrefixSetBuilder builder = new PrefixSetBuilder();
      union.forEach(builder::add);
      assertThat(builder.build()).as("seed %d", seed).isEqualTo(union);
    }
  }

  @Test
  void builder_outOfOrderOrNoPrefix_refuses() {
    PrefixSetBuilder builder = new PrefixSetBuilder();
    builder.add(0, IpPrefix.v4ToLo(0x0a00_0000), 104);
    builder.add(0, IpPrefix.v4ToLo(0x0a01_0000), 112);
    builder.add(0x2001_0000_0000_0000L, 0, 16);
    builder.add(0x2001_0000_0000_0000L, 0, 128);

    assertThatThrownBy(() -> builder.add(0, IpPrefix.v4ToLo(0x0900_0000), 128))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.add(0, IpPrefix.v4ToLo(0x0a00_0000), 100))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.add(0x2000_0000_0000_0000L, 0, 16))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.add(0x2001_0000_0000_0000L, 1, 64))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.add(0, 0, 129)).isInstanceOf(IllegalArgumentException.class);
    assertThat(builder.build()).isEqualTo(PrefixSet.parse("10.0.0.0/8", "2001::/16"));
  }

  @Test
  void contains_manyPrefixes_agreesWithASet() {
    Random random = new Random(1);
    Set<Integer> model = new HashSet<>();
    List<IpPrefix> prefixes = new ArrayList<>();
    while (model.size() < 100_000) {
      // Some blocks are crowded, others empty, those at both ends are not.
      int address =
          random.nextBoolean()
              ? random.nextInt()
              : random.nextInt(3) - 1 << 20 | random.nextInt(1 << 17);
      if (model.add(address)) {
        prefixes.add(IpPrefix.ofV4(address));
      }
    }
    PrefixSet set = PrefixSet.of(prefixes);
    assertThat(set.size()).isEqualTo(model.size());
    for (int i = 0; i < 300_000; i++) {
      int address =
          i % 3 == 0 ? random.nextInt() : (int) prefixes.get(i % prefixes.size()).lo() + i % 5 - 2;
      assertThat(set.contains(0, IpPrefix.v4ToLo(address))).isEqualTo(model.contains(address));
    }
  }

  @Test
  void packed_anyLengths_agreesWithItsMembersOneByOne() {
    for (int seed = 1; seed <= 4; seed++) {
      Random random = new Random(seed);
      Set<IpPrefix> model = new HashSet<>();
      List<IpPrefix> left = new ArrayList<>();
      List<IpPrefix> right = new ArrayList<>();
      while (model.size() < 3 * V4Members.LEAST_PACKED) {
        // Wide ones are in the upper half, for they would hold most of the others.
        int bits = random.nextInt(500) == 0 ? 9 + random.nextInt(24) : 32 - seed % 2 * 2;
        int address = bits == 32 ? random.nextInt() : random.nextInt() | 0x8000_0000;
        IpPrefix prefix = IpPrefix.of(0, IpPrefix.v4ToLo(address), IpPrefix.V4_OFFSET + bits);
        model.add(prefix);
        (random.nextInt(8) == 0 ? right : left).add(prefix);
      }
      List<IpPrefix> all = new ArrayList<>(left);
      all.addAll(right);
      PrefixSet set = PrefixSet.of(all);
      String where = "seed " + seed;
      List<IpPrefix> members = set.prefixes();
      assertThat(members).as(where).hasSize(set.size()).isSorted();
      assertThat(PrefixSet.of(left).union(PrefixSet.of(right))).as(where).isEqualTo(set);
      PrefixSetBuilder built = new PrefixSetBuilder(all.size(), 0);
      set.forEach(built::add);
      assertThat(built.build()).as(where).isEqualTo(set).hasSameHashCodeAs(set);
      for (int i = 0; i < members.size(); i += 1 + random.nextInt(5)) {
        IpPrefix member = members.get(i);
        assertThat(set.indexOf(member)).as(where).isEqualTo(i);
        assertThat(set.covers(member)).as(where).isTrue();
        int last = (int) (member.lo() | ~IpPrefix.maskLo(member.length()));
        assertThat(set.contains(0, IpPrefix.v4ToLo(last))).as(where).isTrue();
        boolean nextIsIn =
            i + 1 < members.size() && members.get(i + 1).lo() == IpPrefix.v4ToLo(last + 1);
        if (last != -1) {
          assertThat(set.contains(0, IpPrefix.v4ToLo(last + 1))).as(where).isEqualTo(nextIsIn);
        }
      }
    }
  }

  @Test
  void builder_fewerThanExpected_isTheSetOfThem() {
    for (int count : new int[] {1, 1000, V4Members.LEAST_PACKED, V4Members.LEAST_PACKED + 1}) {
      PrefixSetBuilder expected = new PrefixSetBuilder(2 * V4Members.LEAST_PACKED, 0);
      PrefixSetBuilder grown = new PrefixSetBuilder();
      for (int i = 0; i < count; i++) {
        expected.add(0, IpPrefix.v4ToLo(40_000 * i), IpPrefix.MAX_LENGTH - i % 2);
        grown.add(0, IpPrefix.v4ToLo(40_000 * i), IpPrefix.MAX_LENGTH - i % 2);
      }
      PrefixSet set = expected.build();
      assertThat(set).isEqualTo(grown.build());
      assertThat(set.size()).isEqualTo(count);
      assertThat(set.prefixes().getLast())
          .isEqualTo(
              IpPrefix.of(
                  0, IpPrefix.v4ToLo(40_000 * (count - 1)), IpPrefix.MAX_LENGTH - (count - 1) % 2));
    }
  }

  @Test
  void reserved_addresses_areProtectedAsWritten() {
    PrefixSet all = ReservedPrefixes.protectedPrefixes(true);
    PrefixSet local = ReservedPrefixes.protectedPrefixes(false);
    for (String text :
        List.of(
            "127.0.0.1",
            "169.254.1.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "ff02::1")) {
      assertThat(all.covers(IpPrefix.parse(text))).as(text).isTrue();
      assertThat(local.covers(IpPrefix.parse(text))).as(text).isTrue();
    }
    for (String text :
        List.of(
            "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd00::1")) {
      assertThat(all.covers(IpPrefix.parse(text))).as(text).isTrue();
      assertThat(local.covers(IpPrefix.parse(text))).as(text).isFalse();
    }
    for (String text :
        List.of(
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "198.18.0.1",
            "2001:db8::1",
            "172.32.0.1",
            "100.128.0.1",
            "1.1.1.1")) {
      assertThat(all.covers(IpPrefix.parse(text))).as(text).isFalse();
    }
  }

  @Test
  void named_presets_areKnown() {
    for (String name : ReservedPrefixes.names()) {
      assertThat(ReservedPrefixes.named(name)).as(name).isPresent();
    }
    assertThat(
            ReservedPrefixes.named("cloudflare").orElseThrow().covers(IpPrefix.parse("104.16.1.1")))
        .isTrue();
    assertThat(ReservedPrefixes.named("nobody")).isEmpty();
  }

  @Test
  void indexOf_membersAndOthers_isThePlaceOrNone() {
    PrefixSet set = PrefixSet.parse("192.0.2.0/24", "198.51.100.7", "2001:db8::/32", "::1");

    for (int i = 0; i < set.prefixes().size(); i++) {
      assertThat(set.indexOf(set.prefixes().get(i))).isEqualTo(i);
    }
    for (String text : List.of("192.0.2.0", "192.0.2.0/25", "192.0.0.0/16", "::/1", "0.0.0.0")) {
      assertThat(set.indexOf(IpPrefix.parse(text))).as(text).isEqualTo(-1);
    }
  }
}
