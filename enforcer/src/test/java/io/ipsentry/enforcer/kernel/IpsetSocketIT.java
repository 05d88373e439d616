package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Elements of the real kernel's ipsets, changed over netlink and shown by ipset. */
@RequiresRoot
@RequiresProgram({"ip", "ipset", "cat", "readlink"})
class IpsetSocketIT {
  private static final int LONGEST_SECONDS = 2_147_483;

  private NetworkNamespace node;
  private IpsetSocket socket;

  @BeforeEach
  void makeSets() throws IOException {
    node = NetworkNamespace.create("ipset");
    node.run("ipset", "create", "four", "hash:net", "maxelem", "3", "timeout", "0");
    node.run("ipset", "create", "six", "hash:net", "family", "inet6", "timeout", "0");
    socket = IpsetSocket.open(new KernelPrograms(node.command(List.of())));
  }

  @AfterEach
  void removeNamespace() {
    socket.close();
    node.close();
  }

  private List<String> elements(String set) {
    return node.run("ipset", "save", set)
        .lines()
        .filter(line -> line.startsWith("add "))
        .map(line -> line.substring("add ".length() + set.length() + 1))
        .sorted()
        .toList();
  }

  @Test
  void add_prefixesOfBothFamilies_isWhatIpsetShows() throws IOException {
    socket.add("four", IpPrefix.parse("192.0.2.7"), 0);
    socket.add("four", IpPrefix.parse("224.0.0.0/3"), 0);
    socket.add("six", IpPrefix.parse("2001:db8:1:2::/64"), 0);
    socket.add("six", IpPrefix.parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), LONGEST_SECONDS);

    assertThat(elements("four")).containsExactly("192.0.2.7 timeout 0", "224.0.0.0/3 timeout 0");
    assertThat(elements("six"))
        .hasSize(2)
        .contains("2001:db8:1:2::/64 timeout 0")
        .last()
        .asString()
        .matches("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff timeout 214748[123]");
  }

  @Test
  void add_isThere_getsTheOtherEnd() throws IOException {
    socket.add("four", IpPrefix.parse("192.0.2.7"), 1_000);
    socket.add("four", IpPrefix.parse("192.0.2.7"), 0);
    assertThat(elements("four")).containsExactly("192.0.2.7 timeout 0");
  }

  @Test
  void remove_isThereOrNot_isThereNoMore() throws IOException {
    socket.add("four", IpPrefix.parse("192.0.2.0/24"), 0);
    socket.add("four", IpPrefix.parse("192.0.2.0/25"), 0);
    socket.remove("four", IpPrefix.parse("192.0.2.0/24"));
    socket.remove("four", IpPrefix.parse("192.0.2.0/24"));
    socket.remove("six", IpPrefix.parse("2001:db8::/32"));
    assertThat(elements("four")).containsExactly("192.0.2.0/25 timeout 0");
  }

  @Test
  void add_setIsFullOrGone_failsAndGoesOn() throws IOException {
    for (int i = 0; i < 3; i++) {
      socket.add("four", IpPrefix.ofV4(0xc0000200 + i), 0);
    }
    assertThatThrownBy(() -> socket.add("four", IpPrefix.parse("192.0.2.9"), 0))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("error 4352");
    assertThatThrownBy(() -> socket.add("none", IpPrefix.parse("192.0.2.9"), 0))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("error 2");
    socket.remove("four", IpPrefix.parse("192.0.2.1"));
    assertThat(elements("four")).containsExactly("192.0.2.0 timeout 0", "192.0.2.2 timeout 0");
  }
}
