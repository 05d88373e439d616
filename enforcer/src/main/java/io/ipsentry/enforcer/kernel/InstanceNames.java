package io.ipsentry.enforcer.kernel;

/**
 * What an instance calls its things in the kernel.
 *
 * <p>Things beside the main one have a dot in their names, which no name of an instance has: so
 * those of one instance are never those of another.
 *
 * @param instance empty, or 1 to 12 of {@code a-z A-Z 0-9 -}
 */
record InstanceNames(String instance) {
  /** What every chain of every instance begins with. */
  static final String CHAIN_PREFIX = "IP-BLOCKER";

  /** What every table and set of every instance begins with. */
  static final String TABLE_PREFIX = "ip-blocker";

  private static final int MAX_LENGTH = 12;

  InstanceNames {
    if (instance.length() > MAX_LENGTH || !instance.matches("[A-Za-z0-9-]*")) {
      throw new IllegalArgumentException(
          "the name of an instance is at most "
              + MAX_LENGTH
              + " of a-z A-Z 0-9 -, not '"
              + instance
              + "'");
    }
  }

  /** The chain whose rules refuse. */
  String chain() {
    return instance.isEmpty() ? CHAIN_PREFIX : CHAIN_PREFIX + "-" + instance;
  }

  /** The chain for packets whose source is banned, where that is not {@link #chain}. */
  String refuseChain() {
    return chain() + ".refuse";
  }

  /** The chain that looks for {@code X-Forwarded-For}. */
  String forwardedForChain() {
    return chain() + ".xff";
  }

  /** The chain that looks for banned addresses in that header; 28 characters are the limit. */
  String forwardedForAddressChain() {
    return chain() + ".xffa";
  }

  /** The set of a family. */
  String set(Family family) {
    return base() + "-" + family.digit();
  }

  /** A set that stands in for {@link #set} or is about to replace it. */
  String spareSet(Family family) {
    return set(family) + ".new";
  }

  /** The nftables table. */
  String table() {
    return base();
  }

  private String base() {
    return instance.isEmpty() ? TABLE_PREFIX : TABLE_PREFIX + "-" + instance;
  }
}
