package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import io.ipsentry.cli.Finding.State;
import io.ipsentry.proto.v1.FeedStatus;
import java.util.List;
import org.junit.jupiter.api.Test;

final class FeedReportTest {
  @Test
  void findings_feeds_sayWhichDoNotLoad() {
    FeedStatus.Builder feed =
        FeedStatus.newBuilder()
            .setName("drop")
            .setOrigin("https://feeds.example/drop.txt")
            .setEntries(1_670);

    assertThat(
            FeedReport.findings(
                List.of(
                    feed.build(),
                    feed.setConfirmedAt(Timestamp.newBuilder().setSeconds(1_795_305_600)).build(),
                    feed.setProblem("HTTP 503").build(),
                    feed.setAction("protect").build())))
        .satisfiesExactly(
            never ->
                assertThat(never)
                    .isEqualTo(Finding.ok("feed drop", "1670 prefixes, never fetched")),
            fine ->
                assertThat(fine)
                    .returns(State.OK, Finding::state)
                    .returns("1670 prefixes, confirmed 2026-11-22 00:00:00Z", Finding::what),
            failing ->
                assertThat(failing)
                    .returns(State.WARN, Finding::state)
                    .returns(
                        "HTTP 503; 1670 prefixes hold, confirmed 2026-11-22 00:00:00Z",
                        Finding::what)
                    .satisfies(found ->
                        assertThat(found.mend())
                            .startsWith("look at https://feeds.example/drop.txt;"))
                    .returns("what is known of it holds only until it expires", Finding::why),
            protecting ->
                assertThat(protecting)
                    .returns(State.WARN, Finding::state)
                    .returns(
                        "what is known of it holds, and ages: new addresses of the CDN may be"
                            + " banned",
                        Finding::why));
  }
}
