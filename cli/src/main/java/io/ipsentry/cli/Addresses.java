package io.ipsentry.cli;

import io.ipsentry.config.ListenAddress;
import java.net.InetSocketAddress;

/** Addresses that servers listen on. */
final class Addresses {
  private Addresses() {}

  /** As the system takes it. */
  static InetSocketAddress of(ListenAddress listen) {
    return listen.host().isEmpty()
        ? new InetSocketAddress(listen.port())
        : new InetSocketAddress(listen.host(), listen.port());
  }

  /** As the configuration writes it. */
  static String text(InetSocketAddress address) {
    boolean any = address.getAddress().isAnyLocalAddress();
    String host = any ? "" : address.getAddress().getHostAddress();
    return new ListenAddress(host, address.getPort()).toString();
  }
}
