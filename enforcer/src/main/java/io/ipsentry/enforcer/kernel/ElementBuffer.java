package io.ipsentry.enforcer.kernel;

import io.ipsentry.net.IpPrefix;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/**
 * The elements of one set, until it is known that all of them were read: 16 bytes each where
 * addresses are IPv4, else 24. Confined to one thread.
 */
final class ElementBuffer implements SetDump.Sink {
  private static final int ELEMENTS_OF_A_CHUNK = 4_096;

  private final Family family;
  private final int length;
  private final InstantSource clock;
  private final long longestMillis;
  private final int width;
  private final List<long[]> chunks = new ArrayList<>();
  private int count;

  /**
   * @param length of the prefixes whose first addresses are in the set (128-bit space)
   * @param longestMillis what is left longer than that was put for ever
   */
  ElementBuffer(Family family, int length, InstantSource clock, long longestMillis) {
    this.family = family;
    this.length = length;
    this.clock = clock;
    this.longestMillis = longestMillis;
    width = family == Family.V4 ? 2 : 3;
  }

  @Override
  public void element(long hi, long lo, long leftMillis) {
    int at = count % ELEMENTS_OF_A_CHUNK * width;
    if (at == 0) {
      chunks.add(new long[ELEMENTS_OF_A_CHUNK * width]);
    }
    long[] chunk = chunks.getLast();
    chunk[at] = leftMillis > longestMillis ? PacketFilter.FOR_EVER : clock.millis() + leftMillis;
    chunk[at + 1] = lo;
    if (width > 2) {
      chunk[at + 2] = hi;
    }
    count++;
  }

  /** Shows all of them. */
  void forEach(PacketFilter.ElementVisitor visitor) {
    for (int i = 0; i < count; i++) {
      long[] chunk = chunks.get(i / ELEMENTS_OF_A_CHUNK);
      int at = i % ELEMENTS_OF_A_CHUNK * width;
      IpPrefix prefix =
          family == Family.V4
              ? IpPrefix.of(0, IpPrefix.v4ToLo((int) chunk[at + 1]), length)
              : IpPrefix.of(chunk[at + 2], chunk[at + 1], length);
      visitor.element(prefix, chunk[at]);
    }
  }
}
