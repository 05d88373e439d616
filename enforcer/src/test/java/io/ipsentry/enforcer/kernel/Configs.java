package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.config.EnforcerConfig.Hook;
import io.ipsentry.config.EnforcerConfig.Ports;
import io.ipsentry.config.EnforcerConfig.Verdict;
import java.util.List;
import java.util.Optional;

/** Configurations for tests: the default with one thing changed. */
final class Configs {
  private Configs() {}

  static EnforcerConfig of(Backend backend) {
    return of("", backend);
  }

  static EnforcerConfig of(String name, Backend backend) {
    return of(name, backend, Hook.RAW, Ports.INBOUND, Verdict.DROP);
  }

  static EnforcerConfig of(String name, Backend backend, Hook hook, Ports ports, Verdict verdict) {
    EnforcerConfig base = EnforcerConfig.DEFAULT;
    return new EnforcerConfig(
        name,
        Optional.of(backend),
        hook,
        ports,
        verdict,
        List.of(),
        base.interval(),
        base.onExit(),
        base.hostBinaries());
  }
}
