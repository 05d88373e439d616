package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.testing.RequiresProgram;

@RequiresProgram({"ipset", "iptables-legacy", "ip6tables-legacy"})
class IpsetFilterContractTest extends KernelFilterContract {
  @Override
  Backend backend() {
    return Backend.IPSET;
  }
}
