package io.ipsentry.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

@RequiresRoot
@RequiresProgram("ip")
final class NetworkNamespaceTest {
  @Test
  void connect_twoNamespaces_bothAddressesAreThereAndNothingIsLeft() {
    String left;
    try (NetworkNamespace a = NetworkNamespace.create("left");
        NetworkNamespace b = NetworkNamespace.create("right")) {
      left = a.name();
      NetworkNamespace.connect(
          "veth0", a, List.of("203.0.113.1/24", "2001:db8::1/64"), b, List.of("203.0.113.2/24"));

      assertThat(a.run("ip", "-o", "address")).contains("203.0.113.1/24", "2001:db8::1/64");
      assertThat(b.run("ip", "-o", "address")).contains("203.0.113.2/24");
      assertThat(Programs.run("ip", "netns", "list")).contains(left);
    }

    assertThat(Programs.run("ip", "netns", "list")).doesNotContain(left);
  }
}
