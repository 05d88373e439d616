package io.ipsentry.watcher.host;

import io.ipsentry.net.IpPrefix;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Reads default gateways from the text form of the kernel's routing tables, {@code /proc/net/route}
 * and {@code /proc/net/ipv6_route} (proc_pid_net(5)).
 *
 * <p>They show the main table, and of a route with several next hops the first. Lines of another
 * form are passed over.
 */
final class RoutingTables {
  /** Flags of a route, RTF_UP and RTF_GATEWAY of linux/route.h. */
  private static final int UP_AND_GATEWAY = 0x1 | 0x2;

  /** RTF_REJECT: the route refuses packets. */
  private static final int REJECT = 0x200;

  private RoutingTables() {}

  /**
   * Next hops of the IPv4 default routes.
   *
   * <p>A line is {@code eth0 00000000 0101A8C0 0003 0 0 100 00000000 0 0 0}: interface,
   * destination, gateway, flags, …, mask as the eighth; addresses are 32-bit numbers in the host's
   * byte order.
   */
  static List<IpPrefix> ipv4DefaultGateways(Stream<String> lines) {
    return lines.flatMap(line -> ipv4DefaultGateway(line).stream()).toList();
  }

  /**
   * Next hops of the IPv6 default routes.
   *
   * <p>A line is destination (32 hex digits), its length (2), source (32), its length (2), next hop
   * (32), metric, references, use, flags (8 each), interface.
   */
  static List<IpPrefix> ipv6DefaultGateways(Stream<String> lines) {
    return lines.flatMap(line -> ipv6DefaultGateway(line).stream()).toList();
  }

  private static Optional<IpPrefix> ipv4DefaultGateway(String line) {
    String[] fields = line.strip().split("\\s+");
    if (fields.length < 8 || !isHex(fields[1], 8) || !isHex(fields[2], 8) || !isHex(fields[7], 8)) {
      return Optional.empty();
    }
    boolean isDefault = hex(fields[1]) == 0 && hex(fields[7]) == 0;
    int gateway = (int) hex(fields[2]);
    if (!isDefault || !leadsToGateway(fields[3]) || gateway == 0) {
      return Optional.empty();
    }
    boolean reversed = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    return Optional.of(IpPrefix.ofV4(reversed ? Integer.reverseBytes(gateway) : gateway));
  }

  private static Optional<IpPrefix> ipv6DefaultGateway(String line) {
    String[] fields = line.strip().split("\\s+");
    if (fields.length < 10 || !isHex(fields[0], 32) || !isHex(fields[4], 32)) {
      return Optional.empty();
    }
    boolean isDefault = isZero(fields[0]) && isZero(fields[1]);
    if (!isDefault || !leadsToGateway(fields[8]) || isZero(fields[4])) {
      return Optional.empty();
    }
    long hi = hex(fields[4].substring(0, 16));
    long lo = hex(fields[4].substring(16));
    return Optional.of(IpPrefix.address(hi, lo));
  }

  private static boolean leadsToGateway(String flags) {
    if (!isHex(flags, flags.length())) {
      return false;
    }
    long bits = hex(flags);
    return (bits & UP_AND_GATEWAY) == UP_AND_GATEWAY && (bits & REJECT) == 0;
  }

  private static boolean isHex(String text, int length) {
    return !text.isEmpty()
        && text.length() == length
        && text.chars().allMatch(c -> c < 128 && Character.digit(c, 16) >= 0);
  }

  private static boolean isZero(String hex) {
    return hex.chars().allMatch(c -> c == '0');
  }

  /** At most 16 hex digits. */
  private static long hex(String text) {
    return text.length() > 16 ? 0 : Long.parseUnsignedLong(text, 16);
  }
}
