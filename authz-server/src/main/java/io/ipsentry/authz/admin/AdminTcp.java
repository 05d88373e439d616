package io.ipsentry.authz.admin;

import io.netty.handler.ssl.SslContext;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The admin API over TCP.
 *
 * @param address port 0 takes a free one
 * @param tls of the server, for HTTP/2; one that asks for client certificates must not insist, so
 *     that health is open and others are told what they lack; empty: plaintext
 * @param callers who may call, asked at each call
 * @param cluster knows who else may do what; then {@code callers} are only those with a token of
 *     the configuration, and client certificates are verified here and not by {@code tls}
 */
public record AdminTcp(
    InetSocketAddress address,
    Optional<SslContext> tls,
    Supplier<AdminCallers> callers,
    Optional<ClusterAccess> cluster) {
  /** Without a cluster. */
  public AdminTcp(
      InetSocketAddress address, Optional<SslContext> tls, Supplier<AdminCallers> callers) {
    this(address, tls, callers, Optional.empty());
  }
}
