package io.ipsentry.cli;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection;
import io.ipsentry.config.Config;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.watcher.host.HostAddresses;
import java.util.ArrayList;
import java.util.List;

/** The never-ban set of a configuration on a host. */
final class Protections {
  private Protections() {}

  /**
   * All that must not be banned.
   *
   * @param host {@link HostAddresses#NONE} where the answer must not depend on this host
   */
  static ProtectedPrefixes of(Config config, HostAddresses host) {
    return of(config, host, List.of());
  }

  /**
   * As {@link #of(Config, HostAddresses)}, and more.
   *
   * @param others what others found
   */
  static ProtectedPrefixes of(Config config, HostAddresses host, List<Part> others) {
    PrefixSet proxies = config.trustedProxies().neverBanned();
    for (SourceConfig source : config.sources()) {
      proxies = proxies.union(source.trustedProxies().neverBanned());
    }
    List<Part> parts = new ArrayList<>(ProtectedPrefixes.reserved(config.protectPrivate()));
    parts.addAll(host.parts());
    parts.addAll(others);
    parts.add(Part.of(Protection.Kind.TRUSTED_PROXY, proxies));
    parts.add(Part.of(Protection.Kind.NEVER_BAN, config.neverBan()));
    parts.add(Part.of(Protection.Kind.ALLOW, config.allow()));
    return ProtectedPrefixes.of(parts);
  }
}
