package io.ipsentry.watcher.host;

import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection.Kind;
import io.ipsentry.net.PrefixSet;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Addresses a host must never ban lest it cuts itself off: its own, its name servers' and its
 * default gateways'.
 *
 * <p>An address that the host does not have itself, such as the public one that a provider
 * translates to a private one, is not among them; it belongs into {@code neverBan}. Immutable; two
 * readings are equal when nothing changed.
 *
 * @param interfaces addresses by name of the interface; without those that are reserved anyway
 *     (loopback, link-local)
 * @param resolvers name servers of resolv.conf(5)
 * @param gateways next hops of the default routes, both families
 */
public record HostAddresses(
    SortedMap<String, PrefixSet> interfaces, PrefixSet resolvers, PrefixSet gateways) {

  /** Knows no address. */
  public static final HostAddresses NONE =
      new HostAddresses(Collections.emptySortedMap(), PrefixSet.empty(), PrefixSet.empty());

  public HostAddresses {
    interfaces = Collections.unmodifiableSortedMap(new TreeMap<>(interfaces));
  }

  /** What they add to the never-ban set. */
  public List<Part> parts() {
    List<Part> parts = new ArrayList<>();
    interfaces.forEach((name, prefixes) -> parts.add(new Part(Kind.OWN_ADDRESS, name, prefixes)));
    parts.add(Part.of(Kind.GATEWAY, gateways));
    parts.add(Part.of(Kind.RESOLVER, resolvers));
    return List.copyOf(parts);
  }
}
