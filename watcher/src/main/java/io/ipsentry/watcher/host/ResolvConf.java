package io.ipsentry.watcher.host;

import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Reads {@code nameserver} lines of resolv.conf(5). */
final class ResolvConf {
  private static final String KEYWORD = "nameserver";

  private ResolvConf() {}

  /** Addresses of the name servers, in order; anything else is passed over, as resolvers do. */
  static List<IpPrefix> nameServers(Stream<String> lines) {
    return lines.flatMap(line -> nameServer(line).stream()).toList();
  }

  private static Optional<IpPrefix> nameServer(String line) {
    // The keyword must begin the line; white space must follow it.
    String[] words = line.split("[ \t]+", 3);
    if (words.length < 2 || !words[0].equals(KEYWORD)) {
      return Optional.empty();
    }
    String address = words[1];
    int zone = address.indexOf('%');
    try {
      return Optional.of(IpPrefix.parse(zone < 0 ? address : address.substring(0, zone)));
    } catch (InvalidAddressException e) {
      // The C library passes over it as well; there is no address to protect.
      return Optional.empty();
    }
  }
}
