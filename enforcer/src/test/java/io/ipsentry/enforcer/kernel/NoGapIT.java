package io.ipsentry.enforcer.kernel;

import static io.ipsentry.enforcer.kernel.TestNetwork.NODE_PORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.config.EnforcerConfig.Hook;
import io.ipsentry.config.EnforcerConfig.Ports;
import io.ipsentry.config.EnforcerConfig.Verdict;
import io.ipsentry.enforcer.kernel.TestNetwork.Addresses;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A banned client sends thousands of datagrams a second while sets grow, are adopted, replaced and
 * written anew, and not one gets through.
 */
@RequiresRoot
@RequiresProgram({"ip", "sysctl", "ipset", "iptables-legacy", "ip6tables-legacy", "nft"})
class NoGapIT {
  private static final Addresses V4 = Addresses.of(Family.V4);

  /** So many datagrams are sent before and behind what must not let one through. */
  private static final int ENOUGH = 100;

  private static TestNetwork network;

  @BeforeAll
  static void makeNetwork() {
    network = new TestNetwork();
  }

  @AfterAll
  static void removeNetwork() {
    network.close();
  }

  @AfterEach
  void flush() {
    network.client.tell("stop");
    for (Backend backend : Backend.values()) {
      open(backend, Ports.INBOUND).flush();
    }
  }

  @Test
  void stream_clientIsNotBanned_getsThrough() {
    // Else the other tests would prove nothing.
    network.client.tell("stream", V4.banned(), V4.node(), NODE_PORT);
    await().atMost(Duration.ofSeconds(10)).until(() -> received() > ENOUGH);
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void stream_isAdoptedPutAgainAndConfiguredAnew_nothingGetsThrough(Backend backend) {
    PacketFilter first = open(backend, Ports.INBOUND);
    first.ensure(10);
    put(first, 1_000_000);
    assertThatNothingPasses(() -> {
      PacketFilter later = open(backend, Ports.INBOUND);
      assertThat(later.ensure(1_000)).isEmpty();
      for (int i = 0; i < 20; i++) {
        put(later, 1_000_000 - i * 20_000L);
      }
      put(later, Long.MAX_VALUE - System.currentTimeMillis());
      // Prefixes of lengths that were not there yet.
      later.apply(
          TestChanges.putting(
              Map.of(
                  IpPrefix.parse("198.51.96.0/21"), PacketFilter.FOR_EVER,
                  IpPrefix.parse("198.51.100.64/26"), PacketFilter.FOR_EVER)));
      later.apply(TestChanges.of(v -> v.remove(IpPrefix.parse(V4.banned()))));
      put(later, 1_000_000);
      later.apply(
          TestChanges.of(v -> {
            v.remove(IpPrefix.parse("198.51.96.0/21"));
            v.remove(IpPrefix.parse("198.51.100.64/26"));
          }));
      PacketFilter stricter = open(backend, Ports.ALL);
      stricter.ensure(1_000);
      put(stricter, 900_000);
    });
  }

  @Test
  void stream_theSetMustGrow_nothingGetsThrough() {
    network.node.run(
        "ipset", "create", "ip-blocker-4", "hash:net", "timeout", "0", "maxelem", "10");
    PacketFilter filter = open(Backend.IPSET, Ports.INBOUND);
    filter.ensure(10);
    put(filter, 1_000_000);
    assertThatNothingPasses(() ->
        assertThat(filter.ensure(1_000))
            .containsExactly("the set ip-blocker-4 had too little room or no timeouts"));
    assertThat(filter.ensure(1_000)).isEmpty();
  }

  @Test
  void stream_theSetIsOfAnotherType_nothingGetsThrough() {
    network.node.run("ipset", "create", "ip-blocker-4", "hash:ip", "timeout", "0");
    network.node.run("ipset", "add", "ip-blocker-4", V4.banned(), "timeout", "1000");
    List<String> raw = List.of("iptables-legacy", "-t", "raw");
    for (List<String> rule :
        List.of(
            List.of("-N", "IP-BLOCKER"),
            List.of(
                "-A",
                "IP-BLOCKER",
                "-m",
                "set",
                "--match-set",
                "ip-blocker-4",
                "src",
                "-j",
                "DROP"),
            List.of("-A", "PREROUTING", "-j", "IP-BLOCKER"))) {
      network.node.run(Stream.concat(raw.stream(), rule.stream()).toArray(String[]::new));
    }
    assertThatNothingPasses(() ->
        assertThat(open(Backend.IPSET, Ports.INBOUND).ensure(1_000))
            .contains("the set ip-blocker-4 was not of the type hash:net"));
  }

  private void assertThatNothingPasses(Runnable during) {
    long before = received();
    network.client.tell("stream", V4.banned(), V4.node(), NODE_PORT);
    awaitSent(ENOUGH);
    during.run();
    long now = Long.parseLong(network.client.tell("sent"));
    awaitSent(now + ENOUGH);
    network.client.tell("stop");
    assertThat(received()).isEqualTo(before);
  }

  private static void awaitSent(long count) {
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> Long.parseLong(network.client.tell("sent")) >= count);
  }

  private static long received() {
    return Long.parseLong(network.nodeEndpoint.tell("received", V4.banned()));
  }

  private static PacketFilter open(Backend backend, Ports ports) {
    return PacketFilters.open(
            Configs.of("", backend, Hook.RAW, ports, Verdict.DROP),
            InstantSource.system(),
            network.node.command(List.of()))
        .filter();
  }

  private static void put(PacketFilter filter, long millis) {
    filter.apply(
        TestChanges.putting(
            Map.of(IpPrefix.parse(V4.banned()), System.currentTimeMillis() + millis)));
  }
}
