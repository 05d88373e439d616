package io.ipsentry.feed;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.PrefixSetBuilder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Prefixes in any order, without an object for each of IPv4. Confined to one thread. */
final class PrefixCollector {
  private static final int LEAST_ROOM = 64;
  private static final int LENGTH_BITS = 8;

  /** Address and length, so that their order is that of prefixes. */
  private long[] v4 = new long[LEAST_ROOM];

  private int count4;
  private final List<IpPrefix> v6 = new ArrayList<>();

  /** Adds the prefix of a length (128-bit space) around an address. */
  void add(long hi, long lo, int length) {
    IpPrefix prefix = IpPrefix.of(hi, lo, length);
    if (!prefix.isV4()) {
      v6.add(prefix);
      return;
    }
    if (count4 == v4.length) {
      v4 = Arrays.copyOf(v4, count4 + (count4 >> 1));
    }
    v4[count4++] = (prefix.lo() & 0xffff_ffffL) << LENGTH_BITS | length;
  }

  /** The set of all; the collector must not be used any more. */
  PrefixSet build() {
    Arrays.sort(v4, 0, count4);
    v6.sort(null);
    PrefixSetBuilder set = new PrefixSetBuilder(count4, v6.size());
    for (int i = 0; i < count4; i++) {
      set.add(0, IpPrefix.v4ToLo((int) (v4[i] >>> LENGTH_BITS)), (int) v4[i] & 0xff);
    }
    v6.forEach(prefix -> set.add(prefix.hi(), prefix.lo(), prefix.length()));
    return set.build();
  }
}
