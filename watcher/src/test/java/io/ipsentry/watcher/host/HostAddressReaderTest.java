package io.ipsentry.watcher.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.Protection;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HostAddressReaderTest {
  private static final String IPV6_ANY = "0".repeat(32);

  @TempDir private Path directory;

  @Test
  void nameServers_realFile_takesNameserverLinesOnly() {
    Stream<String> lines =
        Stream.of(
            "# nameserver 192.0.2.1",
            "; nameserver 192.0.2.2",
            "domain example.org",
            "nameserver 203.0.113.53",
            "nameserver\t2001:db8::53   # the second",
            "nameserver fe80::1%eth0",
            "nameserver not-an-address",
            " nameserver 192.0.2.3",
            "nameserver",
            "nameserver192.0.2.4",
            "options ndots:5");

    assertThat(ResolvConf.nameServers(lines))
        .map(IpPrefix::toString)
        .containsExactly("203.0.113.53", "2001:db8::53", "fe80::1");
  }

  @Test
  void ipv4DefaultGateways_severalRoutes_takesDefaultRoutesWithNextHop() {
    String gateway = nativeHex(203, 0, 113, 1);
    Stream<String> lines =
        Stream.of(
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
            "eth0\t00000000\t" + gateway + "\t0003\t0\t0\t100\t00000000\t0\t0\t0",
            "wg0\t00000000\t00000000\t0001\t0\t0\t200\t00000000\t0\t0\t0",
            "eth0\t00000000\t" + gateway + "\t0003\t0\t0\t100\t00000080\t0\t0\t0",
            "eth0\t"
                + nativeHex(10, 0, 0, 0)
                + "\t"
                + gateway
                + "\t0003\t0\t0\t0\t000000FF\t0\t0\t0",
            "*\t00000000\t" + gateway + "\t0203\t0\t0\t300\t00000000\t0\t0\t0",
            "eth1\t00000000\t" + nativeHex(198, 51, 100, 9) + "\t0002\t0\t0\t0\t00000000\t0\t0\t0",
            "broken",
            "");

    assertThat(RoutingTables.ipv4DefaultGateways(lines))
        .map(IpPrefix::toString)
        .containsExactly("203.0.113.1");
  }

  @Test
  void ipv6DefaultGateways_severalRoutes_takesDefaultRoutesWithNextHop() {
    String gateway = "20010db8000000000000000000000001";
    Stream<String> lines =
        Stream.of(
            ipv6Route(IPV6_ANY, "00", gateway, "00000003"),
            ipv6Route(IPV6_ANY, "00", IPV6_ANY, "00200200"),
            ipv6Route(IPV6_ANY, "00", IPV6_ANY, "00000001"),
            ipv6Route("20010db8000100000000000000000000", "40", gateway, "00000003"),
            ipv6Route(IPV6_ANY, "01", gateway, "00000003"),
            "broken");

    assertThat(RoutingTables.ipv6DefaultGateways(lines))
        .map(IpPrefix::toString)
        .containsExactly("2001:db8::1");
  }

  @Test
  void read_files_areJoinedAndReservedAddressesLeftOut() throws IOException {
    Path stub = Files.writeString(directory.resolve("stub.conf"), "nameserver 127.0.0.53\n");
    Path real = Files.writeString(directory.resolve("real.conf"), "nameserver 203.0.113.53\n");
    Path route =
        Files.writeString(
            directory.resolve("route"),
            "eth0\t00000000\t"
                + nativeHex(203, 0, 113, 1)
                + "\t0003\t0\t0\t100\t00000000\t0\t0\t0\n");
    Path route6 =
        Files.writeString(
            directory.resolve("route6"),
            ipv6Route(IPV6_ANY, "00", "fe80" + "0".repeat(27) + "1", "00000003") + "\n");

    HostAddresses addresses = new HostAddressReader(List.of(stub, real), route, route6).read();

    assertThat(addresses.resolvers()).isEqualTo(PrefixSet.parse("203.0.113.53"));
    assertThat(addresses.gateways()).isEqualTo(PrefixSet.parse("203.0.113.1"));
  }

  @Test
  void read_filesMissing_areEmpty() {
    Path none = directory.resolve("none");

    HostAddresses addresses = new HostAddressReader(List.of(none), none, none).read();

    assertThat(addresses.resolvers().isEmpty()).isTrue();
    assertThat(addresses.gateways().isEmpty()).isTrue();
  }

  @Test
  void read_fileUnreadable_saysWhich() {
    HostAddressReader reader = new HostAddressReader(List.of(directory), directory, directory);

    assertThatThrownBy(reader::read)
        .isInstanceOf(HostAddressesException.class)
        .hasMessageContaining(directory.toString());
  }

  @Test
  void parts_everyAddress_isProtectedWithItsReason() {
    TreeMap<String, PrefixSet> interfaces = new TreeMap<>();
    interfaces.put("eth0", PrefixSet.parse("198.51.100.4"));
    HostAddresses addresses =
        new HostAddresses(
            interfaces, PrefixSet.parse("203.0.113.53"), PrefixSet.parse("198.51.100.1"));

    ProtectedPrefixes never = ProtectedPrefixes.of(addresses.parts());

    assertThat(never.protects(IpPrefix.parse("198.51.100.4")).map(Protection::description))
        .contains("own address 198.51.100.4 (eth0)");
    assertThat(never.protects(IpPrefix.parse("198.51.100.1")).map(Protection::description))
        .contains("default gateway 198.51.100.1");
    assertThat(never.protects(IpPrefix.parse("203.0.113.53")).map(Protection::description))
        .contains("resolver 203.0.113.53");
  }

  private static String ipv6Route(String destination, String bits, String nextHop, String flags) {
    return String.join(
        " ",
        destination,
        bits,
        IPV6_ANY,
        "00",
        nextHop,
        "00000400",
        "00000001",
        "00000000",
        flags,
        "    eth0");
  }

  /** An IPv4 address as the kernel prints it: a number in the host's byte order. */
  private static String nativeHex(int a, int b, int c, int d) {
    int value = a << 24 | b << 16 | c << 8 | d;
    boolean reversed = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    return String.format("%08X", reversed ? Integer.reverseBytes(value) : value);
  }
}
