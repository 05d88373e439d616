package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.testing.RequiresProgram;

@RequiresProgram({"iptables-legacy", "ip6tables-legacy"})
class RulesFilterContractTest extends KernelFilterContract {
  @Override
  Backend backend() {
    return Backend.IPTABLES_RULES;
  }
}
