package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.net.IpPrefix;
import java.util.Map;
import org.junit.jupiter.api.Test;

class NftablesFilterContractTest extends KernelFilterContract {
  /** More than two batches of nft. */
  private static final int MANY = 45_000;

  @Override
  Backend backend() {
    return Backend.NFTABLES;
  }

  @Test
  void apply_inSeveralBatches_holdsTheLastChangeOfEach() {
    PacketFilter filter = ensured();
    long until = System.currentTimeMillis() + 1_000_000;
    IpPrefix length = IpPrefix.parse("192.0.2.0/28");
    filter.apply(
        TestChanges.of(visitor -> {
          for (int i = 0; i < MANY; i++) {
            visitor.put(address(i), until);
          }
          visitor.put(address(0), PacketFilter.FOR_EVER);
          visitor.remove(address(1));
          visitor.put(length, until);
        }));
    Map<IpPrefix, Long> read = read(filter);
    assertThat(read).hasSize(MANY).doesNotContainKey(address(1)).containsKey(length);
    assertThat(read).containsEntry(address(0), PacketFilter.FOR_EVER);
  }

  @Test
  void apply_aBatchIsRefused_throws() {
    PacketFilter filter = ensured();
    filter.flush();
    assertThatThrownBy(() ->
            filter.apply(
                TestChanges.of(visitor -> {
                  for (int i = 0; i < MANY; i++) {
                    visitor.put(address(i), PacketFilter.FOR_EVER);
                  }
                })))
        .isInstanceOf(PacketFilterException.class)
        .hasMessageContaining("No such file");
  }

  private static IpPrefix address(int number) {
    return IpPrefix.ofV4(0xc6120000 + number);
  }
}
