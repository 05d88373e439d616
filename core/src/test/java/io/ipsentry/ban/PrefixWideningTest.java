package io.ipsentry.ban;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.net.IpPrefix;
import org.junit.jupiter.api.Test;

class PrefixWideningTest {
  private static final long WINDOW = 120_000;
  private final PrefixWidening widening = new PrefixWidening();

  private IpPrefix ban(String prefix, long at) {
    IpPrefix banned = widening.widest(IpPrefix.parse(prefix), at, WINDOW);
    widening.banned(banned, at);
    return banned;
  }

  @Test
  void widest_fourthNeighbourWithinTheWindow_widensToTheLargerNetwork() {
    assertThat(ban("2001:db8:1:0::/64", 0)).hasToString("2001:db8:1::/64");
    assertThat(ban("2001:db8:1:1::/64", 1)).hasToString("2001:db8:1:1::/64");
    assertThat(ban("2001:db8:1:2::/64", 2)).hasToString("2001:db8:1:2::/64");
    assertThat(ban("2001:db8:1:3::/64", 3)).hasToString("2001:db8:1::/56");
  }

  @Test
  void widest_fourWidenedNetworks_widenAgain() {
    IpPrefix last = null;
    for (int net = 0; net < 4; net++) {
      for (int i = 0; i < 4; i++) {
        last = ban("2001:db8:1:%x%02x::/64".formatted(net, i), net * 4 + i);
      }
    }

    assertThat(last).hasToString("2001:db8:1::/48");
  }

  @Test
  void widest_neighboursOutsideTheWindowOrTheNetwork_doNotWiden() {
    ban("2001:db8:1:0::/64", 0);
    ban("2001:db8:1:1::/64", WINDOW);
    ban("2001:db8:1:2::/64", WINDOW);
    ban("2001:db8:2:3::/64", WINDOW);

    assertThat(ban("2001:db8:1:3::/64", WINDOW)).hasToString("2001:db8:1:3::/64");
  }

  @Test
  void widest_sameNetworkAgainAndAgain_isOneNeighbour() {
    for (int i = 0; i < 10; i++) {
      assertThat(ban("2001:db8:1:1::/64", i)).hasToString("2001:db8:1:1::/64");
    }
  }

  @Test
  void widest_ipv4_staysAsItIs() {
    for (int i = 0; i < 10; i++) {
      assertThat(ban("203.0.113." + i, 0)).hasToString("203.0.113." + i);
    }
  }
}
