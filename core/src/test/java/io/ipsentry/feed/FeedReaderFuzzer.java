package io.ipsentry.feed;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.ByteArrayInputStream;
import java.time.Instant;

/** Any bytes, in any format, are a set within the limits or are refused with a reason. */
final class FeedReaderFuzzer {
  private static final Instant NOW = Instant.parse("2026-11-26T12:00:00Z");

  @FuzzTest(maxDuration = "2m")
  void read_anyBytes_isReadOrRefused(byte[] bytes) {
    for (FeedFormat format : FeedFormat.values()) {
      FeedReading reading =
          FeedReader.read(new ByteArrayInputStream(bytes), FeedOptions.DEFAULT.with(format), NOW);
      switch (reading) {
        case FeedReading.Read read -> {
          assertThat(read.content().at(NOW).size()).isLessThanOrEqualTo(read.taken());
          assertThat(read.bad()).isLessThanOrEqualTo(read.taken() + read.skipped());
          assertThat(read.shown()).hasSizeLessThanOrEqualTo(FeedReading.MAX_SHOWN);
        }
        case FeedReading.Refused refused ->
            assertThat(refused.reason()).isNotBlank().hasSizeLessThan(1_000);
      }
    }
  }
}
