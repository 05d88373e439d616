package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig.Backend;

class NftablesFilterContractTest extends KernelFilterContract {
  @Override
  Backend backend() {
    return Backend.NFTABLES;
  }
}
