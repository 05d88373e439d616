package io.ipsentry.conformance.hands;

import io.ipsentry.net.IpPrefix;

/**
 * A way to ban.
 *
 * @param name for the report
 * @param wide whether it takes prefixes, not only addresses
 * @param inKernel whether what it bans is dropped by the kernel; else it is refused by gateways and
 *     at the edge
 * @param refuses whether it is told no; else what it did stands in the log, and has no force
 * @param act tries it
 */
record Hand(String name, boolean wide, boolean inKernel, boolean refuses, Act act) {
  /** Tries to ban something that is protected, and in the same go something that is not. */
  @FunctionalInterface
  interface Act {
    /**
     * Returns when it has told why it does not; fails if it does not tell.
     *
     * @param target is protected, or holds what is; as somebody writes it
     * @param control may be banned
     */
    void ban(Target target, IpPrefix control) throws Exception;
  }

  /**
   * Something protected.
   *
   * @param ip what is to be banned
   * @param address a protected address in it
   * @param written the one or the other, in a way to write it
   */
  record Target(IpPrefix ip, IpPrefix address, String written) {}
}
