package io.ipsentry.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class PrefixTableTest {
  @Test
  void match_randomPutsAndRemoves_agreesWithNaiveList() {
    for (long seed = 1; seed <= 60; seed++) {
      Random random = new Random(seed);
      PrefixTable table = new PrefixTable();
      Map<IpPrefix, Integer> naive = new HashMap<>();
      for (int step = 0; step < 1_500; step++) {
        IpPrefix prefix = pick(random, naive);
        String where = "seed " + seed + ", step " + step + ", " + prefix;
        switch (random.nextInt(5)) {
          case 0, 1 ->
              assertThat(table.put(prefix, step))
                  .as(where)
                  .isEqualTo(orNone(naive.put(prefix, step)));
          case 2 ->
              assertThat(table.remove(prefix)).as(where).isEqualTo(orNone(naive.remove(prefix)));
          case 3 -> assertThat(table.get(prefix)).as(where).isEqualTo(orNone(naive.get(prefix)));
          default -> assertMatches(table, naive, prefix, random.nextInt(130) - 1, where);
        }
        assertThat(table.size()).as(where).isEqualTo(naive.size());
      }
      Map<IpPrefix, Integer> shown = new HashMap<>();
      table.forEach((hi, lo, length, value) -> shown.put(new IpPrefix(hi, lo, length), value));
      assertThat(shown).as("seed %d", seed).isEqualTo(naive);
    }
  }

  /** Grows every part of the table many times, with prefixes close to each other and far apart. */
  @Test
  void get_hundredThousandsPutAndRemoved_agreesWithHashMap() {
    Random random = new Random(4);
    PrefixTable table = new PrefixTable();
    Map<IpPrefix, Integer> naive = new HashMap<>();
    for (int step = 0; step < 300_000; step++) {
      int bits = random.nextInt(4) == 0 ? random.nextInt(33) : 32;
      int address = step % 2 == 0 ? random.nextInt() : 0x2d00_0000 + random.nextInt(100_000);
      IpPrefix ip = IpPrefix.of(0, IpPrefix.v4ToLo(address), IpPrefix.V4_OFFSET + bits);
      if (step % 100_000 == 50_000) {
        table.reserveV4(step);
      }
      if (random.nextInt(4) == 0) {
        assertThat(table.remove(ip)).isEqualTo(orNone(naive.remove(ip)));
      } else {
        assertThat(table.put(ip, step)).isEqualTo(orNone(naive.put(ip, step)));
      }
    }
    assertThat(table.size()).isEqualTo(naive.size()).isGreaterThan(150_000);
    naive.forEach((ip, value) -> assertThat(table.get(ip)).isEqualTo(value));
    Map<IpPrefix, Integer> shown = new HashMap<>();
    table.forEach((hi, lo, length, value) -> shown.put(new IpPrefix(hi, lo, length), value));
    assertThat(shown).isEqualTo(naive);
  }

  @Test
  void match_goingOn_showsEveryPrefixOnceLongestFirst() {
    PrefixTable table = new PrefixTable();
    String[] nested = {"0.0.0.0/0", "192.0.0.0/8", "192.0.0.0/16", "192.0.2.0/24", "192.0.2.1"};
    for (int i = 0; i < nested.length; i++) {
      table.put(IpPrefix.parse(nested[i]), i);
    }
    IpPrefix address = IpPrefix.parse("192.0.2.1");
    int expected = nested.length - 1;
    long match = table.match(address.hi(), address.lo(), 128);
    while (match != PrefixTable.NONE) {
      assertThat(PrefixTable.valueOf(match)).isEqualTo(expected--);
      match = table.match(address.hi(), address.lo(), PrefixTable.lengthOf(match) - 1);
    }
    assertThat(expected).isEqualTo(-1);
  }

  @Test
  void put_aMillionOfEachKind_staysWithin64MiB() {
    Random random = new Random(1);
    PrefixTable mixed = new PrefixTable();
    PrefixTable sixes = new PrefixTable();
    PrefixTable both = new PrefixTable();
    for (int i = 0; i < 1_000_000; i++) {
      int bits = 8 + random.nextInt(25);
      mixed.put(IpPrefix.of(0, IpPrefix.v4ToLo(random.nextInt()), IpPrefix.V4_OFFSET + bits), i);
      IpPrefix six = IpPrefix.of(0x2000_0000_0000_0000L | random.nextLong() >>> 3, 0, 64);
      sixes.put(six, i);
      both.put(i % 2 == 0 ? six : IpPrefix.ofV4(random.nextInt()), i);
    }
    assertThat(mixed.sizeBytes()).isLessThanOrEqualTo(64L << 20);
    assertThat(sixes.size()).isGreaterThan(999_000);
    assertThat(sixes.sizeBytes()).isLessThanOrEqualTo(64L << 20);
    assertThat(both.sizeBytes()).isLessThanOrEqualTo(64L << 20);
  }

  @Test
  void put_aMillionV4AddressesAllOver_staysWithin20MiB() {
    Random random = new Random(1);
    PrefixTable table = new PrefixTable();
    for (int i = 0; i < 1_000_000; i++) {
      table.put(IpPrefix.ofV4(random.nextInt()), i);
    }
    assertThat(table.sizeBytes()).isLessThanOrEqualTo(20L << 20);
  }

  @Test
  void match_whileAnotherThreadWrites_neverThrowsOrHangs() throws Exception {
    PrefixTable table = new PrefixTable();
    AtomicBoolean done = new AtomicBoolean();
    Thread writer =
        Thread.ofPlatform()
            .start(() -> {
              Random random = new Random(2);
              for (int i = 0; i < 400_000; i++) {
                IpPrefix prefix = RandomPrefixes.next(random);
                if (i % 3 == 0) {
                  table.remove(prefix);
                } else {
                  table.put(prefix, i);
                }
              }
              done.set(true);
            });
    Random random = new Random(3);
    long matches = 0;
    while (!done.get()) {
      IpPrefix prefix = RandomPrefixes.next(random);
      matches += table.match(prefix.hi(), prefix.lo(), 128) == PrefixTable.NONE ? 0 : 1;
    }
    writer.join();
    assertThat(matches).isPositive();
  }

  @Test
  void put_valueOutOfRange_isRefused() {
    PrefixTable table = new PrefixTable();
    for (IpPrefix ip : List.of(IpPrefix.parse("::1"), IpPrefix.parse("192.0.2.1"))) {
      assertThatThrownBy(() -> table.put(ip, -1)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> table.put(ip, PrefixTable.MAX_VALUE + 1))
          .isInstanceOf(IllegalArgumentException.class);
      table.put(ip, PrefixTable.MAX_VALUE);
      assertThat(table.get(ip)).isEqualTo(PrefixTable.MAX_VALUE);
    }
  }

  private static IpPrefix pick(Random random, Map<IpPrefix, Integer> naive) {
    if (naive.isEmpty() || random.nextInt(3) > 0) {
      return RandomPrefixes.next(random);
    }
    return naive.keySet().stream().skip(random.nextInt(naive.size())).findFirst().orElseThrow();
  }

  private static void assertMatches(
      PrefixTable table, Map<IpPrefix, Integer> naive, IpPrefix at, int maxLength, String where) {
    int length = -1;
    int value = -1;
    for (Map.Entry<IpPrefix, Integer> e : naive.entrySet()) {
      IpPrefix p = e.getKey();
      if (p.contains(at.hi(), at.lo()) && p.length() <= maxLength && p.length() > length) {
        length = p.length();
        value = e.getValue();
      }
    }
    long match = table.match(at.hi(), at.lo(), maxLength);
    if (length < 0) {
      assertThat(match).as(where).isEqualTo(PrefixTable.NONE);
    } else {
      assertThat(PrefixTable.lengthOf(match)).as(where).isEqualTo(length);
      assertThat(PrefixTable.valueOf(match)).as(where).isEqualTo(value);
    }
  }

  private static int orNone(@Nullable Integer value) {
    return value == null ? PrefixTable.NONE : value;
  }
}
