package io.ipsentry.bench;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Verdicts with a million bans in force, at addresses in random order. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class ActiveBansBenchmark {
  private static final int BANS = 1_000_000;
  private static final int PROBES = 1 << 20;
  private static final Instant NOW = Instant.parse("2026-11-21T07:00:00Z");

  private final ActiveBans bans = new ActiveBans();
  private final int[] banned = new int[PROBES];
  private final int[] others = new int[PROBES];
  private final long now = NOW.toEpochMilli();
  private int at;

  /** Bans a million addresses. */
  @Setup
  public void fill() {
    Random random = new Random(1);
    for (int seq = 1; seq <= BANS; seq++) {
      int address = random.nextInt();
      banned[seq & PROBES - 1] = address;
      bans.apply(new SequencedEvent(seq, ban(IpPrefix.ofV4(address))));
    }
    for (int i = 0; i < PROBES; i++) {
      others[i] = random.nextInt();
      int swap = random.nextInt(PROBES);
      int address = banned[swap];
      banned[swap] = banned[i];
      banned[i] = address;
    }
    System.out.printf("%n%,d bans, %,d bytes%n", bans.counts(NOW).bans(), bans.sizeBytes());
  }

  private static BanEvent.Ban ban(IpPrefix ip) {
    return new BanEvent.Ban(
        NOW, ip, NOW.plusSeconds(60), "r", "", 3, SeenAs.PEER, "w", 1, null, null);
  }

  /** Whether a banned address is refused. */
  @Benchmark
  public boolean isBanned_banned() {
    at = (at + 1) & (PROBES - 1);
    return bans.isBanned(0, IpPrefix.v4ToLo(banned[at]), now, null);
  }

  /** Whether a random address is refused. */
  @Benchmark
  public boolean isBanned_notBanned() {
    at = (at + 1) & (PROBES - 1);
    return bans.isBanned(0, IpPrefix.v4ToLo(others[at]), now, null);
  }

  /** The ban of a banned address. */
  @Benchmark
  public Object verdict_banned() {
    at = (at + 1) & (PROBES - 1);
    return bans.verdict(0, IpPrefix.v4ToLo(banned[at]), now, null);
  }

  /** The verdict on a random address. */
  @Benchmark
  public Object verdict_notBanned() {
    at = (at + 1) & (PROBES - 1);
    return bans.verdict(0, IpPrefix.v4ToLo(others[at]), now, null);
  }

  /** The floor of a random address, asked at every hit. */
  @Benchmark
  public long floor() {
    at = (at + 1) & (PROBES - 1);
    return bans.floorMillis(0, IpPrefix.v4ToLo(others[at]), null);
  }
}
