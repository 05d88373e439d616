package io.ipsentry.feed;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

final class FeedGuardTest {
  @Test
  void refusal_emptyOrShrunken_isGiven() {
    assertThat(FeedGuard.DEFAULT.refusal(0, 0))
        .contains("it has 0 prefixes, and minimumEntries is 1");
    assertThat(FeedGuard.DEFAULT.refusal(1_000, 499)).isPresent();
    assertThat(FeedGuard.DEFAULT.refusal(1_000, 500)).isEmpty();
    assertThat(FeedGuard.DEFAULT.refusal(1_000, 100_000)).isEmpty();
    assertThat(FeedGuard.DEFAULT.refusal(10, 1)).as("a small list").isEmpty();
    assertThat(new FeedGuard(0, 100).refusal(1_000, 0)).isEmpty();
    assertThat(new FeedGuard(500, 100).refusal(0, 499)).isPresent();
    assertThat(FeedGuard.DEFAULT.comparingAll().refusal(7, 3)).as("a small list").isPresent();
    assertThat(FeedGuard.DEFAULT.comparingAll().refusal(7, 4)).isEmpty();
    assertThat(FeedGuard.DEFAULT.comparingAll().refusal(0, 1)).isEmpty();
  }

  @Test
  void record_asJson_isReadAgain() {
    Instant at = Instant.parse("2026-11-26T12:00:00.123Z");
    FeedRecord record =
        new FeedRecord(
            "a", "https://x/ as auto", FeedAction.TAG, "sha256:0", 7, "W/\"e\"", "", at, at, true);

    assertThat(FeedRecord.parse(record.toJson())).contains(record);
    assertThat(FeedRecord.parse(record.toJson().replace("tag", "other"))).isEmpty();
    assertThat(FeedRecord.parse("{")).isEmpty();
    assertThat(FeedRecord.parse("[]")).isEmpty();
    assertThat(FeedRecord.parse("")).isEmpty();
  }
}
