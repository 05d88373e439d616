package io.ipsentry.conformance.hands;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.hands.Hand.Target;
import io.ipsentry.conformance.hands.Shield.Way;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Nothing protected is refused, dropped or told to be banned, whichever hand bans it, and whenever
 * it became protected; and the same hand bans what is not protected, and says why it does not ban
 * what is. The order, the addresses and the ways are random: the seed and the steps are printed
 * when it fails. Longer: {@code -Dhands.rounds=20}; that again: and {@code -Dhands.seed=…}.
 */
@RequiresRoot
@RequiresCluster
@RequiresProgram({"ip", "ipset", "iptables-legacy"})
final class ProtectedHandsIT {
  /** In each, every hand tries once. */
  private static final int ROUNDS = Integer.getInteger("hands.rounds", 1);

  private static final int SLOTS = 20;
  private static final int FIRST_SHIELDS = 8;

  private final long seed = Long.getLong("hands.seed", System.nanoTime() & 0xffff_ffffL);
  private final Random random = new Random(seed);
  private final List<String> steps = new ArrayList<>();

  /** What was banned, and whether the kernel drops it. */
  private final Map<IpPrefix, Boolean> banned = new LinkedHashMap<>();

  /** Whose protection was taken away: a ban that came before holds again some time later. */
  private final Set<IpPrefix> open = new HashSet<>();

  @TempDir private Path directory;
  private List<IpPrefix> free = new ArrayList<>();
  private int controls;

  @BeforeEach
  void slots() {
    for (int i = 1; i <= SLOTS; i++) {
      free.add(
          IpPrefix.parse(
              i % 3 == 0 ? "2001:db8:0:%x0::9".formatted(i) : "203.0.113.%d".formatted(8 * i + 2)));
    }
    Collections.shuffle(free, random);
  }

  @Test
  void protectedAddress_anyHandThatBans_isNeverRefused() throws Exception {
    long begun = System.nanoTime();
    try (ProtectedSite site = ProtectedSite.start(directory)) {
      System.out.printf("hands: seed %d, ready after %d ms%n", seed, millis(begun));
      Shield shield = new Shield(site);
      try {
        play(site, shield);
      } catch (Exception | Error e) {
        System.out.printf("hands: failed with -Dhands.seed=%d after these steps:%n", seed);
        steps.forEach(System.out::println);
        System.out.println(site.logs());
        throw e;
      }
      System.out.printf("hands: %d steps in %d ms%n", steps.size(), millis(begun));
    }
  }

  private static long millis(long since) {
    return (System.nanoTime() - since) / 1_000_000;
  }

  private void step(String what) {
    steps.add(what);
    System.out.println("hands: " + what);
  }

  private static void soon(String what, Callable<Boolean> condition) {
    await(what).atMost(RunningIpSentry.PATIENCE).until(condition);
  }

  private void play(ProtectedSite site, Shield shield) throws Exception {
    List<Way> ways = List.of(Way.values());
    for (int i = 0; i < FIRST_SHIELDS; i++) {
      raise(site, shield, free.removeLast(), ways.get(i % ways.size()));
    }
    Hands hands = new Hands(site, shield);
    for (int round = 0; round < ROUNDS; round++) {
      List<Hand> all = new ArrayList<>(hands.all());
      Collections.shuffle(all, random);
      for (Hand hand : all) {
        if (random.nextInt(3) == 0) {
          change(site, shield);
        }
        tryToBan(site, shield, hand);
      }
      overwrite(site, shield);
    }
  }

  // ---- protection comes and goes

  private void change(ProtectedSite site, Shield shield) {
    Way way = pick(List.of(Way.values()));
    List<IpPrefix> standing = new ArrayList<>(banned.keySet());
    standing.removeIf(ip -> !ip.isAddress() || shield.contains(ip) || open.contains(ip));
    int what = random.nextInt(3);
    if (what == 0 && shield.addresses().size() > FIRST_SHIELDS / 2) {
      IpPrefix address = pick(shield.addresses());
      step("no longer protected: " + address);
      shield.lower(address);
      open.add(address);
    } else if (what == 1 && !standing.isEmpty()) {
      raise(site, shield, pick(standing), way);
    } else if (!free.isEmpty()) {
      raise(site, shield, free.removeLast(), way);
    }
  }

  private <T> T pick(List<T> all) {
    return all.get(random.nextInt(all.size()));
  }

  /** Protects an address, banned or not, and waits until nobody refuses it any more. */
  private void raise(ProtectedSite site, Shield shield, IpPrefix address, Way way) {
    boolean refused = covers(address);
    step("%s becomes protected: %s%s".formatted(address, way, refused ? ", and is banned" : ""));
    shield.raise(address, way);
    soon("known to be protected: " + address, () -> isKnown(site, address, way));
    soon(
        "nobody refuses " + address,
        () ->
            !site.isRefusedOverHttp(address.toString())
                && !site.isRefusedOverGrpc(address.toString(), "/")
                && !site.dropped().overlaps(address)
                && !site.atTheEdge().overlaps(address));
    check(site, shield);
  }

  /** Whether every process has it from the leader, or, if it is an event, from the log. */
  private static boolean isKnown(ProtectedSite site, IpPrefix address, Way way) {
    return way == Way.ALLOW_EVENT
        || site.protectedText().contains(Shield.protectedBy(address, way).toString());
  }

  private boolean covers(IpPrefix address) {
    return banned.keySet().stream().anyMatch(ban -> ban.contains(address));
  }

  // ---- a hand

  private void tryToBan(ProtectedSite site, Shield shield, Hand hand) throws Exception {
    Target target = target(shield, hand);
    IpPrefix control = control();
    step("%s: %s (%s) and %s".formatted(hand.name(), target.ip(), target.written(), control));
    int told = site.told().size();
    hand.act().ban(target, control);
    soon(
        hand.name() + " bans " + control,
        () -> {
          spared(site, target.address());
          return isForced(site, control, hand.inKernel());
        });
    banned.put(control, hand.inKernel());
    if (!hand.refuses() && hand.wide()) {
      banned.put(target.ip(), hand.inKernel());
    }
    check(site, shield);
    if (hand.refuses()) {
      List<IpPrefix> since = site.told();
      PrefixSet never = shield.prefixes();
      assertThat(since.subList(told, since.size())).noneMatch(never::overlaps);
    }
  }

  private IpPrefix control() {
    int number = ++controls;
    return IpPrefix.parse(
        random.nextInt(3) == 0
            ? "2001:db8:c0:%x0::7".formatted(number)
            : "198.18.%d.7".formatted(number));
  }

  private Target target(Shield shield, Hand hand) {
    IpPrefix address =
        random.nextInt(6) == 0
            ? IpPrefix.parse(pick(List.of("10.1.2.3", "127.0.0.1", "100.64.0.9", "fd00::1")))
            : pick(shield.addresses());
    int form = random.nextInt(3);
    if (form == 0 && hand.wide()) {
      int host = 1 + random.nextInt(address.isV4() ? 3 : 68);
      IpPrefix wide = address.truncate(address.bits() - host);
      return new Target(wide, address, wide.toString());
    }
    if (form == 1 && hand.wide() && hand.refuses()) {
      IpPrefix all = IpPrefix.parse(address.isV4() ? "0.0.0.0/0" : "::/0");
      return new Target(all, address, all.toString());
    }
    if (form == 2 && address.isV4()) {
      return new Target(address, address, "::ffff:" + address);
    }
    return new Target(address, address, address.toString());
  }

  private static boolean isForced(ProtectedSite site, IpPrefix control, boolean inKernel) {
    return site.isRefusedOverHttp(control.toString())
        && site.isRefusedOverGrpc(control.toString(), "/")
        && (!inKernel || site.dropped().covers(control));
  }

  // ---- what the leader tells the others is overwritten

  private void overwrite(ProtectedSite site, Shield shield) {
    IpPrefix address =
        banned.keySet().stream()
            .filter(ip -> ip.isAddress() && !shield.contains(ip) && !open.contains(ip))
            .findFirst()
            .orElseThrow();
    raise(site, shield, address, Way.NODE);
    step("what is protected is overwritten by hand");
    site.overwriteProtected();
    soon(
        "written again",
        () -> {
          check(site, shield);
          return isKnown(site, address, Way.NODE);
        });
    check(site, shield);
  }

  // ---- what must hold after every step

  private static void spared(ProtectedSite site, IpPrefix address) {
    assertThat(site.isRefusedOverHttp(address.toString())).as("HTTP, %s", address).isFalse();
    assertThat(site.isRefusedOverGrpc(address.toString(), "/")).as("gRPC, %s", address).isFalse();
  }

  private void check(ProtectedSite site, Shield shield) {
    for (IpPrefix address : shield.addresses()) {
      spared(site, address);
      if (address.isV4()) {
        assertThat(site.isRefusedOverHttp("::ffff:" + address)).as("mapped %s", address).isFalse();
      }
    }
    for (String address : List.of("10.1.2.3", "127.0.0.1", "::1", "fe80::1", "224.0.0.1")) {
      spared(site, IpPrefix.parse(address));
    }
    PrefixSet never = shield.prefixes();
    PrefixSet dropped = site.dropped();
    assertThat(dropped.prefixes()).as("in the kernel").noneMatch(never::overlaps);
    assertThat(site.atTheEdge().prefixes()).as("at the edge").noneMatch(never::overlaps);
    banned.forEach((ip, inKernel) -> {
      if (ip.isAddress() && !shield.contains(ip) && !open.contains(ip)) {
        assertThat(site.isRefusedOverHttp(ip.toString())).as("still banned: %s", ip).isTrue();
        assertThat(!inKernel || dropped.covers(ip)).as("still dropped: %s", ip).isTrue();
      }
    });
  }
}
