package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.net.IpPrefix;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class IpsetFilterContractTest extends KernelFilterContract {
  private static final Pattern LAST = Pattern.compile("198\\.18\\.2\\.87 timeout (\\d+)\n");

  @Override
  Backend backend() {
    return Backend.IPSET;
  }

  /** Seconds are told from when the kernel takes an element, not from when a batch began. */
  @Test
  void apply_timePassesWithinABatch_laterOnesDoNotEndLater() {
    AtomicLong now = new AtomicLong(1_800_000_000_000L);
    PacketFilter filter =
        PacketFilters.open(
                Configs.of(backend()),
                () -> Instant.ofEpochMilli(now.get()),
                node.command(List.of()))
            .filter();
    assertThat(filter.ensure(1_000)).isNotEmpty();
    long end = now.get() + 1_000_000;

    filter.apply(
        new PacketFilter.Changes() {
          @Override
          public int size() {
            return 600;
          }

          @Override
          public void forEach(PacketFilter.ChangeVisitor visitor) {
            for (int i = 0; i < size(); i++) {
              visitor.put(IpPrefix.ofV4(0xc6120000 + i), end);
              now.addAndGet(1_000);
            }
          }
        });

    Matcher last = LAST.matcher(node.run("ipset", "save", "ip-blocker-4"));
    assertThat(last.find()).isTrue();
    // 401 are left; it is looked at the clock now and then only.
    assertThat(Integer.parseInt(last.group(1))).isBetween(350, 401 + 256);
  }
}
