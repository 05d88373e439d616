package io.ipsentry.enforcer.kernel;

import static io.ipsentry.enforcer.kernel.TestNetwork.CLIENT_PORT;
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
import io.ipsentry.config.EnforcerConfig.Ports;
import io.ipsentry.config.EnforcerConfig.Verdict;
import io.ipsentry.enforcer.kernel.PacketFilter.DropCounters;
import io.ipsentry.enforcer.kernel.TestNetwork.Addresses;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What becomes of real packets of a client whose address is in the kernel, and of others. */
@RequiresRoot
@RequiresProgram({"ip", "sysctl", "ipset", "iptables-legacy", "ip6tables-legacy", "nft"})
class PacketsIT {
  private static TestNetwork network;

  private final List<PacketFilter> opened = new ArrayList<>();

  @BeforeAll
  static void makeNetwork() {
    network = new TestNetwork();
    // As Docker makes it: others' rules may be in it or behind it.
    for (Family family : Family.values()) {
      network.node.run(family.iptables(), "-N", "DOCKER-USER");
      network.node.run(family.iptables(), "-A", "DOCKER-USER", "-j", "RETURN");
      network.node.run(family.iptables(), "-I", "FORWARD", "-j", "DOCKER-USER");
    }
  }

  @AfterAll
  static void removeNetwork() {
    network.close();
  }

  @AfterEach
  void flush() {
    opened.forEach(PacketFilter::flush);
  }

  static Stream<Arguments> everyBackendFamilyAndHook() {
    return Stream.of(Backend.values())
        .flatMap(backend ->
            Stream.of(Family.values())
                .flatMap(family ->
                    Stream.of(Hook.values()).map(hook -> Arguments.of(backend, family, hook))));
  }

  static Stream<Arguments> everyBackendAndFamily() {
    return Stream.of(Backend.values())
        .flatMap(
            backend -> Stream.of(Family.values()).map(family -> Arguments.of(backend, family)));
  }

  @ParameterizedTest
  @MethodSource("everyBackendFamilyAndHook")
  void ban_newAndOpenConnections_stopAtOnceAndOthersGoOn(
      Backend backend, Family family, Hook hook) {
    Addresses addresses = Addresses.of(family);
    PacketFilter filter = open(backend, hook, Ports.INBOUND, Verdict.DROP);
    List<Integer> ports =
        hook == Hook.DOCKER_USER ? List.of(SERVICE_PORT) : List.of(NODE_PORT, SERVICE_PORT);
    for (int port : ports) {
      assertThat(connect("banned-" + port, addresses.banned(), addresses, port)).isEqualTo("ok");
      assertThat(connect("other-" + port, addresses.other(), addresses, port)).isEqualTo("ok");
    }

    put(filter, addresses.banned(), 3_600_000);

    for (int port : ports) {
      assertThat(network.echo("banned-" + port, SILENCE_MILLIS)).isEqualTo("timeout");
      assertThat(network.connect("new", addresses.banned(), addresses, port, SILENCE_MILLIS))
          .isEqualTo("timeout");
      assertThat(network.udp(addresses.banned(), addresses, port, SILENCE_MILLIS))
          .isEqualTo("timeout");
      assertThat(network.echo("other-" + port, PATIENCE_MILLIS)).isEqualTo("ok");
      assertThat(connect("new", addresses.other(), addresses, port)).isEqualTo("ok");
      assertThat(network.udp(addresses.other(), addresses, port, PATIENCE_MILLIS)).isEqualTo("ok");
    }
    DropCounters drops = filter.drops();
    assertThat(family == Family.V4 ? drops.packets4() : drops.packets6()).isPositive();
    assertThat(family == Family.V4 ? drops.bytes4() : drops.bytes6()).isPositive();
    assertThat(family == Family.V4 ? drops.packets6() : drops.packets4()).isZero();

    filter.apply(TestChanges.of(v -> v.remove(IpPrefix.parse(addresses.banned()))));
    for (int port : ports) {
      assertThat(connect("new", addresses.banned(), addresses, port)).isEqualTo("ok");
      assertThat(network.udp(addresses.banned(), addresses, port, PATIENCE_MILLIS)).isEqualTo("ok");
    }
  }

  @ParameterizedTest
  @MethodSource("everyBackendAndFamily")
  void ban_itsEndComes_clientIsLetInWithoutUs(Backend backend, Family family) {
    Addresses addresses = Addresses.of(family);
    PacketFilter filter = open(backend, Hook.RAW, Ports.INBOUND, Verdict.DROP);
    put(filter, addresses.banned(), 1_500);
    assertThat(network.connect("new", addresses.banned(), addresses, NODE_PORT, SILENCE_MILLIS))
        .isEqualTo("timeout");
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() ->
            network
                .connect("new", addresses.banned(), addresses, NODE_PORT, SILENCE_MILLIS)
                .equals("ok"));
  }

  @ParameterizedTest
  @MethodSource("everyBackendFamilyAndHook")
  void inbound_connectionsOfTheNodeAndThePodToABannedAddress_getTheirReplies(
      Backend backend, Family family, Hook hook) {
    Addresses addresses = Addresses.of(family);
    PacketFilter filter = open(backend, hook, Ports.INBOUND, Verdict.DROP);
    put(filter, addresses.banned(), 3_600_000);
    for (boolean node : List.of(true, false)) {
      RunningEndpoint own = node ? network.nodeEndpoint : network.pod;
      String from = node ? addresses.node() : addresses.pod();
      assertThat(own.tell("connect", "own", from, addresses.banned(), CLIENT_PORT, PATIENCE_MILLIS))
          .isEqualTo("ok");
      assertThat(own.tell("echo", "own", PATIENCE_MILLIS)).isEqualTo("ok");
      assertThat(own.tell("udp", from, addresses.banned(), CLIENT_PORT, PATIENCE_MILLIS))
          .isEqualTo("ok");
    }
  }

  @ParameterizedTest
  @MethodSource("everyBackendAndFamily")
  void all_connectionsOfTheNodeToABannedAddress_getNoReplies(Backend backend, Family family) {
    Addresses addresses = Addresses.of(family);
    PacketFilter filter = open(backend, Hook.RAW, Ports.ALL, Verdict.DROP);
    put(filter, addresses.banned(), 3_600_000);
    assertThat(
            network.nodeEndpoint.tell(
                "connect",
                "own",
                addresses.node(),
                addresses.banned(),
                CLIENT_PORT,
                SILENCE_MILLIS))
        .isEqualTo("timeout");
    assertThat(network.connect("new", addresses.banned(), addresses, NODE_PORT, SILENCE_MILLIS))
        .isEqualTo("timeout");
    assertThat(connect("new", addresses.other(), addresses, NODE_PORT)).isEqualTo("ok");
  }

  @ParameterizedTest
  @MethodSource("everyBackendFamilyAndHook")
  void list_onlyThePortsThatTheClientNames_areClosed(Backend backend, Family family, Hook hook) {
    Addresses addresses = Addresses.of(family);
    // The pod's own port is not listed: what counts is the one before NAT.
    Ports ports =
        new Ports(
            Ports.Kind.LIST,
            List.of(
                new PortRange(22, 22),
                new PortRange(SERVICE_PORT - 1, SERVICE_PORT + 1),
                new PortRange(CLIENT_PORT, CLIENT_PORT)));
    PacketFilter filter = open(backend, hook, ports, Verdict.DROP);
    put(filter, addresses.banned(), 3_600_000);
    assertThat(network.connect("new", addresses.banned(), addresses, SERVICE_PORT, SILENCE_MILLIS))
        .isEqualTo("timeout");
    assertThat(network.udp(addresses.banned(), addresses, SERVICE_PORT, SILENCE_MILLIS))
        .isEqualTo("timeout");
    assertThat(connect("new", addresses.banned(), addresses, NODE_PORT)).isEqualTo("ok");
    assertThat(connect("new", addresses.other(), addresses, SERVICE_PORT)).isEqualTo("ok");
    assertThat(
            network.nodeEndpoint.tell(
                "connect",
                "own",
                addresses.node(),
                addresses.banned(),
                CLIENT_PORT,
                PATIENCE_MILLIS))
        .isEqualTo("ok");
  }

  @ParameterizedTest
  @MethodSource("everyBackendAndFamily")
  void reject_theClientIsTold(Backend backend, Family family) {
    Addresses addresses = Addresses.of(family);
    PacketFilter filter = open(backend, Hook.FILTER, Ports.INBOUND, Verdict.REJECT);
    assertThat(connect("open", addresses.banned(), addresses, NODE_PORT)).isEqualTo("ok");
    put(filter, addresses.banned(), 3_600_000);
    for (int port : List.of(NODE_PORT, SERVICE_PORT)) {
      assertThat(network.connect("new", addresses.banned(), addresses, port, PATIENCE_MILLIS))
          .isEqualTo("refused");
      assertThat(network.udp(addresses.banned(), addresses, port, PATIENCE_MILLIS))
          .isEqualTo("refused");
    }
    assertThat(network.echo("open", PATIENCE_MILLIS)).contains("reset");
    assertThat(connect("new", addresses.other(), addresses, SERVICE_PORT)).isEqualTo("ok");
  }

  @ParameterizedTest
  @MethodSource("everyBackendAndFamily")
  void ban_ofANetwork_coversItsClientsOnly(Backend backend, Family family) {
    Addresses addresses = Addresses.of(family);
    PacketFilter filter = open(backend, Hook.RAW, Ports.INBOUND, Verdict.DROP);
    put(filter, family == Family.V4 ? "198.51.100.64/26" : "2001:db8:a::60/123", 3_600_000);
    assertThat(network.connect("new", addresses.banned(), addresses, NODE_PORT, SILENCE_MILLIS))
        .isEqualTo("timeout");
    assertThat(connect("new", addresses.other(), addresses, NODE_PORT)).isEqualTo("ok");
    // A ban within it that ends does not let the client in.
    put(filter, addresses.banned(), 3_600_000);
    filter.apply(TestChanges.of(v -> v.remove(IpPrefix.parse(addresses.banned()))));
    assertThat(network.connect("new", addresses.banned(), addresses, NODE_PORT, SILENCE_MILLIS))
        .isEqualTo("timeout");
  }

  private static String connect(String name, String from, Addresses addresses, int port) {
    return network.connect(name, from, addresses, port, PATIENCE_MILLIS);
  }

  private PacketFilter open(Backend backend, Hook hook, Ports ports, Verdict verdict) {
    EnforcerConfig config = Configs.of("", backend, hook, ports, verdict);
    PacketFilter filter =
        PacketFilters.open(config, InstantSource.system(), network.node.command(List.of()))
            .filter();
    opened.add(filter);
    filter.ensure(1_000);
    return filter;
  }

  private static void put(PacketFilter filter, String prefix, long millis) {
    filter.apply(
        TestChanges.putting(Map.of(IpPrefix.parse(prefix), System.currentTimeMillis() + millis)));
  }
}
