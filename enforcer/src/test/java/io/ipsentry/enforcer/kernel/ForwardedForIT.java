package io.ipsentry.enforcer.kernel;

import static io.ipsentry.enforcer.kernel.TestNetwork.NODE_PORT;
import static io.ipsentry.enforcer.kernel.TestNetwork.PATIENCE_MILLIS;
import static io.ipsentry.enforcer.kernel.TestNetwork.SERVICE_PORT;
import static io.ipsentry.enforcer.kernel.TestNetwork.SILENCE_MILLIS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.config.EnforcerConfig.Hook;
import io.ipsentry.config.EnforcerConfig.PortRange;
import io.ipsentry.enforcer.kernel.ForwardedForFilter.Ban;
import io.ipsentry.enforcer.kernel.ForwardedForFilter.Outcome;
import io.ipsentry.enforcer.kernel.TestNetwork.Addresses;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Requests of a proxy whose header names a banned client. The proxy itself is never banned. */
@RequiresRoot
@RequiresProgram({"ip", "sysctl", "iptables-legacy", "ip6tables-legacy"})
class ForwardedForIT {
  private static final List<Ban> BANS =
      List.of(
          new Ban(IpPrefix.parse("203.0.113.7"), Long.MAX_VALUE),
          new Ban(IpPrefix.parse("2001:db8::7"), Long.MAX_VALUE),
          new Ban(IpPrefix.parse("192.0.2.0/24"), System.currentTimeMillis() + 3_600_000),
          new Ban(IpPrefix.parse("2001:db8:1:2::/64"), Long.MAX_VALUE));

  private static TestNetwork network;

  private final List<ForwardedForFilter> opened = new ArrayList<>();

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
    opened.forEach(ForwardedForFilter::flush);
    assertThat(network.node.run("iptables-legacy-save")).doesNotContain("IP-BLOCKER");
  }

  @ParameterizedTest
  @EnumSource(
      value = Hook.class,
      names = {"RAW", "FILTER"})
  void enforce_onlyRequestsOfBannedClients_areDropped(Hook hook) {
    ForwardedForFilter filter = open(hook, List.of(new PortRange(NODE_PORT, NODE_PORT)));
    assertThat(filter.enforce(BANS).leftOut()).isEmpty();
    for (Family family : Family.values()) {
      for (String banned :
          List.of(
              "203.0.113.7",
              "2001:db8::7",
              "192.0.2.200",
              "2001:db8:1:2::9",
              "203.0.113.7, 198.51.100.3",
              "198.51.100.3, 203.0.113.7")) {
        assertThat(request(family, NODE_PORT, "X-Forwarded-For: " + banned, SILENCE_MILLIS))
            .as(banned)
            .isEqualTo("timeout");
      }
      assertThat(request(family, NODE_PORT, "x-forwarded-for: 203.0.113.7", SILENCE_MILLIS))
          .isEqualTo("timeout");
      for (String other :
          List.of(
              "203.0.113.77",
              "203.0.113.70, 10.0.0.1",
              "203.0.113.8",
              "192.0.20.1",
              "2001:db8::70",
              "2001:db8:1:22::9",
              "3.203.0.113")) {
        assertThat(request(family, NODE_PORT, "X-Forwarded-For: " + other, PATIENCE_MILLIS))
            .as(other)
            .isEqualTo("ok");
      }
      assertThat(request(family, NODE_PORT, "X-Real-IP: 203.0.113.7", PATIENCE_MILLIS))
          .isEqualTo("ok");
      assertThat(request(family, SERVICE_PORT, "X-Forwarded-For: 203.0.113.7", PATIENCE_MILLIS))
          .isEqualTo("ok");
    }
    assertThat(filter.drops().packets4()).isPositive();
    assertThat(filter.drops().packets6()).isPositive();
    assertThat(filter.enforce(BANS).mended()).isEmpty();
    assertThat(filter.enforce(List.of()).mended()).isNotEmpty();
    assertThat(request(Family.V4, NODE_PORT, "X-Forwarded-For: 203.0.113.7", PATIENCE_MILLIS))
        .isEqualTo("ok");
  }

  @ParameterizedTest
  @EnumSource(
      value = Hook.class,
      names = {"RAW", "FILTER"})
  void enforce_portOfAServiceBehindNat_isTheOneThatTheProxyUses(Hook hook) {
    ForwardedForFilter filter = open(hook, List.of(new PortRange(SERVICE_PORT, SERVICE_PORT)));
    filter.enforce(BANS);
    assertThat(request(Family.V4, SERVICE_PORT, "X-Forwarded-For: 203.0.113.7", SILENCE_MILLIS))
        .isEqualTo("timeout");
  }

  @Test
  void enforce_itsEndComes_requestsPassWithoutUs() {
    ForwardedForFilter filter = open(Hook.RAW, List.of(new PortRange(NODE_PORT, NODE_PORT)));
    long until = System.currentTimeMillis() + 2_000;
    filter.enforce(List.of(new Ban(IpPrefix.parse("203.0.113.7"), until)));
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() ->
            request(Family.V4, NODE_PORT, "X-Forwarded-For: 203.0.113.7", SILENCE_MILLIS)
                .equals("ok"));
    assertThat(System.currentTimeMillis()).isGreaterThanOrEqualTo(until);
  }

  @Test
  void enforce_whatCannotBeSearchedFor_isLeftOutAndTold() {
    ForwardedForFilter filter = open(Hook.RAW, List.of(new PortRange(80, 80)));
    List<Ban> bans = new ArrayList<>();
    List<IpPrefix> impossible =
        List.of(
            IpPrefix.parse("192.0.2.0/25"),
            IpPrefix.parse("2001:db8::/64"),
            IpPrefix.parse("2001:db8:1:0::/64"),
            IpPrefix.parse("2001:db8::/48"));
    impossible.forEach(prefix -> bans.add(new Ban(prefix, Long.MAX_VALUE)));
    for (int i = 0; i < ForwardedForFilter.MAX_BANS + 2; i++) {
      bans.add(new Ban(IpPrefix.ofV4(0xc6120000 + i), Long.MAX_VALUE));
    }
    Outcome outcome = filter.enforce(bans);
    assertThat(outcome.leftOut())
        .hasSize(impossible.size() + 2)
        .containsAll(impossible)
        .contains(bans.getLast().prefix());
    assertThat(filter.enforce(bans).mended()).isEmpty();
  }

  @Test
  void enforce_besideABackend_neitherDisturbsTheOther() {
    PacketFilter backend =
        PacketFilters.open(
                Configs.of(Backend.IPSET), InstantSource.system(), network.node.command(List.of()))
            .filter();
    ForwardedForFilter filter = open(Hook.RAW, List.of(new PortRange(NODE_PORT, NODE_PORT)));
    backend.ensure(10);
    filter.enforce(BANS);
    assertThat(backend.ensure(10)).isEmpty();
    assertThat(filter.enforce(BANS).mended()).isEmpty();
    backend.flush();
    assertThat(filter.enforce(BANS).mended()).isEmpty();
  }

  private static String request(Family family, int port, String header, int millis) {
    Addresses addresses = Addresses.of(family);
    assertThat(network.connect("proxy", addresses.other(), addresses, port, PATIENCE_MILLIS))
        .isEqualTo("ok");
    String text = "GET / HTTP/1.1\r\nHost: app.example\r\n" + header + "\r\n\r\n";
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    return network.client.tell("say", "proxy", millis, Base64.getEncoder().encodeToString(bytes));
  }

  private ForwardedForFilter open(Hook hook, List<PortRange> ports) {
    EnforcerConfig base = EnforcerConfig.DEFAULT;
    EnforcerConfig config =
        new EnforcerConfig(
            "twelve-chars",
            Optional.empty(),
            hook,
            base.ports(),
            base.verdict(),
            ports,
            base.interval(),
            base.onExit(),
            base.hostBinaries());
    ForwardedForFilter filter =
        ForwardedForFilter.open(config, InstantSource.system(), network.node.command(List.of()));
    opened.add(filter);
    return filter;
  }
}
