package io.ipsentry.enforcer.desired;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.ReservedPrefixes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SparedTest {
  private static List<String> pieces(String banned, String... spared) {
    List<String> pieces = new ArrayList<>();
    int count =
        new Spared(PrefixSet.parse(spared), PrefixSet.empty())
            .carve(IpPrefix.parse(banned), 4_096, piece -> pieces.add(piece.toString()));
    assertThat(count).isEqualTo(pieces.size());
    return pieces;
  }

  @Test
  void carve_anAddressWithin_leavesThePrefixesAround() {
    assertThat(pieces("192.0.2.0/29", "192.0.2.5"))
        .containsExactly("192.0.2.0/30", "192.0.2.4", "192.0.2.6/31");
    assertThat(pieces("2001:db8::/126", "2001:db8::2"))
        .containsExactly("2001:db8::/127", "2001:db8::3");
  }

  @Test
  void carve_nothingOrEverythingSpared_isWholeOrNothing() {
    assertThat(pieces("192.0.2.0/24", "198.51.100.0/24")).containsExactly("192.0.2.0/24");
    assertThat(pieces("192.0.2.7", "192.0.2.0/24")).isEmpty();
    assertThat(pieces("192.0.2.0/30", "192.0.2.0/31", "192.0.2.2/31")).isEmpty();
  }

  @Test
  void carve_oneOfBothSets_isSpared() {
    Spared spared = new Spared(PrefixSet.parse("192.0.2.0"), PrefixSet.parse("192.0.2.3"));
    List<String> pieces = new ArrayList<>();

    int count = spared.carve(IpPrefix.parse("192.0.2.0/30"), 9, it -> pieces.add(it.toString()));

    assertThat(count).isEqualTo(2);
    assertThat(pieces).containsExactly("192.0.2.1", "192.0.2.2");
  }

  @Test
  void carve_tooManyPieces_isSaid() {
    List<IpPrefix> odd = new ArrayList<>();
    for (int i = 0; i < 32; i++) {
      odd.add(IpPrefix.ofV4(0xc000_0200 | 2 * i + 1));
    }
    Spared spared = new Spared(PrefixSet.of(odd), PrefixSet.empty());
    IpPrefix banned = IpPrefix.parse("192.0.2.0/26");

    assertThat(spared.carve(banned, 32, piece -> {})).isEqualTo(32);
    assertThat(spared.carve(banned, 31, piece -> {})).isEqualTo(Spared.TOO_MANY);
  }

  @Test
  void carve_everything_sparesWhatIsReserved() {
    Spared spared = new Spared(ReservedPrefixes.ALL, PrefixSet.empty());
    for (String all : List.of("0.0.0.0/0", "::/0")) {
      IpPrefix banned = IpPrefix.parse(all);
      List<IpPrefix> pieces = new ArrayList<>();

      spared.carve(banned, 4_096, pieces::add);

      assertThat(pieces).hasSizeBetween(20, 300).allMatch(banned::contains);
      assertThat(pieces).noneMatch(ReservedPrefixes.ALL::overlaps);
    }
  }

  @Test
  void carve_everythingWithoutSpared_isTwoHalves() {
    assertThat(pieces("0.0.0.0/0")).containsExactly("0.0.0.0/1", "128.0.0.0/1");
    assertThat(pieces("::/0")).containsExactly("::/1", "8000::/1");
  }

  @Test
  void carve_ipv6AroundTheMappedRange_makesNoIpv4() {
    // ::ffff:0:0/96 is how IPv4 addresses are written here: half of ::fffe:0:0/95.
    List<String> pieces = pieces("::fffe:0:0/95", "::fffe:0:1");

    assertThat(pieces).hasSize(32).allMatch(piece -> piece.startsWith("::fffe:"));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void carve_anyPrefixes_isExactlyWhatIsNotSpared(long seed) {
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      List<IpPrefix> members = new ArrayList<>();
      for (int i = random.nextInt(6); i > 0; i--) {
        members.add(IpPrefix.ofV4(random.nextInt(64)).truncate(26 + random.nextInt(7)));
      }
      Spared spared = new Spared(PrefixSet.of(members), PrefixSet.empty());
      IpPrefix banned = IpPrefix.ofV4(random.nextInt(64)).truncate(26 + random.nextInt(7));
      List<IpPrefix> pieces = new ArrayList<>();

      spared.carve(banned, 4_096, pieces::add);

      for (int address = 0; address < 64; address++) {
        IpPrefix ip = IpPrefix.ofV4(address);
        boolean wanted =
            banned.contains(ip) && members.stream().noneMatch(member -> member.contains(ip));
        assertThat(pieces.stream().filter(piece -> piece.contains(ip)).count())
            .as("seed %d round %d: %s in %s without %s", seed, round, ip, banned, members)
            .isEqualTo(wanted ? 1 : 0);
      }
    }
  }
}
