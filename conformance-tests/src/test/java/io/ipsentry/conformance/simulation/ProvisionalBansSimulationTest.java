package io.ipsentry.conformance.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanSnapshot;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.Protection;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two servers count provisionally and report to an owner that crashes, stops and comes back, over
 * links that break, stall in one direction, and deliver late or again; the same seed makes the same
 * events, though not the same interleaving.
 *
 * <p>An address is asked for as often as a plan says, at either server. So in the end it is banned
 * if and only if the plan reaches the threshold, by exactly so many hits, once: a hit that was lost
 * would leave one unbanned, one that was counted twice would ban another.
 */
final class ProvisionalBansSimulationTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int ORDINARY = 120;

  /** Addresses that the owner does not ban, which the servers do not know. */
  private static final int PROTECTED = 40;

  private static final int SERVERS = 2;

  @TempDir private Path directory;

  private record Probe(int address, int server) {}

  /** Ordinary addresses that a server has refused. */
  private final List<TreeSet<Integer>> refused = List.of(new TreeSet<>(), new TreeSet<>());

  /** Addresses that a server has banned while the owner is away. */
  private final List<TreeSet<Integer>> refusedInAbsence = List.of(new TreeSet<>(), new TreeSet<>());

  private final int[][] local = new int[SERVERS][ORDINARY + PROTECTED];
  private final int[] plan = new int[ORDINARY + PROTECTED];
  private final List<SimulatedServer> servers = new ArrayList<>();

  private static IpPrefix ip(int address) {
    return address < ORDINARY
        ? IpPrefix.ofV4(0xCB00_7100 + address)
        : IpPrefix.ofV4(0xC633_6400 + address - ORDINARY);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void probes_ownerAndLinksFail_eachHitCountsOnceAndBansHold(long seed) throws IOException {
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    Path socket = directory.resolve("owner.sock");
    ProtectedPrefixes protection =
        ProtectedPrefixes.of(
            List.of(
                ProtectedPrefixes.Part.of(
                    Protection.Kind.NEVER_BAN, PrefixSet.parse("198.51.100.0/24"))));
    try (SimulatedOwner owner = new SimulatedOwner(socket, protection)) {
      owner.start();
      try {
        for (int i = 0; i < SERVERS; i++) {
          servers.add(new SimulatedServer("server-" + i, directory, socket, seed + i));
        }
        List<Probe> probes = plan(random);
        for (int next = 0; next < probes.size(); ) {
          int end = Math.min(probes.size(), next + 1 + random.nextInt(8));
          probes.subList(next, end).forEach(probe -> probe(probe, owner.isUp()));
          next = end;
          fault(random, owner);
          check();
          if (owner.isUp() && random.nextInt(3) > 0) {
            // Time for connections to come about.
            boolean ignored =
                awaitDecided(
                    servers.get(random.nextInt(SERVERS)), Duration.ofMillis(random.nextInt(250)));
          }
        }
        settle(owner);
        checkEnd(owner);
      } finally {
        servers.forEach(SimulatedServer::close);
      }
    }
  }

  private List<Probe> plan(Random random) {
    List<Probe> probes = new ArrayList<>();
    for (int address = 0; address < plan.length; address++) {
      plan[address] = Simulated.THRESHOLD - 1 + random.nextInt(3);
      // Some are of one server alone, which then bans provisionally.
      int only = random.nextInt(3);
      for (int i = 0; i < plan[address]; i++) {
        probes.add(new Probe(address, only < SERVERS ? only : random.nextInt(SERVERS)));
      }
    }
    Collections.shuffle(probes, random);
    return probes;
  }

  private void probe(Probe probe, boolean ownerIsUp) {
    int server = probe.server();
    int address = probe.address();
    SimulatedServer asked = servers.get(server);
    boolean refusedBefore = asked.refuses(ip(address));
    boolean passes = asked.probe(ip(address));
    int hits = ++local[server][address];
    boolean reached = hits >= Simulated.THRESHOLD;
    if (address < ORDINARY && reached) {
      assertThat(passes).as("hit %d of %d at server %d", hits, address, server).isFalse();
    }
    if (passes) {
      return;
    }
    if (address < ORDINARY) {
      assertThat(plan[address])
          .as("hits of %d", address)
          .isGreaterThanOrEqualTo(Simulated.THRESHOLD);
      refused.get(server).add(address);
    }
    if (!refusedBefore && !ownerIsUp) {
      refusedInAbsence.get(server).add(address);
    }
  }

  private void fault(Random random, SimulatedOwner owner) {
    SimulatedServer server = servers.get(random.nextInt(SERVERS));
    switch (random.nextInt(16)) {
      case 0 -> server.link.cut();
      case 1, 2 -> server.link.holdReplies();
      case 3 -> server.link.holdRequests();
      case 4, 5 -> server.link.orphan();
      case 6, 7 -> server.link.heal();
      case 8 -> {
        if (owner.isUp()) {
          servers.forEach(each -> each.link.cut());
          owner.crash();
        }
      }
      case 9 -> {
        if (owner.isUp()) {
          owner.stop();
        }
      }
      case 10 -> {
        if (owner.isUp()) {
          owner.checkpoint();
        }
      }
      case 11 -> {
        if (owner.isUp()) {
          owner.checkpointUnheard();
        }
      }
      case 12, 13 -> {
        if (owner.isUp()) {
          server.sendAgain(owner.socket(), random);
        }
      }
      default -> {
        if (!owner.isUp()) {
          // Whatever was refused while nobody could decide is refused until now.
          checkAbsence();
          refusedInAbsence.forEach(TreeSet::clear);
          owner.start();
          servers.forEach(each -> each.link.heal());
        }
      }
    }
  }

  private static boolean awaitDecided(SimulatedServer server, Duration time) {
    try {
      return server.reporter.awaitDecided(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** What holds at any moment. */
  private void check() {
    checkAbsence();
    for (int i = 0; i < SERVERS; i++) {
      for (int address = 0; address < ORDINARY; address++) {
        boolean refuses = servers.get(i).refuses(ip(address));
        if (refused.get(i).contains(address)) {
          assertThat(refuses).as("%d at server %d, refused before", address, i).isTrue();
        } else if (plan[address] < Simulated.THRESHOLD) {
          assertThat(refuses).as("%d at server %d, too few hits", address, i).isFalse();
        } else if (refuses) {
          refused.get(i).add(address);
        }
      }
    }
  }

  /** What was refused while the owner was away is refused as long as it is. */
  private void checkAbsence() {
    for (int i = 0; i < SERVERS; i++) {
      for (int address : refusedInAbsence.get(i)) {
        assertThat(servers.get(i).refuses(ip(address)))
            .as("%d at server %d while the owner is away", address, i)
            .isTrue();
      }
    }
  }

  private void settle(SimulatedOwner owner) {
    refusedInAbsence.forEach(TreeSet::clear);
    if (!owner.isUp()) {
      owner.start();
    }
    servers.forEach(server -> server.link.heal());
    for (SimulatedServer server : servers) {
      assertThat(awaitDecided(server, PATIENCE)).as("all is decided").isTrue();
    }
    for (SimulatedServer server : servers) {
      await()
          .atMost(PATIENCE)
          .until(() ->
              server.detection.pendingBans() == 0
                  && server.follower.bans().head() == owner.log.head());
    }
  }

  private void checkEnd(SimulatedOwner owner) throws IOException {
    List<String> expected = new ArrayList<>();
    for (int address = 0; address < ORDINARY; address++) {
      if (plan[address] >= Simulated.THRESHOLD) {
        expected.add(ip(address) + " by " + Simulated.THRESHOLD);
      }
    }
    List<BanEvent.Ban> bans = owner.bans();
    assertThat(bans)
        .extracting(ban -> ban.ip() + " by " + ban.hits())
        .containsExactlyInAnyOrderElementsOf(expected);
    check();
    byte[] state = bytes(owner.state());
    for (SimulatedServer server : servers) {
      assertThat(server.reporter.statistics().lost()).isZero();
      assertThat(server.reporter.statistics().reported()).isEqualTo(server.hits());
      assertThat(bytes(server.follower.bans())).isEqualTo(state);
      for (int address = ORDINARY; address < plan.length; address++) {
        assertThat(server.refuses(ip(address))).as("the log has no ban of it").isFalse();
      }
    }
    bans.forEach(ban -> owner.unban(ban.ip()));
    for (SimulatedServer server : servers) {
      await()
          .atMost(PATIENCE)
          .until(() -> bans.stream().noneMatch(ban -> server.refuses(ban.ip())));
    }
    System.out.println(
        "bans "
            + bans.size()
            + ", hits that came again "
            + owner.repeated()
            + " of "
            + servers.stream().mapToLong(server -> server.reporter.statistics().reported()).sum()
            + ", connections "
            + servers.stream().map(server -> server.reporter.statistics().connections()).toList());
  }

  private static byte[] bytes(ActiveBans state) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    BanSnapshot.write(state, out);
    return out.toByteArray();
  }
}
