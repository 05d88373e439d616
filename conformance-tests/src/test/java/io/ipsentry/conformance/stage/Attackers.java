package io.ipsentry.conformance.stage;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.stage.Addresses;
import java.util.Set;
import java.util.TreeSet;

/** Hands out addresses of attackers, each once, and knows whom a ban may be of. One thread. */
final class Attackers {
  private static final int BITS_OF_A_NETWORK = 64;

  private final Set<String> banned = new TreeSet<>();
  private int next;

  /** One of whom nobody has heard. */
  String next(boolean isSix) {
    String address = isSix ? Addresses.attacker6(next) : Addresses.attacker(next);
    next++;
    banned.add(banned(address));
    return address;
  }

  /** One of whom nobody has heard, and of whom it is not known yet whether he will be banned. */
  String nextUndecided() {
    String address = Addresses.attacker(next);
    next++;
    return address;
  }

  /** Such a one is to be banned. */
  void isToBeBanned(String address) {
    banned.add(banned(address));
  }

  /** What is banned when an address is: itself, or its network of 64 bits. */
  static String banned(String address) {
    return address.contains(":")
        ? IpPrefix.parse(address + "/" + BITS_OF_A_NETWORK).toString()
        : address;
  }

  /** What may be banned, in all. */
  Set<String> banned() {
    return banned;
  }
}
