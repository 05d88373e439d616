package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig.Backend;

class IpsetFilterContractTest extends KernelFilterContract {
  @Override
  Backend backend() {
    return Backend.IPSET;
  }
}
