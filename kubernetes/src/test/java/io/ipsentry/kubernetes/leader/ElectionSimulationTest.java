package io.ipsentry.kubernetes.leader;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Processes that are elected while answers are lost, writes land late, processes are paused, wall
 * clocks jump and the API server is away: never two lead at once, and soon somebody does.
 */
final class ElectionSimulationTest {
  private static final int SEEDS = Integer.getInteger("election.seeds", 300);
  private static final int STEPS = 400;
  private static final LeaseTimes TIMES = LeaseTimes.DEFAULT;

  static List<Long> seeds() {
    List<Long> seeds = new ArrayList<>();
    for (long seed = 1; seed <= SEEDS; seed++) {
      seeds.add(seed);
    }
    return seeds;
  }

  /** The API server as a process reaches it: calls take time, fail, or fail and are done. */
  private static final class Unreliable implements Leases {
    private final InMemoryLeases leases;
    private final Random random;
    private final AtomicLong nanos;
    private boolean away;

    Unreliable(InMemoryLeases leases, Random random, AtomicLong nanos) {
      this.leases = leases;
      this.random = random;
      this.nanos = nanos;
    }

    private void passes() {
      // Up to the timeout of a request.
      nanos.addAndGet(random.nextLong(random.nextInt(10) == 0 ? 5_000_000_000L : 50_000_000L));
      if (away || random.nextInt(12) == 0) {
        throw new ApiServerException(Reason.UNAVAILABLE, "away", null);
      }
    }

    @Override
    public Optional<LeaseRecord> get() {
      passes();
      Optional<LeaseRecord> found = leases.get();
      passes();
      return found;
    }

    @Override
    public LeaseRecord create(LeaseRecord lease) {
      passes();
      LeaseRecord stored = leases.create(lease);
      passes();
      return stored;
    }

    @Override
    public LeaseRecord replace(LeaseRecord lease) {
      passes();
      LeaseRecord stored = leases.replace(lease);
      passes();
      return stored;
    }
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void election_faultsAndJumps_neverTwoLeadAndSoonOneDoes(long seed) {
    Random random = new Random(seed);
    AtomicLong nanos = new AtomicLong(random.nextLong());
    InMemoryLeases leases = new InMemoryLeases();
    Instant[] wall = {Instant.parse("2026-11-21T07:00:00Z")};
    List<Unreliable> ways = new ArrayList<>();
    List<Elector> electors = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Unreliable way = new Unreliable(leases, random, nanos);
      ways.add(way);
      electors.add(new Elector(way, "p" + i, Optional.empty(), TIMES, () -> wall[0], nanos::get));
    }
    for (int step = 0; step < STEPS; step++) {
      int which = random.nextInt(electors.size());
      switch (random.nextInt(24)) {
        case 0 -> wall[0] = wall[0].plus(Duration.ofMinutes(random.nextInt(-60, 61)));
        case 1 -> nanos.addAndGet(Duration.ofSeconds(random.nextInt(40)).toNanos());
        case 2 -> ways.get(which).away = !ways.get(which).away;
        case 3 -> run(electors.get(which)::release);
        case 4 -> electors.get(which).abstain(Duration.ofSeconds(random.nextInt(20)));
        default -> run(electors.get(which)::attempt);
      }
      nanos.addAndGet(TIMES.retry().toNanos() / electors.size());
      assertThat(electors.stream().filter(Elector::leads).count())
          .as("leaders, seed %d, step %d", seed, step)
          .isLessThanOrEqualTo(1);
    }
    ways.forEach(way -> way.away = false);
    for (int round = 0; round < 200; round++) {
      electors.forEach(elector -> run(elector::attempt));
      nanos.addAndGet(TIMES.retry().toNanos());
      if (electors.stream().anyMatch(Elector::leads)) {
        return;
      }
    }
    throw new AssertionError("nobody leads, seed " + seed);
  }

  private static void run(Runnable call) {
    try {
      call.run();
    } catch (ApiServerException e) {
      // The process tries again at its next turn.
      assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE);
    }
  }
}
