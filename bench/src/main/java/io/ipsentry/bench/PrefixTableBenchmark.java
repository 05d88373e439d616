package io.ipsentry.bench;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixTable;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One longest-prefix match among a million prefixes, at addresses in random order, so that hardly
 * any is in a cache. Prints the bytes the table holds.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class PrefixTableBenchmark {
  private static final int ENTRIES = 1_000_000;
  private static final int PROBES = 1 << 20;
  private static final int WARM_UP = 3;
  private static final int ROUNDS = 15;

  /** What the prefixes are. */
  public enum Mix {
    /** IPv4 addresses. */
    V4_ADDRESSES,
    /** IPv4 prefixes of 8 to 32 bits, as many of each length. */
    V4_MIXED,
    /** IPv6 prefixes of 64 bits. */
    V6_64,
    /** Half IPv4 addresses, half IPv6 of 48, 56, 64 and 128 bits. */
    BOTH
  }

  @Param Mix mix = Mix.V4_ADDRESSES;

  private final PrefixTable table = new PrefixTable();
  private final long[] hitHi = new long[PROBES];
  private final long[] hitLo = new long[PROBES];
  private final long[] missHi = new long[PROBES];
  private final long[] missLo = new long[PROBES];
  private int at;

  /** Fills the table and finds addresses that are in it and that are not. */
  @Setup
  public void fill() {
    Random random = new Random(1);
    IpPrefix[] entries = new IpPrefix[ENTRIES];
    for (int i = 0; i < ENTRIES; i++) {
      entries[i] = next(random);
      table.put(entries[i], i);
    }
    int misses = 0;
    for (int i = 0; i < PROBES; i++) {
      IpPrefix hit = entries[random.nextInt(ENTRIES)];
      hitHi[i] = hit.hi();
      hitLo[i] = hit.lo();
    }
    while (misses < PROBES) {
      IpPrefix address = next(random);
      // With prefixes of 8 bits in it the mixed table has hardly a miss; then any address does.
      if (mix == Mix.V4_MIXED || table.match(address.hi(), address.lo(), 128) == PrefixTable.NONE) {
        missHi[misses] = address.hi();
        missLo[misses++] = address.lo();
      }
    }
    System.out.printf("%n%s: %,d entries, %,d bytes%n", mix, table.size(), table.sizeBytes());
  }

  private IpPrefix next(Random random) {
    return switch (mix) {
      case V4_ADDRESSES -> IpPrefix.ofV4(random.nextInt());
      case V4_MIXED -> IpPrefix.ofV4(random.nextInt()).truncate(8 + random.nextInt(25));
      case V6_64 -> v6(random, 64);
      case BOTH ->
          random.nextBoolean()
              ? IpPrefix.ofV4(random.nextInt())
              : v6(random, random.nextInt(4) == 0 ? 128 : 48 + 8 * random.nextInt(3));
    };
  }

  /** In 2000::/3, under 50,000 networks of 32 bits, as many as are in the global routing table. */
  private static IpPrefix v6(Random random, int length) {
    long network = random.nextInt(50_000) * 0x9e37_79b9L & 0x1fff_ffffL | 0x2000_0000L;
    return IpPrefix.of(network << 32 | random.nextInt() & 0xffff_ffffL, random.nextLong(), length);
  }

  /** An address that lies in an entry. */
  @Benchmark
  public long hit() {
    at = (at + 1) & (PROBES - 1);
    return table.match(hitHi[at], hitLo[at], IpPrefix.MAX_LENGTH);
  }

  /** An address that lies in none (mixed: a random one). */
  @Benchmark
  public long miss() {
    at = (at + 1) & (PROBES - 1);
    return table.match(missHi[at], missLo[at], IpPrefix.MAX_LENGTH);
  }

  /**
   * The same by processor time of the thread, for a machine that others use too: best and median of
   * the rounds.
   */
  public static void main(String[] args) {
    for (Mix mix : Mix.values()) {
      PrefixTableBenchmark benchmark = new PrefixTableBenchmark();
      benchmark.mix = mix;
      benchmark.fill();
      double[] hits = new double[ROUNDS];
      double[] misses = new double[ROUNDS];
      for (int i = -WARM_UP; i < ROUNDS; i++) {
        double hit = nanosEach(benchmark::hit);
        double miss = nanosEach(benchmark::miss);
        hits[Math.max(i, 0)] = hit;
        misses[Math.max(i, 0)] = miss;
      }
      Arrays.sort(hits);
      Arrays.sort(misses);
      System.out.printf(
          "hit %.0f ns (%.0f), miss %.0f ns (%.0f)%n",
          hits[0], hits[ROUNDS / 2], misses[0], misses[ROUNDS / 2]);
    }
  }

  private static double nanosEach(LongSupplier match) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long began = threads.getCurrentThreadCpuTime();
    long sum = 0;
    for (int i = 0; i < PROBES; i++) {
      sum += match.getAsLong();
    }
    long took = threads.getCurrentThreadCpuTime() - began;
    // A sum that nobody sees would let the compiler leave out the matches.
    return sum == Long.MIN_VALUE ? 0 : (double) took / PROBES;
  }
}
