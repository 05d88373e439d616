package io.ipsentry.watcher.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.net.IpPrefix;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class TimedBanLogTest {
  private final AtomicLong nanos = new AtomicLong();
  private final LatencyHistogram latency = new LatencyHistogram();
  private final TimedBanLog log =
      new TimedBanLog(new InMemoryBanLog(), latency, () -> nanos.getAndAdd(2_000_000));

  @Test
  void append_appendedOnly_isMeasured() {
    List<BanEvent> events =
        List.of(
            new BanEvent.Unban(
                Instant.EPOCH, IpPrefix.parse("203.0.113.7"), "test", "removed by hand"));

    assertThat(log.append(0, events)).isInstanceOf(AppendResult.Appended.class);
    assertThat(log.append(0, events)).isInstanceOf(AppendResult.Conflict.class);
    assertThat(log.append(1, List.of())).isInstanceOf(AppendResult.Appended.class);

    assertThat(log.head()).isEqualTo(1);
    assertThat(log.read(1, 10)).hasSize(1);
    var measured = latency.snapshot("x", "x").getDataPoints().getFirst();
    assertThat(measured.getCount()).isEqualTo(1);
    assertThat(measured.getSum()).isEqualTo(0.002);
  }
}
