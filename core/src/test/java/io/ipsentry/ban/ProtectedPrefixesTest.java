package io.ipsentry.ban;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection.Kind;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.ReservedPrefixes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ProtectedPrefixesTest {
  private static final List<Kind> KINDS = List.of(Kind.values());
  private static final ProtectedPrefixes HOST =
      ProtectedPrefixes.of(
          withReserved(
              new Part(Kind.OWN_ADDRESS, "eth0", PrefixSet.parse("198.51.100.4", "2001:db8:1::4")),
              Part.of(Kind.GATEWAY, PrefixSet.parse("198.51.100.1")),
              Part.of(Kind.RESOLVER, PrefixSet.parse("203.0.113.53")),
              Part.of(Kind.TRUSTED_PROXY, PrefixSet.parse("203.0.113.80/30")),
              Part.of(Kind.NEVER_BAN, PrefixSet.parse("192.0.2.0/24")),
              Part.of(Kind.ALLOW, PrefixSet.parse("192.0.2.128/25", "203.0.113.200"))));

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          127.0.0.1        | reserved range 127.0.0.0/8 (loopback)
          ::1              | reserved range ::1 (loopback)
          ::ffff:127.0.0.1 | reserved range 127.0.0.0/8 (loopback)
          0.1.2.3          | reserved range 0.0.0.0/8 (this network)
          169.254.169.254  | reserved range 169.254.0.0/16 (link-local)
          fe80::1          | reserved range fe80::/10 (link-local)
          255.255.255.255  | reserved range 240.0.0.0/4 (reserved for future use)
          239.1.1.1        | reserved range 224.0.0.0/4 (multicast)
          ff02::1          | reserved range ff00::/8 (multicast)
          ::               | reserved range :: (unspecified address)
          10.1.2.3         | private network 10.0.0.0/8
          172.31.0.1       | private network 172.16.0.0/12
          192.168.7.0/24   | private network 192.168.0.0/16
          100.127.0.9      | private network 100.64.0.0/10
          fd12::1          | private network fc00::/7
          198.51.100.4     | own address 198.51.100.4 (eth0)
          2001:db8:1::/64  | own address 2001:db8:1::4 (eth0)
          198.51.100.1     | default gateway 198.51.100.1
          203.0.113.53     | resolver 203.0.113.53
          203.0.113.81     | trusted proxy 203.0.113.80/30
          192.0.2.7        | neverBan in the configuration 192.0.2.0/24
          192.0.2.200      | neverBan in the configuration 192.0.2.0/24
          203.0.113.200    | allowlist 203.0.113.200
          """)
  void protects_protectedAddress_saysWhatProtectsIt(String candidate, String description) {
    assertThat(HOST.protects(IpPrefix.parse(candidate)).map(Protection::description))
        .contains(description);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "203.0.113.7",
        "198.51.100.5",
        "198.18.0.1",
        "2001:db8:2::/64",
        "2001:db8:1:1::/64",
        "11.0.0.1",
        "172.32.0.1",
        "100.128.0.1",
        "fe00::1",
        "203.0.113.84/30"
      })
  void protects_anyOtherAddress_isEmpty(String candidate) {
    assertThat(HOST.protects(IpPrefix.parse(candidate))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.0.0.0/0",
        "::/0",
        "198.51.100.0/24",
        "203.0.113.0/25",
        "2001:db8::/32",
        "::/64"
      })
  void protects_prefixThatWouldCoverProtectedAddress_refuses(String candidate) {
    IpPrefix prefix = IpPrefix.parse(candidate);

    Optional<Protection> protection = HOST.protects(prefix);

    assertThat(protection).isPresent();
    assertThat(prefix.contains(protection.get().prefix())).isTrue();
  }

  @Test
  void reserved_privateSwitchedOff_leavesPrivateNetworksBannable() {
    ProtectedPrefixes open = ProtectedPrefixes.of(ProtectedPrefixes.reserved(false));

    assertThat(open.protects(IpPrefix.parse("10.1.2.3"))).isEmpty();
    assertThat(open.protects(IpPrefix.parse("fd00::1"))).isEmpty();
    assertThat(open.protects(IpPrefix.parse("127.0.0.1"))).isPresent();
    assertThat(open.prefixes()).isEqualTo(ReservedPrefixes.LOCAL);
  }

  @Test
  void protects_privateAddressOfOwnInterface_namesTheInterface() {
    ProtectedPrefixes host =
        ProtectedPrefixes.of(
            withReserved(new Part(Kind.OWN_ADDRESS, "eth0", PrefixSet.parse("10.0.0.4"))));

    assertThat(host.protects(IpPrefix.parse("10.0.0.4")).map(Protection::kind))
        .contains(Kind.OWN_ADDRESS);
  }

  @Test
  void none_anyAddress_isNotProtected() {
    assertThat(ProtectedPrefixes.NONE.protects(IpPrefix.parse("127.0.0.1"))).isEmpty();
    assertThat(ProtectedPrefixes.NONE.contains(0, 0)).isFalse();
  }

  @Test
  void protects_randomPartsAndCandidates_agreesWithNaiveModel() {
    long seed = Long.getLong("test.seed", System.nanoTime());
    System.out.println("ProtectedPrefixesTest seed: -Dtest.seed=" + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      List<Part> parts = new ArrayList<>();
      for (int i = random.nextInt(6); i >= 0; i--) {
        parts.add(randomPart(random));
      }
      ProtectedPrefixes tested = ProtectedPrefixes.of(parts);
      for (int i = 0; i < 50; i++) {
        IpPrefix candidate = randomPrefix(random);
        check(tested, parts, candidate);
      }
    }
  }

  private static void check(ProtectedPrefixes tested, List<Part> parts, IpPrefix candidate) {
    Optional<Kind> expected =
        parts.stream()
            .filter(part -> part.prefixes().prefixes().stream().anyMatch(candidate::overlaps))
            .map(Part::kind)
            .sorted()
            .findFirst();

    Optional<Protection> protection = tested.protects(candidate);

    assertThat(protection.map(Protection::kind)).as("candidate %s", candidate).isEqualTo(expected);
    protection.ifPresent(found -> assertThat(found.prefix().overlaps(candidate)).isTrue());
    if (candidate.isAddress()) {
      assertThat(tested.contains(candidate.hi(), candidate.lo())).isEqualTo(expected.isPresent());
    }
  }

  private static Part randomPart(Random random) {
    List<IpPrefix> prefixes = new ArrayList<>();
    for (int i = random.nextInt(5); i > 0; i--) {
      prefixes.add(randomPrefix(random));
    }
    Kind kind = KINDS.get(random.nextInt(KINDS.size()));
    return new Part(kind, "part", PrefixSet.of(prefixes));
  }

  /** Out of a small space, so that prefixes meet. */
  private static IpPrefix randomPrefix(Random random) {
    return random.nextBoolean()
        ? IpPrefix.of(0, IpPrefix.v4ToLo(0xc0000200 | random.nextInt(256)), 120 + random.nextInt(9))
        : IpPrefix.of(
            0x20010db8_0000_0000L | random.nextInt(256),
            random.nextInt(4),
            56 + random.nextInt(73));
  }

  private static List<Part> withReserved(Part... others) {
    List<Part> parts = new ArrayList<>(ProtectedPrefixes.reserved(true));
    parts.addAll(List.of(others));
    return parts;
  }
}
