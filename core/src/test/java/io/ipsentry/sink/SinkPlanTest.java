package io.ipsentry.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.net.IpPrefix;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class SinkPlanTest {
  private static final IpPrefix A = IpPrefix.parse("192.0.2.1");
  private static final IpPrefix B = IpPrefix.parse("192.0.2.2");
  private static final IpPrefix C = IpPrefix.parse("192.0.2.3");
  private static final IpPrefix D = IpPrefix.parse("192.0.2.4");

  @Test
  void of_everyCase_removesThenCreatesNewestFirstThenUpdates() {
    SinkEntry gone = new SinkEntry(A, "1", 1, true);
    SinkEntry right = new SinkEntry(B, "2", 2, true);
    SinkEntry twice = new SinkEntry(B, "3", 2, true);
    SinkEntry other = new SinkEntry(C, "4", 3, false);

    assertThat(
            SinkPlan.of(
                Map.of(B, 2L, C, 3L, D, 4L, IpPrefix.parse("192.0.2.5"), 9L),
                List.of(gone, twice, right, other)))
        .containsExactly(
            new SinkChange.Delete(gone),
            new SinkChange.Delete(twice),
            new SinkChange.Create(IpPrefix.parse("192.0.2.5"), 9),
            new SinkChange.Create(D, 4),
            new SinkChange.Update(other, 3));
  }

  @Test
  void of_same_isNothing() {
    assertThat(SinkPlan.of(Map.of(A, 1L), List.of(new SinkEntry(A, "1", 1, true)))).isEmpty();
  }
}
