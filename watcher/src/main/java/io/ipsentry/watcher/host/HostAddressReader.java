package io.ipsentry.watcher.host;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.ReservedPrefixes;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Reads {@link HostAddresses} from the kernel and from resolv.conf(5); a reading takes about a
 * millisecond.
 *
 * <p>A file that does not exist adds nothing (not every system has each), nor does a host on which
 * no interface is up. Safe for any thread.
 */
public final class HostAddressReader {
  /** Lines of a file that are read; more are ignored, so that a full routing table costs little. */
  static final int MAX_LINES = 65_536;

  /** What the JDK says where no interface is up, not even that of loopback. */
  private static final String NO_INTERFACES = "No network interfaces configured";

  private final List<Path> resolvConfs;
  private final Path ipv4Routes;
  private final Path ipv6Routes;

  HostAddressReader(List<Path> resolvConfs, Path ipv4Routes, Path ipv6Routes) {
    this.resolvConfs = List.copyOf(resolvConfs);
    this.ipv4Routes = ipv4Routes;
    this.ipv6Routes = ipv6Routes;
  }

  /**
   * Reads this Linux host.
   *
   * <p>Besides {@code /etc/resolv.conf} it reads the one of systemd-resolved, because the former
   * then names a stub on loopback only.
   */
  public static HostAddressReader linux() {
    return new HostAddressReader(
        List.of(Path.of("/etc/resolv.conf"), Path.of("/run/systemd/resolve/resolv.conf")),
        Path.of("/proc/net/route"),
        Path.of("/proc/net/ipv6_route"));
  }

  /**
   * Reads everything anew.
   *
   * @throws HostAddressesException if something that exists cannot be read
   */
  public HostAddresses read() {
    List<IpPrefix> resolvers = new ArrayList<>();
    for (Path resolvConf : resolvConfs) {
      resolvers.addAll(parse(resolvConf, ResolvConf::nameServers));
    }
    List<IpPrefix> gateways =
        new ArrayList<>(parse(ipv4Routes, RoutingTables::ipv4DefaultGateways));
    gateways.addAll(parse(ipv6Routes, RoutingTables::ipv6DefaultGateways));
    return new HostAddresses(interfaces(), withoutReserved(resolvers), withoutReserved(gateways));
  }

  private static SortedMap<String, PrefixSet> interfaces() {
    SortedMap<String, PrefixSet> interfaces = new TreeMap<>();
    try {
      Map<String, List<IpPrefix>> addresses = new TreeMap<>();
      NetworkInterface.networkInterfaces()
          .flatMap(card -> Stream.concat(Stream.of(card), card.subInterfaces()))
          .forEach(card ->
              addresses
                  .computeIfAbsent(card.getName(), name -> new ArrayList<>())
                  .addAll(card.inetAddresses().map(HostAddressReader::prefix).toList()));
      addresses.forEach((name, ofCard) -> {
        PrefixSet bannable = withoutReserved(ofCard);
        if (!bannable.isEmpty()) {
          interfaces.put(name, bannable);
        }
      });
    } catch (SocketException e) {
      if (!NO_INTERFACES.equals(e.getMessage())) {
        throw new HostAddressesException("cannot list the network interfaces", e);
      }
    }
    return interfaces;
  }

  private static IpPrefix prefix(InetAddress address) {
    // The text may end in the zone (%eth0), which is no part of the address.
    String text = address.getHostAddress();
    int zone = text.indexOf('%');
    return IpPrefix.parse(zone < 0 ? text : text.substring(0, zone));
  }

  private static PrefixSet withoutReserved(Collection<IpPrefix> prefixes) {
    return PrefixSet.of(
        prefixes.stream().filter(prefix -> !ReservedPrefixes.LOCAL.covers(prefix)).toList());
  }

  private static List<IpPrefix> parse(Path file, Function<Stream<String>, List<IpPrefix>> parser) {
    try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
      return parser.apply(reader.lines().limit(MAX_LINES));
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException | UncheckedIOException e) {
      throw new HostAddressesException("cannot read " + file, e);
    }
  }
}
