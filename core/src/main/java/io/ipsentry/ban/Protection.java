package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import java.util.Arrays;
import java.util.Optional;

/**
 * Why an address is never banned: the prefix that protects it and where that prefix comes from.
 *
 * <p>Shown to people when a ban is refused, and counted by {@link Kind#wireName()}.
 *
 * @param kind where the prefix comes from
 * @param prefix what is protected; it contains the candidate or lies in it
 * @param detail what the prefix is within its kind, such as {@code loopback} or the name of an
 *     interface; empty when there is nothing to add
 */
public record Protection(Kind kind, IpPrefix prefix, String detail) {

  /**
   * Where a protected prefix comes from; earlier ones are named first when several protect an
   * address, because they hold whatever is configured.
   */
  public enum Kind {
    /** Ranges that are no client: loopback, link-local, multicast, reserved. */
    RESERVED("reserved", "reserved range"),
    /** Addresses of this host's interfaces. */
    OWN_ADDRESS("own-address", "own address"),
    /** Default gateways of this host. */
    GATEWAY("gateway", "default gateway"),
    /** Name servers of this host. */
    RESOLVER("resolver", "resolver"),
    /** Nodes, pod networks, services, load balancers and API servers of the cluster. */
    CLUSTER("cluster", "cluster address"),
    /** Proxies whose headers are believed. */
    TRUSTED_PROXY("trusted-proxy", "trusted proxy"),
    /** Ranges of a CDN, of a feed that protects; the detail is its name. */
    CDN("cdn", "CDN range"),
    /** {@code neverBan} of the configuration. */
    NEVER_BAN("never-ban", "neverBan in the configuration"),
    /** The allowlist: {@code allow} of the configuration, and allow events. */
    ALLOW("allow", "allowlist"),
    /** Private networks, unless switched off. */
    PRIVATE_NETWORK("private-network", "private network");

    private final String wireName;
    private final String label;

    Kind(String wireName, String label) {
      this.wireName = wireName;
      this.label = label;
    }

    /** The kind of a {@link #wireName()}; empty: there is none. */
    public static Optional<Kind> ofWireName(String name) {
      return Arrays.stream(values()).filter(kind -> kind.wireName.equals(name)).findFirst();
    }

    /** Name in metrics and JSON, such as {@code own-address}. */
    public String wireName() {
      return wireName;
    }
  }

  /**
   * One phrase for people, such as {@code private network 10.0.0.0/8} or {@code own address
   * 192.0.2.4 (eth0)}.
   */
  public String description() {
    String phrase = kind.label + " " + prefix;
    return detail.isEmpty() ? phrase : phrase + " (" + detail + ")";
  }

  /** {@link #description()}. */
  @Override
  public String toString() {
    return description();
  }
}
