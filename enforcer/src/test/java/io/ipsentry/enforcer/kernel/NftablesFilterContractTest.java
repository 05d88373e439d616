package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.testing.RequiresProgram;

@RequiresProgram({"nft"})
class NftablesFilterContractTest extends KernelFilterContract {
  @Override
  Backend backend() {
    return Backend.NFTABLES;
  }
}
