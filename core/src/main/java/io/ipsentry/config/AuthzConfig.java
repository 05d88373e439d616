package io.ipsentry.config;

import java.util.Optional;

/**
 * The servers that answer gateways; read and checked, but not started by this version.
 *
 * @param listen for Envoy's {@code ext_authz} (gRPC); empty: none
 * @param http for HTTP forward-auth; empty: none
 */
public record AuthzConfig(Optional<ListenAddress> listen, Optional<ListenAddress> http) {}
