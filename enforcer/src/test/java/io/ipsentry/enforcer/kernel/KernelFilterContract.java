package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The promises of a {@link PacketFilter} that is made of a real kernel. */
@RequiresRoot
@RequiresProgram("ip")
abstract class KernelFilterContract extends PacketFilterContract {
  NetworkNamespace node;

  /** The backend under test. */
  abstract EnforcerConfig.Backend backend();

  @BeforeEach
  void makeNamespace() {
    node = NetworkNamespace.create("filter");
  }

  @AfterEach
  void removeNamespace() {
    node.close();
  }

  @Override
  PacketFilter filter() {
    return filter(Configs.of(backend()));
  }

  PacketFilter filter(EnforcerConfig config) {
    return PacketFilters.open(config, InstantSource.system(), node.command(List.of())).filter();
  }

  @Test
  void name_isThatOfTheConfiguration() {
    assertThat(filter().name()).isEqualTo(backend().wireName());
  }
}
