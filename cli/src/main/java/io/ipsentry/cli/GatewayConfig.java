package io.ipsentry.cli;

import io.ipsentry.config.AuthzConfig;
import io.ipsentry.config.Config;
import java.util.Optional;

/** Whether a configuration serves gateways; asked before the classes of the servers are loaded. */
final class GatewayConfig {
  private GatewayConfig() {}

  /** What it says of the servers; empty: there are none. */
  static Optional<AuthzConfig> served(Config config) {
    return config.authz().filter(authz -> authz.listen().isPresent() || authz.http().isPresent());
  }

  static boolean isServed(Config config) {
    return served(config).isPresent();
  }
}
