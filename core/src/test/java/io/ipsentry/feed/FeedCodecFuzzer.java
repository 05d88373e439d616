package io.ipsentry.feed;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ipsentry.net.PrefixSet;
import java.io.IOException;

/** Any bytes are refused with an {@link InvalidFeedException}, or a set that can be written. */
final class FeedCodecFuzzer {
  @FuzzTest(maxDuration = "1m")
  void read_anyBytes_isASetOrRefused(byte[] bytes) throws IOException {
    PrefixSet set;
    try {
      set = FeedCodecTest.read(bytes);
    } catch (InvalidFeedException e) {
      return;
    }
    assertThat(FeedCodecTest.read(FeedCodecTest.write(set))).isEqualTo(set);
  }
}
