package io.ipsentry.net;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Prefixes that often nest, repeat and sit at the edges of both families. */
final class RandomPrefixes {
  private RandomPrefixes() {}

  static IpPrefix next(Random random) {
    if (random.nextBoolean()) {
      int address =
          switch (random.nextInt(4)) {
            case 0 -> random.nextInt();
            case 1 -> 0xc000_0200 | random.nextInt(64);
            case 2 -> 0xc000_0000 | random.nextInt() >>> (8 + random.nextInt(24));
            default -> random.nextBoolean() ? 0 : -1;
          };
      int bits = random.nextInt(3) == 0 ? 32 : random.nextInt(33);
      return IpPrefix.of(0, IpPrefix.v4ToLo(address), IpPrefix.V4_OFFSET + bits);
    }
    long hi =
        switch (random.nextInt(4)) {
          case 0 -> random.nextLong();
          case 1 -> 0x2001_0db8_0000_0000L | random.nextInt(8);
          case 2 -> 0x2001_0db8_0000_0000L | random.nextLong() >>> (16 + random.nextInt(48));
          default -> 0;
        };
    long lo = random.nextBoolean() ? random.nextInt(4) : random.nextLong();
    int length = random.nextInt(4) == 0 ? 64 : random.nextInt(129);
    return IpPrefix.of(hi, lo, length);
  }

  static List<IpPrefix> list(Random random, int size) {
    List<IpPrefix> prefixes = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      prefixes.add(next(random));
    }
    return prefixes;
  }
}
