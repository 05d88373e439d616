package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig.Backend;

class RulesFilterContractTest extends KernelFilterContract {
  @Override
  Backend backend() {
    return Backend.IPTABLES_RULES;
  }
}
