package io.ipsentry.feed;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Prefix sets for tests. */
final class Prefixes {
  private Prefixes() {}

  /** Of both families, scattered and close together, of any length. */
  static PrefixSet random(Random random, int count) {
    List<IpPrefix> prefixes = new ArrayList<>();
    int base = random.nextInt();
    for (int i = 0; i < count; i++) {
      int bits = random.nextInt(4) == 0 ? random.nextInt(33) : 32;
      int address = random.nextBoolean() ? random.nextInt() : base + random.nextInt(2 * count);
      switch (random.nextInt(3)) {
        case 0 ->
            prefixes.add(
                IpPrefix.of(
                    0x2000_0000_0000_0000L | random.nextLong() >>> 3,
                    random.nextLong(),
                    16 + random.nextInt(113)));
        case 1 -> prefixes.add(IpPrefix.of(0x2001_0db8_0000_0000L, random.nextLong(), 128));
        default -> prefixes.add(IpPrefix.of(0, IpPrefix.v4ToLo(address), 96 + bits));
      }
    }
    return PrefixSet.of(prefixes);
  }
}
