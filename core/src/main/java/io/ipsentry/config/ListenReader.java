package io.ipsentry.config;

import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import java.util.Optional;

/** Reads where a server listens. */
final class ListenReader {
  private ListenReader() {}

  /**
   * Reads an address of this host with a port.
   *
   * @param defaultPort shown in what is said about a mistake
   */
  static Optional<ListenAddress> read(Value value, int defaultPort) {
    Optional<String> text = value.text();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    String form = "write 127.0.0.1:%1$d, [::1]:%1$d or :%1$d".formatted(defaultPort);
    int colon = text.get().lastIndexOf(':');
    String host = colon < 0 ? text.get() : text.get().substring(0, colon);
    String port = text.get().substring(colon + 1);
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    String address = bracketed ? host.substring(1, host.length() - 1) : host;
    if (colon < 0 || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65_535) {
      value.error(Problems.quoted(text.get()) + " has no port from 0 to 65535", form);
      return Optional.empty();
    }
    if (!isHost(address, bracketed)) {
      value.error(
          Problems.quoted(host) + " is not an address of this host; names are not looked up", form);
      return Optional.empty();
    }
    return Optional.of(new ListenAddress(address, Integer.parseInt(port)));
  }

  private static boolean isHost(String host, boolean bracketed) {
    if (!bracketed && (host.isEmpty() || host.equals("localhost"))) {
      return true;
    }
    try {
      // An IPv6 address without brackets may have swallowed its last group as the port.
      return IpPrefix.parse(host).isAddress() && bracketed == host.contains(":");
    } catch (InvalidAddressException e) {
      return false;
    }
  }
}
