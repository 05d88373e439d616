package io.ipsentry.enforcer.kernel;

import io.ipsentry.net.IpPrefix;

/** What every backend asks of an element. */
final class Elements {
  private Elements() {}

  /**
   * Refuses everybody: whoever decides must never ask for it, and the kernel's sets cannot hold it.
   *
   * @throws IllegalArgumentException if the prefix is all of its family
   */
  static void requireNotEverybody(IpPrefix prefix) {
    if (prefix.bits() == 0) {
      throw new IllegalArgumentException("everybody cannot be banned: " + prefix);
    }
  }
}
