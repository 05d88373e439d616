package io.ipsentry.kubernetes.protect;

import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection;
import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Prefixes by what they are. Confined to one thread. */
final class FoundAddresses {
  private static final Logger logger = LoggerFactory.getLogger(FoundAddresses.class);

  private final TreeMap<String, SortedSet<IpPrefix>> byReason = new TreeMap<>();

  /** Takes an address or a network; {@code None} of a headless service, and names, are neither. */
  void add(String what, @Nullable String address) {
    if (address == null || address.isEmpty() || address.equals("None")) {
      return;
    }
    try {
      add(what, IpPrefix.parse(address));
    } catch (InvalidAddressException e) {
      logger.atDebug().addKeyValue("address", address).log("not an address");
    }
  }

  private void add(String what, IpPrefix prefix) {
    byReason.computeIfAbsent(what, _ -> new TreeSet<>()).add(prefix);
  }

  void addAll(FoundAddresses others) {
    others.byReason.forEach((what, prefixes) -> prefixes.forEach(prefix -> add(what, prefix)));
  }

  /** A part for each reason. */
  List<Part> parts() {
    List<Part> parts = new ArrayList<>();
    byReason.forEach((what, prefixes) ->
        parts.add(new Part(Protection.Kind.CLUSTER, what, PrefixSet.of(prefixes))));
    return parts;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof FoundAddresses found && found.byReason.equals(byReason);
  }

  @Override
  public int hashCode() {
    return byReason.hashCode();
  }
}
