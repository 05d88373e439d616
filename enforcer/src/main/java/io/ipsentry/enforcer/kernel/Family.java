package io.ipsentry.enforcer.kernel;

import io.ipsentry.net.IpPrefix;

/** A family of addresses, and how the programs call it. */
enum Family {
  V4("4", "inet", "iptables-legacy", "ip"),
  V6("6", "inet6", "ip6tables-legacy", "ip6");

  private final String digit;
  private final String ipset;
  private final String iptables;
  private final String nft;

  Family(String digit, String ipset, String iptables, String nft) {
    this.digit = digit;
    this.ipset = ipset;
    this.iptables = iptables;
    this.nft = nft;
  }

  static Family of(IpPrefix prefix) {
    return prefix.isV4() ? V4 : V6;
  }

  /** What names of sets end in. */
  String digit() {
    return digit;
  }

  /** Name in {@code ipset create … family}. */
  String ipset() {
    return ipset;
  }

  /** The program that writes rules; {@code -save} and {@code -restore} are those beside it. */
  String iptables() {
    return iptables;
  }

  /** Header whose {@code saddr} is the source, in nft. */
  String nft() {
    return nft;
  }

  /** For people. */
  String label() {
    return "IPv" + digit;
  }
}
