package io.ipsentry.enforcer.kernel;

import io.ipsentry.net.IpPrefix;
import java.io.IOException;

/** Takes changes to the elements of ipsets, in their order. */
interface SetCommands {
  /**
   * An element is to be in a set, whether it was or not.
   *
   * @param timeoutSeconds from now until it ends; 0: never
   */
  void add(String set, IpPrefix prefix, long timeoutSeconds) throws IOException;

  /** An element is not to be in a set, whether it was or not. */
  void remove(String set, IpPrefix prefix) throws IOException;
}
