package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.testing.RequiresProgram;
import java.time.InstantSource;

/** Programs of a namespace that cannot be entered: ipset makes each change. */
@RequiresProgram("sh")
class IpsetWithoutNetlinkContractTest extends KernelFilterContract {
  @Override
  EnforcerConfig.Backend backend() {
    return EnforcerConfig.Backend.IPSET;
  }

  @Override
  PacketFilter filter(EnforcerConfig config) {
    return PacketFilters.open(config, InstantSource.system(), NftSetsIT.outOfSight(node)).filter();
  }
}
