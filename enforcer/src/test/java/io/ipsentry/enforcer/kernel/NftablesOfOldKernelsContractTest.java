package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Backend;
import java.time.InstantSource;
import java.util.List;

/** As on a kernel that keeps the end of an element that is added again. */
class NftablesOfOldKernelsContractTest extends KernelFilterContract {
  @Override
  Backend backend() {
    return Backend.NFTABLES;
  }

  @Override
  PacketFilter filter(EnforcerConfig config) {
    KernelPrograms programs = new KernelPrograms(node.command(List.of()));
    return new NftablesFilter(programs, config, InstantSource.system(), false);
  }
}
