package io.ipsentry.cli;

import io.ipsentry.watcher.host.HostAddresses;
import io.ipsentry.watcher.host.HostAddressesException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Looks for the addresses of this host, which are never banned. Stateless. */
final class HostCheckup {
  private HostCheckup() {}

  /**
   * Looks.
   *
   * @param reader throws {@link HostAddressesException} where they cannot be read
   * @return none where they cannot be read
   */
  static HostAddresses look(Supplier<HostAddresses> reader, Consumer<Finding> report) {
    try {
      HostAddresses host = reader.get();
      List<String> own = new ArrayList<>();
      host.interfaces()
          .forEach((name, prefixes) -> {
            if (!prefixes.isEmpty()) {
              own.add(name + " " + prefixes);
            }
          });
      report.accept(
          own.isEmpty()
              ? Finding.warn(
                  "host",
                  "no address of this host was found",
                  "add its addresses to neverBan, so that they are not banned")
              : Finding.ok("host", "never banned: " + String.join(", ", own)));
      return host;
    } catch (HostAddressesException e) {
      report.accept(
          Finding.warn(
              "host",
              "the addresses of this host cannot be read: " + e.getMessage(),
              "add them to neverBan"));
      return HostAddresses.NONE;
    }
  }
}
